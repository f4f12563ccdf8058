/**
 * Appends records to one partition of a topic: one request, one partition, acknowledged by all replicas.
 *
 * P1 One request carries records of one partition only, so a refusal repeats nothing that was accepted.
 * P2 A refusal or a broken connection looks the leaders up again, so that the next try finds the new one.
 * P3 Refused because the leader has moved, nothing was stored: the same batch goes to the new one, a few times.
 */
import { createAPI, produceV11, Writer } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import { type ProducerRecord, recordBatch, recordBytes } from './batch-encoding.ts';
import type { Cluster } from './cluster.ts';
import { Connections } from './connections.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import type { BrokerAddress, KafkaConnectionSettings } from './settings.ts';
import { BackOff, pause } from './waiting.ts';

const ALL_REPLICAS = -1;
/** The broker waits this long for its followers. */
const ACKNOWLEDGE_MS = 15_000;
const REQUEST_MS = 20_000;
/** LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, and of a new topic 3. */
const LEADER_MOVED: readonly number[] = [3, 5, 6, 74, 75];
/** 0.1 to 1.6 s: an election that takes longer is for the caller to wait out. */
const MOVED_TRIES_MAX = 5;
/** Brokers take batches of about 1 MiB (message.max.bytes); the rest is for headers and framing. */
const BATCH_BYTES_MAX = 900 * 1024;

export interface ProducerOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings;
  readonly cluster: Cluster;
  readonly topic: string;
}

/** Produce Request version 11 with one batch for one partition; the client's own parser takes the answer apart. */
const produceApi = createAPI<
  [topic: string, partition: number, batch: Buffer],
  ReturnType<typeof produceV11.parseResponse>
>(
  0,
  11,
  (topic, partition, batch) =>
    Writer.create()
      .appendString(null) // transactional id
      .appendInt16(ALL_REPLICAS)
      .appendInt32(ACKNOWLEDGE_MS)
      .appendArray([topic], (topics, name) => {
        topics.appendString(name).appendArray([partition], (partitions, index) => {
          partitions
            .appendInt32(index)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch);
        });
      })
      .appendTaggedFields(),
  produceV11.parseResponse,
);

export class Producer {
  readonly #options: ProducerOptions;
  readonly #connections: Connections;

  constructor(options: ProducerOptions) {
    const { world, settings } = options;
    this.#options = options;
    this.#connections = new Connections({ world, settings, requestTimeoutMs: REQUEST_MS });
  }

  /** Appends in order. Throws when it is not known that all have arrived; some may have. */
  async append(partition: number, records: readonly ProducerRecord[]): Promise<void> {
    for (const batch of inBatches(records)) await this.#appendBatch(partition, batch);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** P3. */
  async #appendBatch(partition: number, records: readonly ProducerRecord[]): Promise<void> {
    const { world, cluster } = this.#options;
    const backOff = new BackOff(world);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#request(partition, records);
        return;
      } catch (error) {
        await cluster.refresh().catch(() => undefined);
        const moved = error instanceof KafkaRefusal && LEADER_MOVED.includes(error.errorCode);
        if (!moved || attempt === MOVED_TRIES_MAX) throw error;
      }
      await pause(world, backOff.next());
    }
  }

  async #request(partition: number, records: readonly ProducerRecord[]): Promise<void> {
    const { topic } = this.#options;
    const connection = await this.#connections.get(await this.#leader(partition));
    const batch = recordBatch(records, Math.trunc(this.#options.world.now()));
    const { responses } = await answerOf(produceApi.async(connection, topic, partition, batch));
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? KAFKA.LEADER_NOT_AVAILABLE;
    if (errorCode !== KAFKA.NONE) throw new KafkaRefusal(`Produce to ${topic}/${partition}`, errorCode);
  }

  async #leader(partition: number): Promise<BrokerAddress> {
    const { cluster, topic } = this.#options;
    if (cluster.leader(topic, partition) === null) await cluster.refresh();
    const nodeId = cluster.leader(topic, partition);
    const address = nodeId === null ? null : cluster.broker(nodeId);
    if (address !== null) return address;
    const errorCode = cluster.topic(topic)?.errorCode ?? KAFKA.NONE;
    throw new KafkaRefusal(
      `${topic}/${partition}`,
      errorCode === KAFKA.NONE ? KAFKA.LEADER_NOT_AVAILABLE : errorCode,
    );
  }
}

/** A batch holds at least one record, however large. */
export function inBatches(records: readonly ProducerRecord[]): ProducerRecord[][] {
  const batches: ProducerRecord[][] = [];
  let batch: ProducerRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const more = recordBytes(record);
    if (batch.length > 0 && bytes + more > BATCH_BYTES_MAX) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += more;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
