/**
 * Signalbox's worker on Postgres, all settings at their defaults, with a participant in its process: begin, call and finish of
 * every transaction are what the handler of the others is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { KafkaLog } from '../../src/adapters/kafka/kafka-log.ts';
import { boundHeapGrowth } from '../../src/adapters/node/heap-growth.ts';
import { InProcessParticipant } from '../../src/adapters/node/in-process-participant.ts';
import { realWorld } from '../../src/adapters/node/world.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { type Plan, planText } from '../../src/core/plan.ts';
import { DEFAULT_SETTINGS, type Observer } from '../../src/engine/options.ts';
import { Worker } from '../../src/engine/worker.ts';
import type { Job } from './job.ts';
import { type Consume, onNode, type Peer } from './peer.ts';
import { versionOf } from './signalbox-consumer.ts';
import type { Fields, Tracker } from './tracker.ts';

const STEP = { name: 'apply', participant: 'bench', timeoutMs: 10_000, irreversible: false };
const PLAN: Plan = { type: 'withdraw', version: 1, steps: [STEP], deadlineMs: 900_000 };
const CLOSE_MS = 10_000;

export const peer: Peer = {
  id: 'signalbox-durable',
  title: 'Signalbox, worker with its ledger',
  settings: 'defaults; participant in the process',
  works: ['W6', 'crash'],
  onPostgres: true,
  install: async () => ({ signalbox: versionOf('../../package.json') }),
  command: onNode,
};

export const consume: Consume = async ({ job, tracker }) => {
  boundHeapGrowth();
  const world = realWorld();
  const log = new KafkaLog({
    brokers: [job.broker],
    clientId: 'bench',
    topic: job.topic,
    group: job.group,
    createResultsTopic: true,
    ...(job.sessionTimeoutMs !== null && { sessionTimeoutMs: job.sessionTimeoutMs }),
    world,
  });
  const underWay = new Map<string, Fields>();
  const participant = new InProcessParticipant(world, deviceOf({ job, tracker, underWay }));
  const worker = new Worker({
    world,
    log,
    ledger: await ledgerOf(job, log),
    participant: () => participant,
    types: {
      planOf: (type) => (type === PLAN.type ? PLAN : null),
      storedPlan: (type, text) => (type === PLAN.type && text === planText(PLAN) ? PLAN : null),
      concurrencyOf: () => 1,
    },
    settings: DEFAULT_SETTINGS,
    observer: observerOf((id) => {
      const fields = underWay.get(id);
      underWay.delete(id);
      if (fields === undefined) return;
      if (job.handlerMs === 0) tracker.end(fields);
      else tracker.finish(fields);
    }),
    version: 'bench',
  });
  await worker.start();
  return { close: () => worker.stop(CLOSE_MS) };
};

/**
 * What is done at the location. It remembers over a crash what it did, as the rules of a participant ask: here from the
 * file that says what was done.
 */
function deviceOf(place: {
  readonly job: Job;
  readonly tracker: Tracker;
  readonly underWay: Map<string, Fields>;
}): ConstructorParameters<typeof InProcessParticipant>[1] {
  const { job, tracker, underWay } = place;
  const remembered = doneBefore(job.doneLog);
  const done = { outcome: 'done', evidence: {} } as const;
  return {
    execute: (call) => {
      const fields = call.data as unknown as Fields;
      underWay.set(`t-${fields.number}`, fields);
      tracker.start(fields);
      if (job.handlerMs === 0) return done;
      return new Promise((resolve) =>
        setTimeout(() => {
          tracker.leave(fields);
          resolve(done);
        }, job.handlerMs),
      );
    },
    status: ({ data }) =>
      remembered.has(Number((data as unknown as Fields).number)) ? done : { outcome: 'never' },
    capabilities: { replay: true, fence: true },
  };
}

function doneBefore(file: string | null): ReadonlySet<number> {
  if (file === null || !existsSync(file)) return new Set();
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return new Set(lines.map((line) => Number.parseInt(line, 10)));
}

function ledgerOf(job: Job, log: KafkaLog): Promise<PostgresLedger> {
  return PostgresLedger.open({
    connectionString: job.postgresUrl ?? '',
    identity: {
      topic: job.topic,
      group: job.group,
      worker: 'bench',
      get topicId() {
        return log.topic.id; // known when the log is open
      },
    },
    ledgerConnections: DEFAULT_SETTINGS.ledgerConnections,
    allowMigrate: true,
  });
}

function observerOf(finished: (id: string) => void): Observer {
  return {
    problem: (error) => console.error(error.message),
    handOver: () => undefined,
    committed: () => undefined,
    called: () => undefined,
    finished: ({ id }) => finished(id),
    deadLetter: () => undefined,
  };
}
