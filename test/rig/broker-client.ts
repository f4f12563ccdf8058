/**
 * The broker seen from outside, with the client's wire functions and none of our adapters: makes topics, produces
 * to the partitions named, says end offsets and the group's offsets. What the rig knows must not come from what
 * it judges.
 *
 * BC1 Each call fails after REQUEST_MS; whoever must survive an outage asks again.
 */
import {
  type Connection,
  ConnectionPool,
  createTopicsV7,
  findCoordinatorV6,
  listOffsetsV9,
  type MessageRecord,
  metadataV12,
  offsetFetchV9,
  produceV11,
} from '@platformatic/kafka';
import type { ByteString } from '../../src/core/byte-string.ts';
import { bytesOf } from '../../src/core/byte-string.ts';
import { until } from './wait.ts';

export interface RecordToProduce {
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers?: Readonly<Record<string, ByteString>>;
  /** Unix time in ms; default: now. */
  readonly timestampMs?: number;
}

export interface TopicFacts {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
}

export interface TopicOptions {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Longer than a fetch waits, shorter than anybody's patience. */
const REQUEST_MS = 5_000;
const TOPIC_READY_MS = 20_000;
const COMMITTED = 1;

export class BrokerClient {
  readonly #pool = new ConnectionPool('rig', { connectTimeout: 2_000, requestTimeout: REQUEST_MS });
  readonly #address: { readonly host: string; readonly port: number };

  constructor(bootstrap: string) {
    const [host = '', port = ''] = bootstrap.split(':');
    this.#address = { host, port: Number(port) };
    // A broken connection fails the request on it; the event beside it needs a listener.
    this.#pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
  }

  connection(): Promise<Connection> {
    return this.#pool.get(this.#address);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Resolves when each partition has a leader. */
  async createTopic({ name, partitions, configs = {} }: TopicOptions): Promise<TopicFacts> {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    await createTopicsV7.api.async(await this.connection(), [topic], REQUEST_MS, false);
    const what = `topic ${name} has a leader for each of ${partitions} partitions`;
    return until({ what, timeoutMs: TOPIC_READY_MS }, async () => {
      const facts = await this.topic(name).catch(() => null);
      return facts !== null && facts.partitions === partitions && facts;
    });
  }

  /** Null when there is no such topic, or a partition of it has no leader. */
  async topic(name: string): Promise<TopicFacts | null> {
    const { topics } = await metadataV12.api.async(await this.connection(), [name], false, false);
    const [topic] = topics;
    if (topic === undefined || topic.errorCode !== 0) return null;
    if (topic.partitions.some(({ leaderId }) => leaderId < 0)) return null;
    return { name, id: topic.topicId, partitions: topic.partitions.length };
  }

  /** One request. Rejects when it is not known to have arrived: sent again, records may be there twice. */
  async produce(topic: string, partition: number, records: readonly RecordToProduce[]): Promise<void> {
    const messages = records.map((record) => messageOf(topic, partition, record));
    const answer = await produceV11.api.async(await this.connection(), -1, REQUEST_MS, messages, {});
    if (typeof answer === 'boolean') return;
    const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode ?? 0;
    if (errorCode !== 0) throw new Error(`produce to ${topic}/${partition}: error ${errorCode}`);
  }

  /** Position after the last record of each partition that a reader of committed records gets. */
  async endOffsets({ name, partitions }: TopicFacts): Promise<ReadonlyMap<number, number>> {
    const wanted = Array.from({ length: partitions }, (_, partitionIndex) => ({
      partitionIndex,
      currentLeaderEpoch: -1,
      timestamp: -1n,
    }));
    const answer = await listOffsetsV9.api.async(await this.connection(), -1, COMMITTED, [
      { name, partitions: wanted },
    ]);
    const found = answer.topics[0]?.partitions ?? [];
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  }

  /** The group's committed offsets; a partition without one is not in it. */
  async groupOffsets(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const { coordinators } = await findCoordinatorV6.api.async(await this.connection(), 0, [group]);
    const coordinator = await this.#pool.get(coordinators[0] ?? this.#address);
    const request = [{ groupId: group, memberId: null, memberEpoch: -1, topics: null }];
    const { groups } = await offsetFetchV9.api.async(coordinator, request, false);
    const partitions = groups[0]?.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return new Map(
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
    );
  }
}

function messageOf(
  topic: string,
  partition: number,
  { key, value, headers = {}, timestampMs }: RecordToProduce,
): MessageRecord {
  // The client's type knows no null value, its encoder does.
  const valueBytes = (value === null ? null : bytesOf(value)) as Buffer;
  const entries = Object.entries(headers).map(([name, text]): [Buffer, Buffer] => [
    Buffer.from(name),
    bytesOf(text),
  ]);
  return {
    topic,
    partition,
    value: valueBytes,
    headers: new Map(entries),
    ...(key === null ? {} : { key: bytesOf(key) }),
    ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
  };
}
