/**
 * The whole job on this machine: a real broker, a real Postgres with fsync, one worker in a process of its own
 * with an in-process participant that answers at once, and all records waiting before it starts.
 *
 *   npm run bench -- durable [--transactions 200000] [--locations 2000,200,20,1] [--partitions 8] [--http]
 *                            [--profile folder] [--json]
 *
 * With --http the participant is a process of its own behind HTTP (http-site.ts): the full service.
 * Time is from the first begin to the last finish by the database clock. CPU seconds of worker and Postgres are of the
 * whole run; with --profile the worker writes a CPU profile into that folder. Every run ends with the counts
 * missing, doubled, out of order, overlapping; one that is not 0 fails it.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { cpuSecondsOf } from './cpu-seconds.ts';
import { machine } from './machine.ts';
import { BenchStack } from './stack.ts';

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '200000' },
    locations: { type: 'string', default: '2000,200,20,1' },
    partitions: { type: 'string', default: '8' },
    http: { type: 'boolean', default: false },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
/** A single lane commits one transaction at a time: enough for seconds, not for a minute. */
const PER_LOCATION_MAX = 5_000;

interface Run {
  readonly locations: number;
  readonly transactions: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly rssMb: number;
  readonly cpuSeconds: number;
  readonly postgresCpuSeconds: number;
  readonly siteCpuSeconds: number;
  readonly commits: number;
  readonly commitMs: number;
  /** Rows that were parked at some time. */
  readonly copied: number;
  readonly missing: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly overlapping: number;
}

const stack = await BenchStack.start();
const runs: Run[] = [];
try {
  for (const locations of values.locations.split(',').map(Number)) runs.push(await run(locations));
} finally {
  await stack.stop();
}
report(runs);

async function run(locations: number): Promise<Run> {
  const transactions = Math.min(Number(values.transactions), locations * PER_LOCATION_MAX);
  const topic = `bench-${locations}`;
  await stack.createTopic(topic, Number(values.partitions));
  await stack.produce(topic, transactions, (number) => `L${(number * 7919) % locations}`);
  const connectionString = await stack.createDatabase(`bench_${locations}`);
  const site = values.http ? await stack.site() : null;
  const cpuBefore = stack.postgresCpuSeconds;
  const endpoint = site === null ? {} : { endpoint: site.endpoint };
  const worker = await stack.work<Work>(
    { topic, connectionString, transactions, ...endpoint },
    values.profile,
  );
  const postgresCpuSeconds = Math.round(10 * (stack.postgresCpuSeconds - cpuBefore)) / 10;
  const siteCpuSeconds = site === null ? 0 : Math.round(10 * cpuSecondsOf(site.pid)) / 10;
  const seen = site === null ? {} : await sawOf(site.endpoint);
  site?.stop();
  const judged = await judge(connectionString, transactions);
  return { locations, transactions, ...worker, ...seen, postgresCpuSeconds, siteCpuSeconds, ...judged };
}

/** What the participant behind HTTP saw, in place of one in the process. */
async function sawOf(endpoint: string): Promise<Pick<Work, 'doubled' | 'outOfOrder' | 'overlapping'>> {
  const response = await fetch(`${endpoint}/report`);
  return (await response.json()) as Pick<Work, 'doubled' | 'outOfOrder' | 'overlapping'>;
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

async function judge(
  connectionString: string,
  transactions: number,
): Promise<{ perSecond: number; seconds: number; copied: number; missing: number }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ done: string; seconds: number; copied: string }>(
    `SELECT count(*) AS done, count(parked_at) AS copied, extract(epoch FROM max(finished_at) - min(began_at))::float AS seconds
     FROM signalbox.transactions WHERE state = 'completed'`,
  );
  await client.end();
  const done = Number(rows[0]?.done ?? 0);
  const seconds = rows[0]?.seconds ?? 0;
  const copied = Number(rows[0]?.copied ?? 0);
  return { perSecond: Math.round(done / seconds), seconds, copied, missing: transactions - done };
}

function report(all: readonly Run[]): void {
  const head = {
    ...machine(),
    postgres: stack.postgresVersion,
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
