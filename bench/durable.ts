/**
 * The whole job on this machine: a real broker, a real Postgres with fsync, one worker in a process of its own
 * with an in-process participant that answers at once, and all records waiting before it starts.
 *
 *   npm run bench -- durable [--transactions 200000] [--locations 2000,200,20,1] [--partitions 8] [--json]
 *
 * Time is from the first begin to the last finish by the database clock. Every run ends with the counts
 * missing, doubled, out of order, overlapping; one that is not 0 fails it.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Admin } from '@platformatic/kafka';
import pg from 'pg';
import { KafkaSender } from '../src/adapters/kafka/kafka-sender.ts';
import { realWorld } from '../src/adapters/node/world.ts';
import { EmbeddedPostgres, stopEmbedded } from '../src/adapters/postgres/embedded.ts';
import { LocalBroker } from '../src/demo/local-broker.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '200000' },
    locations: { type: 'string', default: '2000,200,20,1' },
    partitions: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});
/** A single lane commits one transaction at a time: enough for seconds, not for a minute. */
const PER_LOCATION_MAX = 5_000;
const RECORD_BYTES = 200;
const PRODUCE_BATCH = 5_000;

interface Run {
  readonly locations: number;
  readonly transactions: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly rssMb: number;
  readonly cpuSeconds: number;
  readonly commits: number;
  readonly commitMs: number;
  readonly missing: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly overlapping: number;
}

const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
const broker = await LocalBroker.start({ directory: join(directory, 'kafka'), heapMb: 768 });
const postgres = await EmbeddedPostgres.start({ directory });
const runs: Run[] = [];
try {
  for (const locations of values.locations.split(',').map(Number)) runs.push(await run(locations));
} finally {
  await broker.stop();
  await stopEmbedded(directory);
  await rm(directory, { recursive: true, force: true });
}
report(runs);

async function run(locations: number): Promise<Run> {
  const transactions = Math.min(Number(values.transactions), locations * PER_LOCATION_MAX);
  const topic = `bench-${locations}`;
  await createTopic(topic, Number(values.partitions));
  await produce(topic, transactions, locations);
  const database = `bench_${locations}`;
  const connectionString = await createDatabase(database);
  const worker = await work({ topic, connectionString, transactions });
  return { locations, transactions, ...worker, ...(await judge(connectionString, transactions)) };
}

async function createTopic(topic: string, partitions: number): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [broker.bootstrap] });
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  await admin.close();
}

async function produce(topic: string, transactions: number, locations: number): Promise<void> {
  const sender = new KafkaSender({
    brokers: [broker.bootstrap],
    clientId: 'bench',
    topic,
    world: realWorld(),
  });
  for (let from = 0; from < transactions; from += PRODUCE_BATCH) {
    const size = Math.min(PRODUCE_BATCH, transactions - from);
    const records = Array.from({ length: size }, (_, index) => record(from + index, locations));
    await sender.send(records);
  }
  await sender.close();
}

function record(number: number, locations: number): { key: string; value: Buffer } {
  // A fixed walk over the locations: each gets as many, neighbours come from different ones.
  const location = `L${(number * 7919) % locations}`;
  const head = `{"id":"t-${number}","type":"withdraw","data":{"sequence":${number},"amount":2000,"note":"`;
  return { key: location, value: Buffer.from(`${head.padEnd(RECORD_BYTES - 3, 'x')}"}}`) };
}

async function createDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.connectionString });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(postgres.connectionString);
  url.pathname = `/${name}`;
  return url.href;
}

interface Work {
  readonly rssMb: number;
  readonly cpuSeconds: number;
  readonly commits: number;
  readonly commitMs: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly overlapping: number;
}

/** The worker's process; its last line says what the participant saw. */
async function work(job: { topic: string; connectionString: string; transactions: number }): Promise<Work> {
  const script = fileURLToPath(new URL('./durable-worker.ts', import.meta.url));
  const input = JSON.stringify({ ...job, brokers: [broker.bootstrap] });
  const child = spawn(process.execPath, [script, input], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) last = line;
  return JSON.parse(last) as Work;
}

async function judge(
  connectionString: string,
  transactions: number,
): Promise<{ perSecond: number; seconds: number; missing: number }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ done: string; seconds: number }>(
    `SELECT count(*) AS done, extract(epoch FROM max(finished_at) - min(began_at))::float AS seconds
     FROM signalbox.transactions WHERE state = 'completed'`,
  );
  await client.end();
  const done = Number(rows[0]?.done ?? 0);
  const seconds = rows[0]?.seconds ?? 0;
  return { perSecond: Math.round(done / seconds), seconds, missing: transactions - done };
}

function report(all: readonly Run[]): void {
  const head = {
    ...machine(),
    postgres: postgres.version,
    kafka: '4.1.0',
    fsync: true,
    partitions: Number(values.partitions),
  };
  if (values.json) console.log(JSON.stringify({ ...head, runs: all }));
  else {
    console.log(
      `${head.cores} cores ${head.cpu}, ${head.memoryGiB} GiB, Node ${head.node}, Postgres ${head.postgres} with fsync, Kafka ${head.kafka}, ${head.partitions} partitions`,
    );
    console.table(all);
  }
  const wrong = all.some((one) => one.missing + one.doubled + one.outOfOrder + one.overlapping !== 0);
  process.exitCode = wrong ? 1 : 0;
}
