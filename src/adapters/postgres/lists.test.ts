/** The lists on a real Postgres with the real schema; rows are put there as a ledger would leave them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GROUP, LedgerRows, PARTITIONS, TOPIC } from '../../../test/fixtures/ledger-rows.ts';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { LATENCY_BUCKETS, latencyBucket } from '../../core/latency.ts';
import { partitionOf } from '../../core/murmur2.ts';
import type { TransactionFilter } from '../../engine/ports-lists.ts';
import { PostgresLists } from './lists.ts';
import { migrate } from './migrate.ts';

const TABLES =
  'partitions, transactions, transitions, locations, dead_letters, workers, series, events, commands';
const MINUTE = 60_000;
const DAY = Date.parse('2026-11-25T12:00:00Z');

let postgres: TestPostgres;
let rows: LedgerRows;
let lists: PostgresLists;

before(async () => {
  postgres = await testPostgres();
  const { connectionString } = postgres;
  await migrate({ connectionString });
  rows = await LedgerRows.connect(connectionString);
  lists = new PostgresLists({ connectionString, topic: TOPIC, group: GROUP, concurrencyOf: () => 2 });
});

after(async () => {
  await lists?.close();
  await rows?.end();
  await postgres?.stop();
});

beforeEach(async () => await rows.empty(TABLES));

const filter = (more: Partial<TransactionFilter> = {}): TransactionFilter => ({
  states: [],
  location: null,
  type: null,
  code: null,
  fromMs: null,
  toMs: null,
  limit: 10,
  cursor: null,
  ...more,
});

/** Outcome n is at minute n of the day, in partition n % 4; every tenth is rolled back. */
async function finals(count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    await rows.transaction({
      id: `f-${String(n).padStart(3, '0')}`,
      state: n % 10 === 0 ? 'rolled_back' : 'completed',
      partition: n % PARTITIONS,
      offset: n,
      location: `atm-${n % 7}`,
      type: n % 3 === 0 ? 'deposit' : 'cash',
      number: Math.ceil(n / PARTITIONS),
      finished_at: new Date(DAY + n * MINUTE),
      changed_at: new Date(DAY + n * MINUTE),
    });
  }
  await rows.allPartitions({ last_number: Math.ceil(count / PARTITIONS) });
}

/** All ids, page by page. */
async function walk(asked: TransactionFilter): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await lists.transactions({ ...asked, cursor });
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== null);
  return ids;
}

describe('transactions', () => {
  test('outcomes come newest first over all partitions, page by page, each once', async () => {
    await finals(90);
    const expected = Array.from({ length: 90 }, (_, index) => `f-${String(90 - index).padStart(3, '0')}`);
    assert.deepEqual(await walk(filter({ limit: 7 })), expected);
    assert.deepEqual(await walk(filter({ limit: 1_000 })), expected);
  });

  test('what holds a slot comes before what is parked, and both before outcomes', async () => {
    await finals(4);
    await rows.transaction({ id: 'h-old', state: 'held', location: 'atm-8', changed_at: new Date(DAY) });
    await rows.transaction({ id: 'h-new', state: 'executing', changed_at: new Date(DAY + 1) });
    await rows.transaction({ id: 'p-2', state: 'received', offset: 12 });
    await rows.transaction({ id: 'p-1', state: 'received', offset: 11 });
    const expected = ['h-new', 'h-old', 'p-1', 'p-2', 'f-004', 'f-003', 'f-002', 'f-001'];
    assert.deepEqual(await walk(filter({ limit: 3 })), expected);
    assert.deepEqual(await walk(filter({ limit: 1 })), expected);
    assert.deepEqual(await walk(filter({ states: ['received'], limit: 1 })), ['p-1', 'p-2']);
    assert.deepEqual(await walk(filter({ states: ['held', 'completed'], limit: 2 })), [
      'h-old',
      'f-004',
      'f-003',
      'f-002',
      'f-001',
    ]);
  });

  test('filters of state, type, location, code and time fit together', async () => {
    await finals(60);
    assert.deepEqual(await walk(filter({ states: ['rolled_back'], limit: 2 })), [
      'f-060',
      'f-050',
      'f-040',
      'f-030',
      'f-020',
      'f-010',
    ]);
    assert.deepEqual(await walk(filter({ type: 'deposit', states: ['rolled_back'] })), ['f-060', 'f-030']);
    assert.deepEqual(await walk(filter({ location: 'atm-3', limit: 3 })), [
      'f-059',
      'f-052',
      'f-045',
      'f-038',
      'f-031',
      'f-024',
      'f-017',
      'f-010',
      'f-003',
    ]);
    assert.deepEqual(await walk(filter({ location: 'atm-3', type: 'deposit', limit: 1 })), [
      'f-045',
      'f-024',
      'f-003',
    ]);
    await rows.transition('f-031', 'executing', 'in_doubt', { code: 'SB-4102' });
    assert.deepEqual(await walk(filter({ code: 'SB-4102' })), ['f-031']);
    assert.deepEqual(await walk(filter({ code: 'SB-4102', location: 'atm-3' })), ['f-031']);
    const within = { fromMs: DAY + 20 * MINUTE, toMs: DAY + 23 * MINUTE };
    assert.deepEqual(await walk(filter({ ...within, limit: 2 })), ['f-023', 'f-022', 'f-021', 'f-020']);
    assert.deepEqual(await walk(filter({ ...within, location: 'atm-1' })), ['f-022']);
    assert.deepEqual(await walk(filter({ fromMs: DAY + 90 * MINUTE })), []);
    assert.deepEqual(await walk(filter({ toMs: DAY })), []);
  });

  test('holes in the numbers change nothing', async () => {
    await finals(40);
    await rows.database.query('DELETE FROM signalbox.transactions WHERE number % 3 = 1');
    const ids = await walk(filter({ toMs: DAY + 30 * MINUTE, limit: 4 }));
    const { rows: left } = await rows.database.query<{ id: string }>(
      'SELECT id FROM signalbox.transactions WHERE finished_at <= $1 ORDER BY finished_at DESC',
      [new Date(DAY + 30 * MINUTE)],
    );
    assert.deepEqual(
      ids,
      left.map(({ id }) => id),
    );
  });

  test('a search that finds nothing stops after so many rows, says how far it came, and goes on from there', async () => {
    await rows.allPartitions({ last_number: 10_000 });
    await rows.database.query(`INSERT INTO signalbox.transactions (id, topic, partition, "offset", location, slot, state,
        step, token, type, plan, payload, attempts, takeovers, record_at, began_at, changed_at, finished_at, number,
        worker, epoch)
      SELECT 'final-' || n, 'transactions', n % 4, n, 'atm-1', 1, 'completed', 0, n, CASE WHEN n = 3 THEN 'rare' ELSE
        'cash' END, '1:apply', '{}', 1, 0, now(), now(), now(), timestamptz '2026-11-25' + n * interval '1 second',
        n / 4 + 1, 'worker-1', 1
      FROM generate_series(0, 39999) n`);
    for (const location of [null, 'atm-1']) {
      const first = await lists.transactions(filter({ type: 'rare', location }));
      assert.deepEqual(first.items, []);
      assert.ok(first.cursor !== null && first.searchedTo !== null);
      assert.ok(first.searchedTo > '2026-11-25T06:00:00', first.searchedTo);
      const second = await lists.transactions(filter({ type: 'rare', location, cursor: first.cursor }));
      assert.ok(second.searchedTo !== null && second.searchedTo < first.searchedTo);
      assert.deepEqual(await walk(filter({ type: 'rare', location })), ['final-3']);
    }
  });

  test('a row says what it is; a large payload stays behind', async () => {
    await rows.transaction({ id: 'a', state: 'in_doubt', code: 'SB-4101', step: 1 });
    await rows.transaction({ id: 'b', state: 'held', location: 'x', payload: Buffer.alloc(9_000, '1') });
    const { items } = await lists.transactions(filter());
    const [a, b] = items.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    assert.equal(a?.step, 'notify');
    assert.equal(a?.token, '9007199254740993');
    assert.deepEqual(a?.payload, { id: 'x', type: 'cash', data: { amount: 50 } });
    assert.equal(a?.changedAt, '2026-11-25T12:00:00.000Z');
    assert.equal(b?.payload, null);
  });

  test('a cursor of something else is refused', async () => {
    for (const cursor of ['x', Buffer.from('{"part":"finals"}').toString('base64url')]) {
      await assert.rejects(lists.transactions(filter({ cursor })), /SB-6002/);
    }
  });
});

describe('series and events', () => {
  test('spans of several workers are added up, with nothing in between as 0', async () => {
    const span = Math.floor(Date.now() / 10_000) * 10_000;
    const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
    counts[latencyBucket(40)] = 30;
    const add = (atMs: number, worker: string, completed: number) =>
      rows.insert('series', {
        topic: TOPIC,
        at: new Date(atMs),
        worker,
        started_at: new Date(0),
        completed,
        rolled_back: 1,
        in_doubt: completed,
        latency: counts,
      });
    await add(span, 'a', 5);
    await add(span, 'b', 7);
    await add(span - 20_000, 'a', 1);
    await add(span - 3_600_000, 'a', 1_000);
    const fine = await lists.series({ rangeMs: 900_000, spanMs: 10_000 });
    assert.equal(fine.points.length, 90);
    const since = fine.points.find(({ at }) => Date.parse(at) === span);
    assert.deepEqual([since?.completed, since?.rolledBack, since?.inDoubt], [12, 2, 7]);
    assert.equal(fine.points.find(({ at }) => Date.parse(at) === span - 20_000)?.completed, 1);
    assert.equal(
      fine.points.reduce((sum, { completed }) => sum + completed, 0),
      13,
    );
    assert.ok(fine.p50Ms !== null && fine.p50Ms > 30 && fine.p50Ms <= 50);
    const coarse = await lists.series({ rangeMs: 86_400_000, spanMs: 900_000 });
    assert.equal(coarse.points.length, 96);
    assert.equal(
      coarse.points.reduce((sum, { completed }) => sum + completed, 0),
      1_013,
    );
  });

  test('events come newest first', async () => {
    await rows.insert('events', {
      at: new Date(DAY),
      kind: 'worker_started',
      topic: TOPIC,
      worker: 'a',
      version: '1',
    });
    await rows.insert('events', {
      at: new Date(DAY + 1),
      kind: 'hand_over',
      topic: TOPIC,
      worker: 'a',
      partition: 3,
      epoch: 9,
      from_worker: 'b',
      lost: true,
      gap_ms: 11_300,
    });
    const [first, second] = await lists.events({ sinceMs: DAY, limit: 10 });
    assert.deepEqual(first, {
      at: '2026-11-25T12:00:00.001Z',
      kind: 'hand_over',
      worker: 'a',
      version: null,
      partition: 3,
      epoch: 9,
      fromWorker: 'b',
      lost: true,
      gapMs: 11_300,
    });
    assert.equal(second?.kind, 'worker_started');
    assert.equal((await lists.events({ sinceMs: DAY + 1, limit: 10 })).length, 1);
  });
});

describe('locations', () => {
  test('the worst come first, with what waits, who holds, and why it is paused', async () => {
    await rows.transaction({ id: 'e', state: 'executing', location: 'busy', changed_at: new Date(DAY) });
    await rows.transaction({
      id: 'h',
      state: 'held',
      location: 'bad',
      code: 'SB-4203',
      detail: 'cash taken',
    });
    await rows.transaction({ id: 'p', state: 'received', location: 'bad', offset: 7 });
    await rows.transaction({ id: 'q', state: 'received', location: 'lone', offset: 8 });
    await rows.insert('locations', { location: 'quiet', paused: true, reason: 'cassettes', actor: 'ann' });
    await rows.insert('locations', { location: 'bu*', paused: true, reason: 'street', actor: 'bob' });
    await rows.worker('w', 0, { deepest: { deep: 9 } });
    const found = await lists.openLocations();
    assert.deepEqual(
      found.map(({ location, state, holders, waiting, paused }) => [
        location,
        state,
        holders,
        waiting,
        paused,
      ]),
      [
        ['bad', 'held', 1, 1, false],
        ['busy', 'executing', 1, 0, true],
        ['lone', 'received', 0, 1, false],
        ['quiet', null, 0, 0, true],
        ['deep', null, 0, 9, false],
      ],
    );
    assert.deepEqual([found[0]?.holder, found[0]?.code, found[0]?.detail], ['h', 'SB-4203', 'cash taken']);
    assert.deepEqual(
      [found[1]?.pauseReason, found[1]?.pausedBy, found[1]?.concurrency],
      ['street', 'bob', 2],
    );
  });

  test('names come in byte order, each once, page by page', async () => {
    await finals(30);
    assert.deepEqual(await lists.locationNames(null, 4), ['atm-0', 'atm-1', 'atm-2', 'atm-3']);
    assert.deepEqual(await lists.locationNames('atm-3', 10), ['atm-4', 'atm-5', 'atm-6']);
    assert.deepEqual(await lists.locationNames('atm-6', 10), []);
  });

  test('the last outcomes of a location, oldest first, with its percentile', async () => {
    await finals(30);
    const [three, none] = await lists.recent(['atm-3', 'nowhere']);
    assert.deepEqual(three?.outcomes, ['completed', 'rolled_back', 'completed', 'completed']);
    assert.equal(three?.rolledBack, 1);
    assert.equal(three?.counted, 4);
    assert.equal(three?.perMinute.length, 60);
    assert.deepEqual([none?.outcomes, none?.p50Ms, none?.counted], [[], null, 0]);
  });

  test('a location with its spans, its queue, its audit and the hand-overs of its partition', async () => {
    const location = 'atm-3';
    await finals(30);
    await rows.transition('f-010', 'executing', 'rolled_back');
    const partition = partitionOf(location, PARTITIONS);
    await rows.transaction({ id: 'd', state: 'in_doubt', location, began_at: new Date(DAY + 99 * MINUTE) });
    await rows.transaction({ id: 'p2', state: 'received', location, partition, offset: 52 });
    await rows.transaction({ id: 'p1', state: 'received', location, partition, offset: 51 });
    const event = { at: new Date(), kind: 'hand_over', topic: TOPIC, worker: 'a', from_worker: 'b' };
    await rows.insert('events', { ...event, partition });
    await rows.insert('events', { ...event, partition: (partition + 1) % PARTITIONS });
    const detail = await lists.locationDetail(location);
    assert.deepEqual(detail.recent.map(({ id, history }) => [id, history.length]).toSorted(), [
      ['d', 0],
      ['f-003', 0],
      ['f-010', 1],
      ['f-017', 0],
      ['f-024', 0],
    ]);
    assert.equal(detail.recent.at(-1)?.id, 'd');
    assert.deepEqual(
      detail.queue.map(({ id }) => id),
      ['p1', 'p2'],
    );
    assert.equal(detail.events.length, 1);
    assert.deepEqual(detail.audit, []);
  });
});

describe('attention', () => {
  test('held ones first, then in doubt, with how many are parked behind', async () => {
    await rows.transaction({ id: 'd', state: 'in_doubt', location: 'x', changed_at: new Date(DAY) });
    await rows.transaction({ id: 'h2', state: 'held', location: 'y', changed_at: new Date(DAY + 2) });
    await rows.transaction({ id: 'h1', state: 'held', location: 'z', changed_at: new Date(DAY + 1) });
    await rows.transaction({ id: 'p', state: 'received', location: 'y', offset: 9 });
    const found = await lists.attention(10);
    assert.deepEqual(
      found.map(({ id, behind }) => [id, behind]),
      [
        ['h1', 0],
        ['h2', 1],
        ['d', 0],
      ],
    );
    assert.equal((await lists.attention(1)).length, 1);
  });

  test('dead letters are counted by code, the open ones too', async () => {
    const letter = (offset: number, code: string, more = {}) =>
      rows.insert('dead_letters', {
        topic_id: 'id',
        topic: TOPIC,
        partition: offset % 2,
        offset,
        code,
        detail: 'x',
        record_at: new Date(DAY),
        at: new Date(DAY + offset),
        worker: 'w',
        epoch: 1,
        ...more,
      });
    await letter(1, 'SB-1104');
    await letter(2, 'SB-1104', { state: 'discarded' });
    await letter(3, 'SB-1106', { state: 'discarded' });
    const found = await lists.deadLetterCodes();
    assert.deepEqual(
      found.map(({ code, records, open, partitions }) => [code, records, open, partitions]),
      [
        ['SB-1104', 2, 1, [0, 1]],
        ['SB-1106', 1, 0, [1]],
      ],
    );
    assert.equal(found[0]?.lastAt, '2026-11-25T12:00:00.002Z');
  });
});

describe('people', () => {
  test('decisions say where they stand, limits and audit who and why', async () => {
    const command = (more: Record<string, unknown>) =>
      rows.insert('commands', {
        topic: TOPIC,
        partition: 0,
        id: 'T',
        location: 'x',
        action: 'retry',
        expected_state: 'held',
        expected_token: 5,
        reason: 'why',
        actor: 'ann',
        ...more,
      });
    await command({});
    await command({ needs_approval: true, expires_at: new Date(Date.now() + MINUTE) });
    await command({ needs_approval: true, expires_at: new Date(Date.now() - MINUTE) });
    await command({ applied_at: new Date(), outcome: 'refused', found: 'completed', id: 'U' });
    const all = await lists.commands({ id: null, open: false, below: null, limit: 10 });
    assert.deepEqual(
      all.map(({ state }) => state),
      ['refused', 'expired', 'proposed', 'waiting'],
    );
    assert.equal((await lists.commands({ id: 'T', open: true, below: null, limit: 10 })).length, 3);
    const [newest] = all;
    assert.equal(
      (await lists.commands({ id: null, open: false, below: newest?.sequence ?? 0, limit: 1 }))[0]?.state,
      'expired',
    );
    await rows.insert('locations', {
      location: 'a',
      concurrency: 3,
      changed_at: new Date(DAY),
      actor: 'ann',
    });
    await rows.insert('locations', { location: 'b*', paused: true, changed_at: new Date(DAY), reason: 'r' });
    assert.deepEqual(
      (await lists.limits()).map(({ location, concurrency, paused }) => [location, concurrency, paused]),
      [
        ['b*', null, true],
        ['a', 3, false],
      ],
    );
    await rows.database.query("SELECT signalbox.append_audit('ann', 'limit', 'location a', 'why', 'x')");
    await rows.database.query("SELECT signalbox.append_audit('bob', 'limit', 'location b', 'why', 'y')");
    const audit = await lists.audit({ target: null, actor: null, below: null, limit: 10 });
    assert.deepEqual(
      audit.map(({ sequence, actor }) => [sequence, actor]),
      [
        [2, 'bob'],
        [1, 'ann'],
      ],
    );
    assert.equal(
      (await lists.audit({ target: 'location a', actor: null, below: null, limit: 10 })).length,
      1,
    );
    assert.equal((await lists.audit({ target: null, actor: 'bob', below: 2, limit: 10 })).length, 0);
  });
});
