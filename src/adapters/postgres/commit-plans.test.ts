/** The commit reads a few rows for each entry, also with plans that were made when the tables were empty. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { NO_CHANGE } from '../../engine/ports-entries.ts';
import type { Begin, BeginParked, Change, Entry, Park } from '../../engine/ports-ledger.ts';
import { parseIntegers } from './commit-decoding.ts';
import { type EncodingOptions, encodeCommit } from './commit-encoding.ts';
import { migrate } from './migrate.ts';
import { SQL } from './sql-files.ts';

const IDENTITY = { topic: 'topic', topicId: 'id', group: 'group', worker: 'worker' };
const FINALS = 30_000;
const HOLDERS = 3_000;
const PLACES = 200;
const PARKED = 20_000;
/** Rows read for each entry: the row itself, versions not cleaned up yet, a look at the slot. */
const READS_MAX = 8;

let server: TestPostgres;
let client: pg.Client;

before(async () => {
  server = await testPostgres();
  await migrate(server);
  client = new pg.Client(server);
  await client.connect();
  await client.query(SQL.session);
  await client.query(
    "insert into signalbox.partitions (topic, partition, topic_id, \"group\") values ('topic', 0, 'id', 'group')",
  );
  await client.query('vacuum analyze');
});

after(async () => {
  await client.end();
  await server.stop();
});

let lastNumber = 0;
let next = 0;

function begins(): Begin[] {
  return Array.from({ length: PLACES }, (_, index) => {
    next += 1;
    return {
      kind: 'begin',
      partition: 0,
      offset: next,
      id: `tx-${next}`,
      location: `place-${index}`,
      slot: 1,
      type: 'withdraw',
      payload: '{}',
      plan: '1:dispense',
      timeoutMs: 1_000,
      deadlineMs: 10_000,
      expiresAtMs: null,
      concurrency: 1,
      traceparent: null,
      recordTimeMs: 0,
    };
  });
}

function finishOf({ id }: Begin, token: string): Change {
  return {
    ...NO_CHANGE,
    partition: 0,
    id,
    fromState: 'executing',
    fromToken: token,
    event: 'done',
    to: 'completed',
    evidence: '{}',
    call: 'execute',
    startedMs: 1,
    answeredMs: 2,
  };
}

function parkOf({
  id: _,
  slot: __,
  timeoutMs: ___,
  deadlineMs: ____,
  concurrency: _____,
  ...begin
}: Begin): Park {
  next += 1;
  return { ...begin, kind: 'park', id: `tx-${next}`, offset: next };
}

function beginOf({ partition, id, location, plan }: Park): BeginParked {
  const attempt = { slot: 1, timeoutMs: 1_000, deadlineMs: 10_000, concurrency: 1 };
  return { kind: 'begin-parked', partition, id, location, plan, ...attempt };
}

interface Reads {
  readonly sequential: number;
  readonly indexed: number;
}

async function commit(entries: Entry[], options: Omit<EncodingOptions, 'identity'>) {
  const head = {
    partition: 0,
    epoch: 0,
    lastNumber,
    watermark: null,
    published: null,
    duplicates: 0,
    commits: null,
  };
  const { values } = encodeCommit({ heads: [head], entries }, { identity: IDENTITY, ...options });
  await client.query('begin');
  const before = await readsSoFar();
  const { rows } = await client.query<{ fenced: unknown; tokens: string[] }>({
    name: 'commit',
    text: SQL.commit,
    values,
    types: { getTypeParser: () => (text: string) => text } as never,
  });
  const reads = readsSince(before, await readsSoFar());
  await client.query('commit');
  lastNumber += entries.filter(({ kind }) => kind === 'change').length;
  return { tokens: parseIntegers(String(rows[0]?.tokens)), reads };
}

/** The counters of a session may still hold what earlier transactions read. */
function readsSince(before: Reads, after: Reads): Reads {
  return { sequential: after.sequential - before.sequential, indexed: after.indexed - before.indexed };
}

async function readsSoFar(): Promise<Reads> {
  const { rows } = await client.query<Reads>(
    `select seq_tup_read::integer as sequential, idx_tup_fetch::integer as indexed
       from pg_stat_xact_user_tables where schemaname = 'signalbox' and relname = 'transactions'`,
  );
  return rows[0] ?? { sequential: 0, indexed: 0 };
}

async function fill(): Promise<void> {
  await client.query(
    `insert into signalbox.transactions (id, topic, partition, "offset", location, slot, state, step, token, type,
         plan, payload, attempts, takeovers, record_at, began_at, changed_at, worker, epoch)
       select 'old-' || n, 'topic', case when n <= $2 then 1 else 0 end, n, 'old-' || n, 1, 'executing', 0, n, 't', 'p',
         '', 1, 0, now(), now(), now(), 'w', 1
       from generate_series(1, $1::integer + $2::integer) n`,
    [FINALS, HOLDERS],
  );
  await client.query(
    `update signalbox.transactions set state = 'completed', number = 1000000 + "offset", finished_at = now()
       where location like 'old-%' and "offset" > $1`,
    [HOLDERS],
  );
}

for (const together of [true, false]) {
  test(`with plans made on empty tables, ${together ? 'together' : 'one by one'}`, async () => {
    await client.query('discard plans');
    await client.query('truncate signalbox.transactions');
    await client.query('vacuum analyze signalbox.transactions');
    const options = { plainRuns: together, beginsTogether: together };
    let open: Change[] = [];
    const round = async () => {
      const fresh = begins();
      const entries = [...open, ...fresh];
      const { tokens, reads } = await commit(entries, options);
      open = fresh.map((begin, index) => finishOf(begin, tokens[index] ?? ''));
      return { entries, reads };
    };
    await round();
    await round(); // by now every statement has its plan
    await fill();
    const { entries, reads } = await round();
    assert.equal(reads.sequential, 0);
    const perEntry = reads.indexed / entries.length;
    assert(perEntry > 0 && perEntry <= READS_MAX, `${perEntry} rows read for each entry`);
  });
}

test('a take-over reads the open rows of its partition only', async () => {
  const taken = await Promise.all(
    [SQL.takeOverHistory, SQL.takeOverDoubt].map((text) => client.query(text, ['topic', 0, 'worker', 1, 3])),
  );
  assert.equal(taken[1]?.rowCount, PLACES, 'the holders of this partition');
  await client.query('vacuum signalbox.transactions');
  await client.query('begin');
  const before = await readsSoFar();
  const holders = await client.query(SQL.takeOverHolders, ['topic', 0]);
  const reads = readsSince(before, await readsSoFar());
  await client.query('rollback');
  assert.equal(holders.rowCount, PLACES);
  assert.equal(reads.sequential, 0);
  assert(reads.indexed <= PLACES + HOLDERS, `${reads.indexed} rows read of ${FINALS + HOLDERS + PLACES}`);
});

for (const together of [true, false]) {
  test(`parks and begins of parked rows, ${together ? 'together' : 'carefully'}`, async () => {
    await client.query('discard plans');
    await client.query('truncate signalbox.transactions');
    await client.query('vacuum analyze signalbox.transactions');
    const options = { plainRuns: true, beginsTogether: together };
    let waiting: Park[] = [];
    const round = async () => {
      const parks = begins().map(parkOf);
      const entries = [...parks, ...waiting.map(beginOf)];
      const { reads } = await commit(entries, options);
      await client.query("delete from signalbox.transactions where state = 'executing' and id like 'tx-%'");
      waiting = parks;
      return { entries, reads };
    };
    await round();
    await round();
    await fill();
    await fillParked();
    const { entries, reads } = await round();
    assert.equal(entries.length, 2 * PLACES);
    assert.equal(reads.sequential, 0);
    const perEntry = reads.indexed / entries.length;
    assert(perEntry > 0 && perEntry <= READS_MAX, `${perEntry} rows read for each entry`);
  });
}

/** Far more than the pages below, in lanes that stand before and behind the one they read. */
async function fillParked(): Promise<void> {
  await client.query(
    `insert into signalbox.transactions (id, topic, partition, "offset", location, state, step, type, plan, payload,
         attempts, takeovers, record_at, parked_at, changed_at, worker, epoch)
       select 'parked-' || n, 'topic', 0, n, 'lane-' || n % 20, 'received', 0, 't', 'p', '', 0, 0, now(), now(),
         now(), 'w', 1
       from generate_series(1, $1::integer) n`,
    [PARKED],
  );
}

/** Rows fetched, and entries of its index read, by one statement. */
async function cost(statement: string, values: unknown[]): Promise<{ rows: unknown[]; reads: Reads }> {
  await client.query('begin');
  try {
    const before = await readsSoFar();
    const { rows } = await client.query(statement, values);
    return { rows, reads: readsSince(before, await readsSoFar()) };
  } finally {
    await client.query('rollback');
  }
}

for (const statistics of [false, true]) {
  const when = statistics ? 'with statistics' : 'without statistics';
  test(`pages, counts and retention read what they answer, ${when}`, async () => {
    await client.query('truncate signalbox.transactions');
    await client.query('vacuum analyze signalbox.transactions');
    await fill();
    await fillParked();
    await client.query("update signalbox.partitions set published = 9000000 where topic = 'topic'");
    if (statistics) await client.query('vacuum analyze signalbox.transactions');
    const page = await cost(SQL.parked, ['topic', 0, 'lane-7', 10_000, 50]);
    assert.equal(page.rows.length, 50);
    assert.deepEqual(page.reads, { sequential: 0, indexed: 50 });
    const counts = await cost(SQL.takeOverParked, ['topic', 0]);
    assert.equal(counts.rows.length, 20);
    assert(counts.reads.sequential === 0 && counts.reads.indexed <= PARKED, 'the parked rows alone');
    const pruned = await cost(SQL.prune, ['topic', 0, -3_600_000, 100]);
    assert.deepEqual(pruned.rows, [{ count: '100' }]);
    assert.equal(pruned.reads.sequential, 0);
    assert(pruned.reads.indexed <= 2 * 100 + 2, `${pruned.reads.indexed} rows read to delete 100`);
    const nothing = await cost(SQL.prune, ['topic', 0, 3_600_000, 100]);
    assert.deepEqual(nothing.rows, [{ count: '0' }]);
    assert(nothing.reads.indexed <= 100, 'young finals are not searched through');
  });
}
