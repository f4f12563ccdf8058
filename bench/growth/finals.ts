/** Take-over of all partitions, and what people read, on a ledger with many finals. */
import { join } from 'node:path';
import pg from 'pg';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import type { OwnPostgres } from '../../test/fixtures/postgres.ts';
import { insertStatement } from './database.ts';
import { type Read, timedReads } from './reads.ts';

export interface FinalsOptions {
  readonly finals: number;
  readonly plansDirectory: string | null;
}

export interface Finals {
  readonly finals: number;
  readonly gigabytes: number;
  readonly partitions: number;
  readonly holders: number;
  readonly parked: number;
  readonly takeOverMs: number;
  readonly reads: readonly Read[];
}

const TOPIC = 'transactions';
const GROUP = 'signalbox';
const PARTITIONS = 64;
/** About 100,000; location number n falls in partition n % 64. */
const LOCATIONS_A_PARTITION = 1_562;
const HOLDERS = 2_000;
const PARKED = 20_000;
/** Of the finals, one in so many was rolled back, with a code. */
const ROLLED_BACK_EVERY = 1_009;
/** Finals of a second. */
const RATE = 1_000;
const RESULTS_MAX = 100;

export async function withFinals(server: OwnPostgres, options: FinalsOptions): Promise<Finals> {
  const { connectionString, directory } = server;
  const { finals, plansDirectory } = options;
  await migrate({ connectionString });
  const gigabytes = await load(connectionString, finals);
  await server.kill();
  await server.restart();
  const taken = await takeOverAll(connectionString);
  const reads = await timedReads({
    connectionString,
    topic: TOPIC,
    group: GROUP,
    finals,
    quiet: location(50_000),
    doubtful: location(1),
    fifty: Array.from({ length: 50 }, (_, index) => location(index * 17)),
    middleMs: Date.now() - (finals / RATE / 2) * 1000,
    log: join(directory, 'postgres.log'),
    plansDirectory,
  });
  return { finals, gigabytes, partitions: PARTITIONS, ...taken, reads };
}

/** What a worker does at its start: migrations looked at, every partition taken over, results not yet published read. */
async function takeOverAll(
  connectionString: string,
): Promise<{ takeOverMs: number; holders: number; parked: number }> {
  const startedMs = performance.now();
  const ledger = await PostgresLedger.open({
    connectionString,
    identity: { topic: TOPIC, topicId: 'bench', group: GROUP, worker: 'bench' },
    ledgerConnections: 2,
    allowMigrate: true,
  });
  const taken = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const owned = await ledger.takeOver(partition);
      if (owned.outcome !== 'owned') throw new Error(owned.detail);
      await ledger.results(partition, owned.published, RESULTS_MAX);
      return owned;
    }),
  );
  const takeOverMs = Math.round(performance.now() - startedMs);
  await ledger.close();
  const lanes = taken.flatMap((owned) => owned.parked);
  return {
    takeOverMs,
    holders: taken.reduce((sum, owned) => sum + owned.holders.length, 0),
    parked: lanes.reduce((sum, lane) => sum + lane.count, 0),
  };
}

const location = (number: number): string => `L${String(number).padStart(6, '0')}`;

/** Indexes are made after the rows. Answers GB in all. */
async function load(connectionString: string, finals: number): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('SET session_replication_role = replica');
  await client.query(`SET maintenance_work_mem = '512MB'`);
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = 'signalbox' AND tablename = 'transactions' AND indexname <> 'transactions_pkey'`,
  );
  for (const { name } of indexes) await client.query(`DROP INDEX signalbox.${name}`);
  await client.query('ALTER TABLE signalbox.transactions DROP CONSTRAINT transactions_pkey');
  await client.query(finalsStatement(finals));
  await client.query(openStatement(finals));
  await client.query('ALTER TABLE signalbox.transactions ADD PRIMARY KEY (id)');
  for (const { definition } of indexes) await client.query(definition);
  const numbers = Math.ceil(finals / PARTITIONS);
  await client.query(
    `INSERT INTO signalbox.partitions (topic, partition, topic_id, "group", worker, watermark, last_number, published)
     SELECT $1, p, 'bench', $2, 'bench', $3, $4, $4 FROM generate_series(0, ${PARTITIONS - 1}) p`,
    [TOPIC, GROUP, finals, numbers],
  );
  await client.query('VACUUM ANALYZE signalbox.transactions');
  await client.query('CHECKPOINT');
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  await client.end();
  return Math.round(Number(rows[0]?.bytes) / 2 ** 27) / 8;
}

/** Over all partitions in turn, over the locations of each out of order, some of them rolled back. */
function finalsStatement(finals: number): string {
  const at = `date_trunc('milliseconds', now()) - (${finals} - n) * interval '1 second' / ${RATE}`;
  const nth = `(n / ${PARTITIONS} * 7919::bigint % ${LOCATIONS_A_PARTITION})`;
  const rolledBack = `n % ${ROLLED_BACK_EVERY} = 0`;
  return insertStatement({
    id: `'final-' || n`,
    topic: `'${TOPIC}'`,
    partition: `n % ${PARTITIONS}`,
    offset: `n / ${PARTITIONS}`,
    location: `'L' || lpad((${nth} * ${PARTITIONS} + n % ${PARTITIONS})::text, 6, '0')`,
    slot: '1',
    state: `(CASE WHEN ${rolledBack} THEN 'rolled_back' ELSE 'completed' END)::signalbox.state`,
    token: 'n',
    parked_at: 'NULL::timestamptz',
    began_at: at,
    changed_at: at,
    finished_at: at,
    number: `n / ${PARTITIONS} + 1`,
    code: `CASE WHEN ${rolledBack} THEN 'SB-4104' END`,
    rows: finals,
  });
}

/** Holders, every second one in doubt, and parked rows behind them. */
function openStatement(finals: number): string {
  const holds = `n < ${HOLDERS}`;
  return insertStatement({
    id: `'open-' || n`,
    topic: `'${TOPIC}'`,
    partition: `n % ${HOLDERS} % ${PARTITIONS}`,
    offset: `${finals} + n`,
    location: `'L' || lpad((n % ${HOLDERS})::text, 6, '0')`,
    slot: `CASE WHEN ${holds} THEN 1 END`,
    state: `(CASE WHEN n >= ${HOLDERS} THEN 'received' WHEN n % 2 = 0 THEN 'executing' ELSE 'in_doubt' END)::signalbox.state`,
    token: `CASE WHEN ${holds} THEN ${finals} + n END`,
    parked_at: `CASE WHEN NOT ${holds} THEN now() END`,
    began_at: `CASE WHEN ${holds} THEN now() END`,
    changed_at: 'now()',
    finished_at: 'NULL::timestamptz',
    number: 'NULL::bigint',
    code: 'NULL::text',
    rows: HOLDERS + PARKED,
  });
}
