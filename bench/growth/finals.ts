/** Take-over of all partitions, and each read, on a ledger with many finals. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { PostgresLists } from '../../src/adapters/postgres/lists.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { PostgresReadModel } from '../../src/adapters/postgres/read-model.ts';
import type { TransactionFilter } from '../../src/engine/ports-lists.ts';
import type { OwnPostgres } from '../../test/fixtures/postgres.ts';
import { median } from '../median.ts';
import { statement } from './database.ts';

export interface FinalsOptions {
  readonly finals: number;
  readonly plansDirectory: string | null;
}

export interface Read {
  readonly read: string;
  readonly firstMs: number;
  readonly medianMs: number;
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
const LOCATIONS = 100_000;
const HOLDERS = 2_000;
const PARKED = 20_000;
/** Of the finals, one in so many was rolled back, with a code. */
const ROLLED_BACK_EVERY = 1_000;
/** Finals of a second. */
const RATE = 1_000;
const REPEATS = 5;
const PAGE = 100;
const ANY: TransactionFilter = {
  states: [],
  location: null,
  type: null,
  code: null,
  fromMs: null,
  toMs: null,
  limit: PAGE,
  cursor: null,
};

export async function withFinals(server: OwnPostgres, options: FinalsOptions): Promise<Finals> {
  const { connectionString } = server;
  await migrate({ connectionString });
  const gigabytes = await load(connectionString, options.finals);
  await server.kill();
  await server.restart();
  const taken = await takeOverAll(connectionString);
  const log = join(server.directory, 'postgres.log');
  const reads: Read[] = [];
  for (const [read, run] of Object.entries(readsOf(connectionString, options))) {
    reads.push(await timed(read, run, { log, plansDirectory: options.plansDirectory }));
  }
  return { finals: options.finals, gigabytes, partitions: PARTITIONS, ...taken, reads };
}

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
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const taken = await Promise.all(
    partitions.map(async (partition) => {
      const owned = await ledger.takeOver(partition);
      if (owned.outcome !== 'owned') throw new Error(owned.detail);
      await ledger.results(partition, owned.published, PAGE);
      return owned;
    }),
  );
  const takeOverMs = Math.round(performance.now() - startedMs);
  await ledger.close();
  const holders = taken.reduce((sum, owned) => sum + owned.holders.length, 0);
  const parked = taken.reduce(
    (sum, owned) => sum + owned.parked.reduce((rows, lane) => rows + lane.count, 0),
    0,
  );
  return { takeOverMs, holders, parked };
}

type Run = () => Promise<unknown>;

/** Each on connections of its own, so that the first time is a first time. */
function readsOf(connectionString: string, { finals, plansDirectory }: FinalsOptions): Record<string, Run> {
  const url = new URL(connectionString);
  if (plansDirectory !== null) url.searchParams.set('options', AUTO_EXPLAIN);
  const options = { connectionString: url.href, topic: TOPIC, group: GROUP };
  const lists =
    (run: (lists: PostgresLists) => Promise<unknown>): Run =>
    () =>
      closing(new PostgresLists(options), run);
  const model =
    (run: (model: PostgresReadModel) => Promise<unknown>): Run =>
    () =>
      closing(new PostgresReadModel(options), run);
  const search = (filter: Partial<TransactionFilter>): Run =>
    lists((of) => of.transactions({ ...ANY, ...filter }));
  const middleMs = Date.now() - (finals / RATE / 2) * 1000;
  const one = location(LOCATIONS / 2);
  return {
    'search: anything': search({}),
    'search: completed, newest first': search({ states: ['completed'] }),
    'search: rolled back': search({ states: ['rolled_back'] }),
    'search: a code': search({ code: 'SB-4104' }),
    'search: a type that none has': search({ type: 'none' }),
    'search: until half the history ago': search({ states: ['completed'], toMs: middleMs }),
    'search: rolled back, until half the history ago': search({ states: ['rolled_back'], toMs: middleMs }),
    'search: a location': search({ location: one }),
    'search: a location, rolled back, until half the history ago': search({
      location: one,
      states: ['rolled_back'],
      toMs: middleMs,
    }),
    'search: in doubt': search({ states: ['in_doubt'] }),
    'search: parked': search({ states: ['received'] }),
    'a transaction by id': model((of) => of.transaction(`final-${Math.floor(finals / 3)}`)),
    'why a location': model((of) => of.why(one)),
    'why a location that is in doubt': model((of) => of.why(location(1))),
    status: model((of) => of.status()),
    'locations, worst first': model((of) => of.locations(1_000)),
    'open locations': lists((of) => of.openLocations()),
    'names of 200 locations': lists((of) => of.locationNames(one, 200)),
    'recent outcomes of 50 locations': lists((of) =>
      of.recent(Array.from({ length: 50 }, (_, index) => location(index * 17))),
    ),
    'page of a location': lists((of) => of.locationDetail(one)),
    attention: lists((of) => of.attention(100)),
  };
}

async function closing<T extends { close(): Promise<void> }>(
  reader: T,
  run: (reader: T) => Promise<unknown>,
): Promise<void> {
  await run(reader);
  await reader.close();
}

async function timed(
  read: string,
  run: Run,
  { log, plansDirectory }: { log: string; plansDirectory: string | null },
): Promise<Read> {
  const before = (await readFile(log)).length;
  const times: number[] = [];
  for (let time = 0; time <= REPEATS; time += 1) {
    const startedMs = performance.now();
    await run();
    times.push(performance.now() - startedMs);
    if (time === 0 && plansDirectory !== null) {
      await mkdir(plansDirectory, { recursive: true });
      const plans = (await readFile(log)).subarray(before).toString();
      await writeFile(join(plansDirectory, `${read.replaceAll(/[^a-z0-9]+/g, '-')}.txt`), plans);
    }
  }
  const [first = 0, ...more] = times;
  return { read, firstMs: Math.round(first), medianMs: Math.round(10 * median(more)) / 10 };
}

const AUTO_EXPLAIN = [
  'session_preload_libraries=auto_explain',
  'auto_explain.log_min_duration=0',
  'auto_explain.log_analyze=on',
  'auto_explain.log_buffers=on',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

const location = (number: number): string => `L${String(number).padStart(6, '0')}`;

/** Indexes are made after the rows; GB in all. */
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
  const locationOf = `'L' || lpad(((n * 7919::bigint) % ${LOCATIONS})::text, 6, '0')`;
  const partitionOf = `((n * 7919::bigint) % ${LOCATIONS} % ${PARTITIONS})::integer`;
  const at = `date_trunc('milliseconds', now()) - (${finals} - n) * interval '1 second' / ${RATE}`;
  await client.query(
    statement({
      id: `'final-' || n`,
      topic: `'${TOPIC}'`,
      partition: partitionOf,
      offset: 'n',
      location: locationOf,
      slot: '1',
      state: `(CASE WHEN n % ${ROLLED_BACK_EVERY} = 0 THEN 'rolled_back' ELSE 'completed' END)::signalbox.state`,
      token: 'n',
      parked_at: 'NULL::timestamptz',
      began_at: at,
      changed_at: at,
      finished_at: at,
      number: 'n + 1', // with gaps in a partition, which no read minds
      code: `CASE WHEN n % ${ROLLED_BACK_EVERY} = 0 THEN 'SB-4104' END`,
      rows: finals,
    }),
  );
  const holds = `n < ${HOLDERS}`;
  await client.query(
    statement({
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
    }),
  );
  await client.query('ALTER TABLE signalbox.transactions ADD PRIMARY KEY (id)');
  for (const { definition } of indexes) await client.query(definition);
  await client.query(
    `INSERT INTO signalbox.partitions (topic, partition, topic_id, "group", worker, watermark, last_number, published)
     SELECT $1, p, 'bench', $2, 'bench', $3, $3, $3 FROM generate_series(0, ${PARTITIONS - 1}) p`,
    [TOPIC, GROUP, finals],
  );
  await client.query('VACUUM ANALYZE signalbox.transactions');
  await client.query('CHECKPOINT');
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  await client.end();
  return Math.round(Number(rows[0]?.bytes) / 2 ** 27) / 8;
}
