/**
 * The worker of `durable.ts` and `parking.ts`: takes its job as JSON argument, ends when all is done, prints what it saw.
 * A stuck location answers `pending` until every transaction elsewhere has ended.
 */

import { HttpParticipant } from '../src/adapters/http/http-participant.ts';
import { KafkaLog } from '../src/adapters/kafka/kafka-log.ts';
import { boundHeapGrowth } from '../src/adapters/node/heap-growth.ts';
import { InProcessParticipant } from '../src/adapters/node/in-process-participant.ts';
import { realWorld } from '../src/adapters/node/world.ts';
import { PostgresLedger } from '../src/adapters/postgres/ledger.ts';
import { type Plan, planText } from '../src/core/plan.ts';
import { DEFAULT_SETTINGS } from '../src/engine/options.ts';
import { Worker } from '../src/engine/worker.ts';

const job = JSON.parse(process.argv[2] ?? '{}') as {
  topic: string;
  connectionString: string;
  transactions: number;
  brokers: string[];
  /** Time of a step in ms; 0: it is answered at once. */
  stepMs?: number;
  stuck?: { location: string; transactions: number };
  /** Of a participant behind HTTP, which sees for itself; without it, one in this process. */
  endpoint?: string;
};
const RSS_SAMPLE_MS = 50;

boundHeapGrowth();
const world = realWorld();
const seen = new Uint8Array(job.transactions);
const lastOf = new Map<string, number>();
const underWay = new Set<string>();
const counts = { doubled: 0, outOfOrder: 0, overlapping: 0, commits: 0, commitMs: 0 };
const { stepMs = 0, stuck = { location: '', transactions: 0 } } = job;
const elsewhere = job.transactions - stuck.transactions;
const healthy = { finished: 0, firstMs: 0, lastMs: 0, rssBytes: 0, parked: 0 };
let released = false;
let finished = 0;
let rssBytes = 0;
const done = Promise.withResolvers<void>();

const inProcess = new InProcessParticipant(world, {
  execute: (call) => {
    const sequence = Number(call.data.sequence);
    if (seen[sequence] !== 0) counts.doubled += 1;
    seen[sequence] = 1;
    if (sequence < (lastOf.get(call.location) ?? -1)) counts.outOfOrder += 1;
    lastOf.set(call.location, sequence);
    if (underWay.has(call.location)) counts.overlapping += 1;
    underWay.add(call.location);
    if (call.location === stuck.location && !released) return { outcome: 'pending' };
    const answer = { outcome: 'done', evidence: { sequence } } as const;
    return stepMs === 0 || call.location === stuck.location
      ? answer
      : new Promise((resolve) => setTimeout(() => resolve(answer), stepMs));
  },
  status: ({ location, data }) => {
    if (location !== stuck.location) return { outcome: 'never' };
    return released
      ? { outcome: 'done', evidence: { sequence: data.sequence ?? null } }
      : { outcome: 'pending' };
  },
  capabilities: { replay: true, fence: true },
});
const participant =
  job.endpoint === undefined ? inProcess : new HttpParticipant(world, { endpoint: job.endpoint });
const step = { name: 'apply', participant: 'bench', timeoutMs: 10_000, irreversible: false };
const plan: Plan = { type: 'withdraw', version: 1, steps: [step], deadlineMs: 900_000 };

const log = new KafkaLog({
  brokers: job.brokers,
  clientId: 'bench',
  topic: job.topic,
  group: 'bench',
  createResultsTopic: true,
  world,
});
const settings = DEFAULT_SETTINGS;
const worker = new Worker({
  world,
  log,
  ledger: await PostgresLedger.open({
    connectionString: job.connectionString,
    identity: {
      topic: job.topic,
      group: 'bench',
      worker: 'bench',
      get topicId() {
        return log.topic.id; // known when the log is open
      },
    },
    ledgerConnections: settings.ledgerConnections,
    allowMigrate: true,
  }),
  participant: () => participant,
  types: {
    planOf: (type) => (type === plan.type ? plan : null),
    storedPlan: (type, text) => (type === plan.type && text === planText(plan) ? plan : null),
    concurrencyOf: () => 1,
  },
  settings,
  observer: {
    problem: (error) => console.error(error.message),
    handOver: () => {},
    committed: ({ ms }) => {
      counts.commits += 1;
      counts.commitMs += ms;
    },
    called: () => {},
    finished: ({ location }) => {
      underWay.delete(location);
      if (location !== stuck.location) countHealthy();
      finished += 1;
      if (finished === job.transactions) done.resolve();
    },
    deadLetter: () => {},
  },
  version: 'bench',
});
/** The last one elsewhere frees the stuck location. */
function countHealthy(): void {
  const nowMs = performance.now();
  if (healthy.finished === 0) healthy.firstMs = nowMs;
  healthy.finished += 1;
  if (healthy.finished < elsewhere) return;
  Object.assign(healthy, { lastMs: nowMs, rssBytes, parked: worker.snapshot().parked });
  released = true;
}

const sampler = setInterval(() => {
  rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
}, RSS_SAMPLE_MS);
await worker.start();
await done.promise;
const cpu = process.cpuUsage();
await worker.stop(10_000);
clearInterval(sampler);
console.log(
  JSON.stringify({
    ...counts,
    healthyPerSecond: Math.round((1000 * elsewhere) / (healthy.lastMs - healthy.firstMs)),
    healthyRssMb: Math.round(healthy.rssBytes / 2 ** 20),
    parked: healthy.parked,
    commitMs: Math.round((10 * counts.commitMs) / counts.commits) / 10,
    rssMb: Math.round(rssBytes / 2 ** 20),
    cpuSeconds: Math.round((cpu.user + cpu.system) / 1e5) / 10,
  }),
);
