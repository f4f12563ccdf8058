/**
 * The one place where adapters are chosen and put together; nothing else in the product imports them. What a short
 * command does not need is loaded where it is used: loading is most of the time such a command takes.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedLog } from '../adapters/embedded-log/embedded-log.ts';
import { EmbeddedSender } from '../adapters/embedded-log/embedded-sender.ts';
import { type Config, withoutSecrets } from '../config/config.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { DEFAULT_SETTINGS, type Observer, type Types } from '../engine/options.ts';
import type { Point } from '../engine/points.ts';
import type { Participant, TransactionLog, TransactionSender, World } from '../engine/ports.ts';
import { Worker } from '../engine/worker.ts';
import {
  embeddedDirectory,
  type LedgerAddress,
  ledgerConnections,
  openLedger,
  postgresOptions,
  sslOf,
} from './compose-ledger.ts';
import type { OpenTraces } from './compose-telemetry.ts';
import { graded } from './graded-participant.ts';

export { boundHeapGrowth } from '../adapters/node/heap-growth.ts';
export { InProcessParticipant } from '../adapters/node/in-process-participant.ts';
export { realWorld } from '../adapters/node/world.ts';
export type { Metrics } from '../adapters/telemetry/metrics.ts';

/** Log, metrics, and several observers as one. */
export async function loadTelemetry() {
  const [{ LogObserver }, { createLogger }, { Metrics }, { observers }] = await Promise.all([
    import('../adapters/telemetry/log-observer.ts'),
    import('../adapters/telemetry/logger.ts'),
    import('../adapters/telemetry/metrics.ts'),
    import('../adapters/telemetry/observers.ts'),
  ]);
  return { LogObserver, createLogger, Metrics, observers };
}

export type Telemetry = Awaited<ReturnType<typeof loadTelemetry>>;

// ------------------------------------------------------------------------------------------ words for people

export function logName(config: Config): string {
  const { kafka, topic, group } = config;
  const where =
    kafka === null
      ? `embedded log (${config.partitions} partitions when it is new)`
      : `Kafka ${kafka.brokers.join(',')}`;
  return `${where}, topic ${topic}, group ${group}`;
}

export function ledgerName(config: Config): string {
  const { urls } = config.ledger;
  if (urls.length === 0) return `embedded Postgres in ${embeddedDirectory(config)}`;
  const names = urls.map(withoutSecrets).join(', ');
  return urls.length === 1 ? names : `${urls.length} shards: ${names}`;
}

export function participantNames(config: Config): string {
  const names = Object.entries(config.participants).map(([name, { url }]) => `${name} ${url}`);
  return names.length === 0 ? 'none' : names.join(', ');
}

// ------------------------------------------------------------------------------------------ log

export async function openLog(config: Config, address: LedgerAddress, world: World): Promise<TransactionLog> {
  const { topic, group, worker, sessionTimeoutMs, partitions, createResults } = config;
  if (config.kafka === null) {
    return new EmbeddedLog({
      ...postgresOptions(address),
      topic,
      group,
      worker,
      partitions,
      sessionTimeoutMs,
      world,
    });
  }
  const { KafkaLog } = await import('../adapters/kafka/kafka-log.ts');
  const connection = await kafkaConnection(config);
  return new KafkaLog({
    ...connection,
    topic,
    group,
    sessionTimeoutMs,
    createResultsTopic: createResults,
    world,
  });
}

/** With Kafka no ledger is needed to send. */
export async function openSender(
  config: Config,
  address: () => Promise<LedgerAddress>,
  world: World,
): Promise<TransactionSender> {
  const { topic, partitions } = config;
  if (config.kafka === null) {
    return new EmbeddedSender({ ...postgresOptions(await address()), topic, partitions, world });
  }
  const { KafkaSender } = await import('../adapters/kafka/kafka-sender.ts');
  return new KafkaSender({ ...(await kafkaConnection(config)), topic, world });
}

async function kafkaConnection(config: Config) {
  const { kafka, worker } = config;
  if (kafka === null)
    throw new SignalboxError('SB-5002', 'kafka.brokers: found nothing, allowed is a list of host:port');
  const { brokers, tls, sasl } = kafka;
  return {
    brokers,
    clientId: worker,
    ...(tls === null ? {} : { tls: sslOf(tls) ?? true }),
    ...(sasl === null
      ? {}
      : {
          sasl:
            sasl.mechanism === 'OAUTHBEARER'
              ? { mechanism: sasl.mechanism, token: () => tokenOf(sasl) }
              : sasl,
        }),
  };
}

export interface KafkaFacts {
  readonly brokers: number;
  readonly partitions: number;
  readonly replicas: number;
  /** What a person should know although it works. */
  readonly warnings: readonly SignalboxError[];
  /** Partitions of the results topic; null when there is none. */
  readonly resultsPartitions: number | null;
}

/** What the brokers say of our topics, without joining anything. Throws SB-3001 to SB-3005, SB-3007. */
export async function kafkaFacts(config: Config, world: World): Promise<KafkaFacts> {
  const [{ Cluster }, { checkTopic }, { checkApiVersions }, { problemOf }] = await Promise.all([
    import('../adapters/kafka/cluster.ts'),
    import('../adapters/kafka/topics.ts'),
    import('../adapters/kafka/api-versions.ts'),
    import('../adapters/kafka/kafka-errors.ts'),
  ]);
  const results = `${config.topic}.results`;
  const cluster = new Cluster({
    world,
    settings: await kafkaConnection(config),
    topics: [config.topic, results],
  });
  try {
    await cluster.refresh();
    await checkApiVersions(await cluster.any());
    const { facts, warnings } = await checkTopic(cluster, config.topic);
    const found = cluster.topic(results);
    return {
      brokers: config.kafka?.brokers.length ?? 0,
      partitions: facts.leaders.length,
      replicas: facts.replicas,
      warnings,
      resultsPartitions: found === null || found.errorCode !== 0 ? null : found.leaders.length,
    };
  } catch (error) {
    throw problemOf(error, config.kafka?.brokers.join(',') ?? '');
  } finally {
    await cluster.close();
  }
}

/** Makes the topic of transactions where it is missing: for the demo's own broker. */
export async function createKafkaTopic(config: Config, world: World): Promise<void> {
  const [{ Cluster }, { createTopic }] = await Promise.all([
    import('../adapters/kafka/cluster.ts'),
    import('../adapters/kafka/topics.ts'),
  ]);
  const { topic, partitions } = config;
  const cluster = new Cluster({ world, settings: await kafkaConnection(config), topics: [topic] });
  try {
    await createTopic(await cluster.any(), { name: topic, partitions });
  } finally {
    await cluster.close();
  }
}

/** Read at each connection: the file may have been renewed. */
async function tokenOf({
  token,
  tokenFile,
}: {
  token: string | null;
  tokenFile: string | null;
}): Promise<string> {
  return tokenFile === null ? (token ?? '') : (await readFile(tokenFile, 'utf8')).trim();
}

// ------------------------------------------------------------------------------------------ participants, worker

export interface Participants {
  /** Throws SB-5004 for a name that is not configured. */
  get(name: string): Participant;
  readonly all: ReadonlyMap<string, Participant>;
  close(): Promise<void>;
}

/** Throws SB-5002 for an endpoint that cannot be used. */
export async function participantAt(endpoint: string, world: World): Promise<Participant> {
  const { HttpParticipant } = await import('../adapters/http/http-participant.ts');
  return new HttpParticipant(world, { endpoint });
}

/** Throws SB-5004 (final) when there is none at all, SB-5002 for one that cannot be used. */
export async function openParticipants(config: Config, world: World): Promise<Participants> {
  const entries = Object.entries(config.participants);
  if (entries.length === 0 || (config.types === null && config.participants.default === undefined)) {
    throw new SignalboxError('SB-5004', '', { final: true });
  }
  return participantsOf(await httpParticipants(config, world));
}

/** Those behind HTTP, by name. Throws SB-5002 for one that cannot be used. */
export async function httpParticipants(config: Config, world: World): Promise<Map<string, Participant>> {
  const { HttpParticipant } = await import('../adapters/http/http-participant.ts');
  return new Map(
    Object.entries(config.participants).map(([name, { url, headers, grade }]) => {
      const participant = new HttpParticipant(world, { endpoint: url, headers });
      return [name, grade === null ? participant : graded(participant, grade)] as const;
    }),
  );
}

export function participantsOf(all: ReadonlyMap<string, Participant>): Participants {
  return {
    get: (name) => {
      const participant = all.get(name);
      if (participant === undefined) throw new SignalboxError('SB-5004', `participant ${name}`);
      return participant;
    },
    all,
    close: async () => {
      await Promise.all([...all.values()].map((participant) => participant.close()));
    },
  };
}

export interface WorkerParts {
  readonly world: World;
  readonly address: LedgerAddress;
  readonly log: TransactionLog;
  readonly participants: Participants;
  readonly types: Types;
  readonly observer: Observer;
  readonly version: string;
  readonly passing: ((point: Point) => void) | null;
  /** The log is given with spans around it already. */
  readonly traces?: OpenTraces | null;
}

export function createWorker(config: Config, parts: WorkerParts): Worker {
  const { world, address, log, participants, types, observer, version, passing, traces = null } = parts;
  const { topic, group, worker } = config;
  const identity = {
    topic,
    group,
    worker,
    /** Known when the log is open; nothing is taken over or committed before. */
    get topicId() {
      return log.topic.id;
    },
  };
  const ledger = openLedger(address, identity, () => log.topic.partitions);
  const traced = new Map(
    traces === null ? [] : [...participants.all].map(([name, each]) => [name, traces.participant(each)]),
  );
  return new Worker({
    world,
    log,
    ledger: traces?.ledger(ledger) ?? ledger,
    participant: (name) => traced.get(name) ?? participants.get(name),
    types,
    settings: {
      ...DEFAULT_SETTINGS,
      ledgerConnections: ledgerConnections(address),
      dedupeWindowMs: config.dedupeWindowMs,
      parkedMax: config.parkedMax,
      quietMs: config.quietMs,
    },
    observer,
    version,
    ...(passing === null ? {} : { passing }),
  });
}

/** Version of the package, the same from the sources and from dist/. */
export async function packageVersion(): Promise<string> {
  const path = join(import.meta.dirname, '..', '..', 'package.json');
  const { version } = JSON.parse(await readFile(path, 'utf8')) as { version: string };
  return version;
}
