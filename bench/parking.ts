/**
 * What a stuck location costs the others on its partition (L1), and what a backlog that moves costs the ledger.
 *
 *   npm run bench -- parking [--transactions 50000] [--behind 100000] [--backlog 1000000] [--json]
 *
 * One partition, 50 healthy locations whose steps take 20 ms each, so that the machine is not the limit. First without,
 * then with a location that is stuck from the start, its records mixed among the others. The others must keep 80 % of
 * their rate, the memory of the worker may grow by 50 MB, and after the release the line drains in order. Then a
 * backlog over 300 locations that moves: (almost) none of it may be copied into the ledger as parked rows.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { machine } from './machine.ts';
import { BenchStack } from './stack.ts';

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '50000' },
    behind: { type: 'string', default: '100000' },
    backlog: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
});
const STEP_MS = 20;
const HEALTHY = 50;
const MOVING = 300;
const RATE_RATIO_MIN = 0.8;
const GROWTH_MB_MAX = 50;
/** Lanes that stand still while the machine does something else may be parked: a share of what waits. */
const COPIED_SHARE_MAX = 0.01;

interface Saw {
  readonly healthyPerSecond: number;
  readonly healthyRssMb: number;
  readonly rssMb: number;
  readonly parked: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly overlapping: number;
}

interface Row extends Saw {
  readonly run: string;
  readonly transactions: number;
  /** Rows that were parked at some time. */
  readonly copied: number;
  readonly missing: number;
}

const stack = await BenchStack.start();
const rows: Row[] = [];
try {
  const healthy = Number(values.transactions);
  const behind = Number(values.behind);
  const alone = (number: number): string => `L${number % HEALTHY}`;
  rows.push(await run('healthy', { transactions: healthy, stepMs: STEP_MS }, alone));
  const every = (healthy + behind) / behind;
  const mixed = (number: number): string =>
    Math.floor((number + 1) / every) > Math.floor(number / every) ? 'STUCK' : alone(number);
  const stuck = { location: 'STUCK', transactions: behind };
  rows.push(await run('stuck', { transactions: healthy + behind, stepMs: STEP_MS, stuck }, mixed));
  rows.push(
    await run(
      'backlog',
      { transactions: Number(values.backlog) },
      (number) => `L${(number * 7919) % MOVING}`,
    ),
  );
} finally {
  await stack.stop();
}
report(rows);

async function run(
  name: string,
  job: { transactions: number; stepMs?: number; stuck?: { location: string; transactions: number } },
  locationOf: (number: number) => string,
): Promise<Row> {
  const topic = `parking-${name}`;
  await stack.createTopic(topic, 1);
  await stack.produce(topic, job.transactions, locationOf);
  const connectionString = await stack.createDatabase(`parking_${name}`);
  const saw = await stack.work<Saw>({ topic, connectionString, ...job });
  const client = new pg.Client({ connectionString });
  await client.connect();
  const counted = await client.query<{ done: number; copied: number }>(
    `SELECT count(*) FILTER (WHERE state = 'completed')::float AS done, count(parked_at)::float AS copied
     FROM signalbox.transactions`,
  );
  await client.end();
  const { done = 0, copied = 0 } = counted.rows[0] ?? {};
  const { healthyPerSecond, healthyRssMb, rssMb, parked, doubled, outOfOrder, overlapping } = saw;
  const missing = job.transactions - done;
  const faults = { missing, doubled, outOfOrder, overlapping };
  return {
    run: name,
    transactions: job.transactions,
    healthyPerSecond,
    healthyRssMb,
    rssMb,
    parked,
    copied,
    ...faults,
  };
}

function report([healthy, stuck, backlog]: readonly Row[]): void {
  if (healthy === undefined || stuck === undefined || backlog === undefined)
    throw new Error('a run is missing');
  const ratio = stuck.healthyPerSecond / healthy.healthyPerSecond;
  const growthMb = stuck.healthyRssMb - healthy.healthyRssMb;
  const copiedShare = backlog.copied / backlog.transactions;
  const verdicts = {
    ratio: Math.round(100 * ratio) / 100,
    growthMb,
    copiedShare,
    kept:
      ratio >= RATE_RATIO_MIN &&
      growthMb < GROWTH_MB_MAX &&
      copiedShare <= COPIED_SHARE_MAX &&
      [healthy, stuck, backlog].every(
        (row) => row.missing + row.doubled + row.outOfOrder + row.overlapping === 0,
      ),
  };
  const head = { ...machine(), postgres: stack.postgresVersion };
  if (values.json) console.log(JSON.stringify({ ...head, runs: [healthy, stuck, backlog], ...verdicts }));
  else {
    console.log(`${head.cores} cores ${head.cpu}, Node ${head.node}, Postgres ${head.postgres} with fsync`);
    console.table([healthy, stuck, backlog]);
    console.log(
      `others keep ${verdicts.ratio} of their rate; memory grows by ${growthMb} MB; ${backlog.copied} of ` +
        `${backlog.transactions} moving records were copied into the ledger: ${verdicts.kept ? 'kept' : 'BROKEN'}`,
    );
  }
  process.exitCode = verdicts.kept ? 0 : 1;
}
