/**
 * The topics as they must be: the topic of transactions exists and is not compacted, the results topic exists.
 *
 * T1 A compacted topic is refused: Kafka would delete all but the newest transaction of a location.
 * T2 A new topic is used only when each of its partitions has a leader.
 */
import { type Connection, createTopicsV7, describeConfigsV4 } from '@platformatic/kafka';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import type { Cluster, TopicFacts } from './cluster.ts';
import { answerOf, codeName, isForbidden, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import { pause } from './waiting.ts';

/** How long the controller may take to make a topic. */
const CREATE_MS = 15_000;
/** A leader is elected within a second on a healthy cluster. */
const LEADER_POLL_MS = 100;
const LEADER_POLLS_MAX = 100;
/** DescribeConfigs: a topic. */
const TOPIC_RESOURCE = 2;
/** CreateTopics: the broker's default.replication.factor. */
const DEFAULT_REPLICAS = -1;

/** retention.ms of a topic that keeps its records. */
const KEPT_FOR_EVER = -1;

export interface CheckedTopic {
  readonly facts: TopicFacts;
  /** Null: for ever, or it cannot be read. */
  readonly retentionMs: number | null;
  /** What a person should know although it works: SB-3013, SB-3005. */
  readonly warnings: readonly SignalboxError[];
}

/** Throws SB-3002, SB-3003, SB-3005 (all final), or what a broken connection throws. */
export async function checkTopic(cluster: Cluster, name: string): Promise<CheckedTopic> {
  const facts = cluster.topic(name);
  if (facts === null || facts.errorCode === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) {
    throw new SignalboxError('SB-3002', name, { final: true });
  }
  if (facts.errorCode !== KAFKA.NONE) throw new KafkaRefusal(`topic ${name}`, facts.errorCode);
  const connection = await cluster.any();
  const config = await topicConfig(connection, name);
  if (config instanceof SignalboxError) return { facts, retentionMs: null, warnings: [config] };
  if ((config.get('cleanup.policy') ?? '').includes('compact')) {
    throw new SignalboxError('SB-3003', name, { final: true });
  }
  const inSync = config.get('min.insync.replicas') ?? '1';
  const keptMs = Number(config.get('retention.ms') ?? KEPT_FOR_EVER);
  const retentionMs = keptMs === KEPT_FOR_EVER ? null : keptMs;
  if (facts.replicas > 1 && inSync !== '1') return { facts, retentionMs, warnings: [] };
  const detail = `${name}: ${facts.replicas} replicas, min.insync.replicas=${inSync}`;
  return { facts, retentionMs, warnings: [new SignalboxError('SB-3013', detail)] };
}

async function topicConfig(
  connection: Connection,
  name: string,
): Promise<Map<string, string> | SignalboxError> {
  const resource = {
    resourceType: TOPIC_RESOURCE,
    resourceName: name,
    configurationKeys: ['cleanup.policy', 'min.insync.replicas', 'retention.ms'],
  } as const;
  const request = { ...resource, configurationKeys: [...resource.configurationKeys] };
  const answer = await answerOf(describeConfigsV4.api.async(connection, [request], false, false));
  const result = answer.results[0];
  const errorCode = result?.errorCode ?? KAFKA.UNKNOWN_TOPIC_OR_PARTITION;
  if (isForbidden(errorCode)) {
    const detail = `cleanup.policy of ${name} cannot be read: grant DescribeConfigs on the topic`;
    return new SignalboxError('SB-3005', detail);
  }
  if (errorCode !== KAFKA.NONE) throw new KafkaRefusal(`configuration of ${name}`, errorCode);
  return new Map(result?.configs.map((config) => [config.name, config.value ?? '']));
}

export interface ResultsTopicOptions {
  readonly world: World;
  readonly cluster: Cluster;
  readonly name: string;
  /** Partition count when it must be made. */
  readonly partitions: number;
  readonly create: boolean;
}

/** Makes the results topic if it is missing. Throws SB-3012 (final) when it may not or cannot. */
export async function ensureResultsTopic(options: ResultsTopicOptions): Promise<void> {
  const { cluster, name, partitions, create } = options;
  const facts = cluster.topic(name);
  if (facts !== null && facts.errorCode === KAFKA.NONE) return;
  if (facts !== null && facts.errorCode !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION) {
    throw new KafkaRefusal(`topic ${name}`, facts.errorCode);
  }
  if (!create) throw new SignalboxError('SB-3012', name, { final: true });
  const errorCode = await createTopic(await cluster.any(), { name, partitions });
  if (isForbidden(errorCode)) {
    throw new SignalboxError('SB-3012', `${name}: ${codeName(errorCode)}`, { final: true });
  }
  if (errorCode !== KAFKA.NONE && errorCode !== KAFKA.TOPIC_ALREADY_EXISTS) {
    throw new KafkaRefusal(`creating ${name}`, errorCode);
  }
  await untilLed(options);
}

/** Resolves to the broker's error code. */
export async function createTopic(
  connection: Connection,
  topic: {
    readonly name: string;
    readonly partitions: number;
    readonly configs?: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const configs = Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value }));
  const request = { name: topic.name, numPartitions: topic.partitions, replicationFactor: DEFAULT_REPLICAS };
  const answer = await answerOf(
    createTopicsV7.api.async(connection, [{ ...request, assignments: [], configs }], CREATE_MS, false),
  );
  return answer.topics[0]?.errorCode ?? KAFKA.NONE;
}

/** T2. Throws KafkaRefusal when some partition gets no leader in time. */
async function untilLed(options: Pick<ResultsTopicOptions, 'world' | 'cluster' | 'name'>): Promise<void> {
  const { world, cluster, name } = options;
  for (let poll = 0; poll < LEADER_POLLS_MAX; poll += 1) {
    await cluster.refresh();
    const leaders = cluster.topic(name)?.leaders ?? [];
    if (leaders.length > 0 && leaders.every((leader) => leader !== null)) return;
    await pause(world, LEADER_POLL_MS);
  }
  throw new KafkaRefusal(`topic ${name}`, KAFKA.LEADER_NOT_AVAILABLE);
}
