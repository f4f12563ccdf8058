/**
 * What the brokers say about themselves and our topics: addresses, topic ids, partitions and their leaders.
 *
 * K1 One Metadata request at a time; callers that come meanwhile share its answer.
 * K2 Metadata is looked up again when somebody was refused or disconnected, never on every request.
 */
import { type Broker, type Connection, metadataV12 } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import { Connections } from './connections.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import { parseBrokers } from './security.ts';
import type { BrokerAddress, KafkaConnectionSettings } from './settings.ts';

/** A broker that is alive answers Metadata at once; after that the next one is asked. */
const REQUEST_MS = 10_000;
/** Addresses tried at once when the last good one fails: enough for a cluster with several dead brokers. */
const TRIED_AT_ONCE_MAX = 8;

export interface TopicFacts {
  readonly name: string;
  /** KAFKA.NONE, or why there are no facts. */
  readonly errorCode: number;
  readonly id: string;
  /** Node id of the leader by partition; null while there is none. */
  readonly leaders: readonly (number | null)[];
  readonly replicas: number;
}

export interface ClusterOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings;
  readonly topics: readonly string[];
  /** Called after each look-up, whoever asked for it: leaders may have moved. */
  readonly refreshed?: () => void;
}

export class Cluster {
  readonly #connections: Connections;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #topicNames: readonly string[];
  readonly #refreshed: () => void;
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicFacts>();
  #good: BrokerAddress | null = null;
  #refreshing: Promise<void> | null = null;

  constructor(options: ClusterOptions) {
    const { world, settings, topics, refreshed } = options;
    this.#connections = new Connections({ world, settings, requestTimeoutMs: REQUEST_MS });
    this.#bootstrap = parseBrokers(settings.brokers);
    this.#topicNames = topics;
    this.#refreshed = refreshed ?? (() => undefined);
  }

  /** Null before the first refresh. */
  topic(name: string): TopicFacts | null {
    return this.#topics.get(name) ?? null;
  }

  /** Address of a node; null when no broker of that id is known. */
  broker(nodeId: number): BrokerAddress | null {
    return this.#brokers.get(nodeId) ?? null;
  }

  leader(topic: string, partition: number): number | null {
    return this.#topics.get(topic)?.leaders[partition] ?? null;
  }

  /** A connection to any broker, for questions that each can answer. */
  async any(): Promise<Connection> {
    if (this.#good !== null) {
      try {
        return await this.#connections.get(this.#good);
      } catch {
        this.#good = null;
      }
    }
    const addresses = unique([...this.#brokers.values(), ...this.#bootstrap]).slice(0, TRIED_AT_ONCE_MAX);
    const first = await Promise.any(
      addresses.map(async (address) => ({ address, connection: await this.#connections.get(address) })),
    );
    this.#good = first.address;
    return first.connection;
  }

  /** A connection to the leader of a partition. Throws KafkaRefusal when there is none. */
  async toLeader(topic: string, partition: number): Promise<Connection> {
    const nodeId = this.leader(topic, partition);
    const address = nodeId === null ? null : this.broker(nodeId);
    if (address === null) throw new KafkaRefusal(`${topic}/${partition}`, KAFKA.LEADER_NOT_AVAILABLE);
    return this.#connections.get(address);
  }

  /** Looks everything up again. Rejects when no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#lookUp().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #lookUp(): Promise<void> {
    const connection = await this.any();
    let answer: Awaited<ReturnType<typeof metadataV12.api.async>>;
    try {
      answer = await answerOf(metadataV12.api.async(connection, [...this.#topicNames], false, false));
    } catch (error) {
      this.#good = null;
      throw error;
    }
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      const name = topic.name ?? '';
      const leaders: (number | null)[] = [];
      for (const { partitionIndex, leaderId } of topic.partitions)
        leaders[partitionIndex] = leaderId < 0 ? null : leaderId;
      const replicas = Math.min(...topic.partitions.map((partition) => partition.replicaNodes.length));
      this.#topics.set(name, { name, errorCode: topic.errorCode, id: topic.topicId, leaders, replicas });
    }
    this.#refreshed();
  }
}

function unique(addresses: readonly BrokerAddress[]): Broker[] {
  const byName = new Map(addresses.map(({ host, port }) => [`${host}:${port}`, { host, port }]));
  return [...byName.values()];
}
