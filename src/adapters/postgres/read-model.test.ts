/** The read model on a real Postgres with the real schema; rows are put there as a ledger would leave them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GROUP, LedgerRows, PARTITIONS, TOPIC } from '../../../test/fixtures/ledger-rows.ts';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { migrate } from './migrate.ts';
import { PostgresReadModel } from './read-model.ts';

const TABLES = 'partitions, transactions, transitions, locations, dead_letters, workers';

let postgres: TestPostgres;
let rows: LedgerRows;
let model: PostgresReadModel;

before(async () => {
  postgres = await testPostgres();
  await migrate({ connectionString: postgres.connectionString });
  rows = await LedgerRows.connect(postgres.connectionString);
  model = newModel();
});

after(async () => {
  await model?.close();
  await rows?.end();
  await postgres?.stop();
});

beforeEach(async () => {
  await rows.empty(TABLES);
});

function newModel(connectionString = postgres.connectionString): PostgresReadModel {
  return new PostgresReadModel({
    connectionString,
    topic: TOPIC,
    group: GROUP,
    concurrencyOf: (location) => (location.startsWith('kiosk') ? 3 : 1),
  });
}

// ------------------------------------------------------------------------------------- status

describe('status', () => {
  test('is all zero on an empty ledger', async () => {
    const { asOf, ...rest } = await model.status();
    assert.match(asOf, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, {
      topic: TOPIC,
      group: GROUP,
      completed: 0,
      rolledBack: 0,
      deadLetters: 0,
      duplicates: 0,
      executing: 0,
      inDoubt: 0,
      reversing: 0,
      held: 0,
      parked: 0,
      waiting: 0,
      workers: [],
      partitions: [],
    });
  });

  test('counts the outcomes from the partitions and the open ones from the rows', async () => {
    const counters = { last_number: 10, rolled_back: 3, dead_letters: 2, duplicates: 5, published: 8 };
    await rows.partition(0, { ...counters, epoch: 4, worker: 'worker-1', watermark: 77 });
    await rows.partition(1, { ...counters, worker: 'worker-2' });
    await rows.partition(2);
    await rows.insert('partitions', {
      topic: 'other',
      partition: 0,
      topic_id: 'x',
      group: GROUP,
      last_number: 99,
    });
    const states = [
      'executing',
      'executing',
      'in_doubt',
      'reversing',
      'held',
      'received',
      'received',
      'completed',
    ];
    for (const [index, state] of states.entries()) {
      await rows.transaction({ id: `pay-${index}`, state, location: `atm-${index}` });
    }
    await rows.transaction({ id: 'elsewhere', state: 'executing', topic: 'other', location: 'atm-x' });
    await rows.worker('worker-1', 0, { waiting: 7, lag: { 0: 12 }, lanes: 3 });
    await rows.worker('worker-2', 15_000, { waiting: 100, parked: 5, draining: true });
    await rows.worker('worker-0', 25 * 3_600_000);

    const status = await model.status();
    assert.deepEqual(
      [status.completed, status.rolledBack, status.deadLetters, status.duplicates],
      [14, 6, 4, 10],
    );
    assert.deepEqual(
      [status.executing, status.inDoubt, status.reversing, status.held, status.parked, status.waiting],
      [2, 1, 1, 1, 2, 9],
    );
    assert.deepEqual(status.partitions, [
      { partition: 0, owner: 'worker-1', epoch: 4, watermark: 77, published: 8, lastNumber: 10, lag: 12 },
      { partition: 1, owner: 'worker-2', epoch: 0, watermark: null, published: 8, lastNumber: 10, lag: null },
      { partition: 2, owner: null, epoch: 0, watermark: null, published: 0, lastNumber: 0, lag: null },
    ]);
    assert.deepEqual(
      status.workers.map(({ heartbeatAt: _, ...rest }) => rest),
      [
        {
          worker: 'worker-1',
          version: '0.1.0',
          startedAt: '2026-11-25T11:00:00.000Z',
          alive: true,
          draining: false,
          partitions: [0, 1],
          waiting: 7,
          parked: 0,
          lanes: 3,
          rssBytes: 1000,
        },
        {
          worker: 'worker-2',
          version: '0.1.0',
          startedAt: '2026-11-25T11:00:00.000Z',
          alive: false,
          draining: true,
          partitions: [0, 1],
          waiting: 100,
          parked: 5,
          lanes: 0,
          rssBytes: 1000,
        },
      ],
    );
  });
});

// ------------------------------------------------------------------------------------- transaction

describe('transaction', () => {
  test('is null for an unknown id', async () => {
    assert.equal(await model.transaction('nobody'), null);
  });

  test('shows the record, the outcome, the evidence and the history', async () => {
    await rows.partition(2, { published: 41 });
    await rows.transaction({
      id: 'pay-1',
      state: 'completed',
      partition: 2,
      offset: 900,
      number: 42,
      payload: Buffer.from('{"id":"pay-1","type":"cash","data":{"note":"zwölf €","big":1e300}}'),
      evidence: '{"apply":{"receipt":"a\\u0000b"}}',
      deadline: '2026-11-25T12:15:00Z',
      not_after: '2026-11-25T12:00:30Z',
    });
    await rows.transition('pay-1', 'executing', 'in_doubt');
    await rows.transition('pay-1', 'in_doubt', 'completed', {
      at: '2026-11-25T12:00:12.345Z',
      event: 'done',
      call: 'status',
      code: null,
      detail: null,
      answered_at: '2026-11-25T12:00:12Z',
      token: '9007199254740993',
    });

    const found = await model.transaction('pay-1');
    assert.deepEqual(found, {
      id: 'pay-1',
      topic: TOPIC,
      partition: 2,
      offset: 900,
      location: 'atm-7',
      slot: 1,
      state: 'completed',
      type: 'cash',
      plan: '1:apply,notify',
      step: 0,
      token: '9007199254740993',
      attempts: 1,
      takeovers: 0,
      code: null,
      detail: null,
      reason: null,
      payload: { id: 'pay-1', type: 'cash', data: { note: 'zwölf €', big: 1e300 } },
      evidence: { apply: { receipt: 'a\u0000b' } },
      recordAt: '2026-11-25T11:59:00.123Z',
      parkedAt: null,
      beganAt: '2026-11-25T12:00:00.000Z',
      changedAt: '2026-11-25T12:00:00.000Z',
      finishedAt: '2026-11-25T12:00:01.000Z',
      notAfter: '2026-11-25T12:00:30.000Z',
      deadline: '2026-11-25T12:15:00.000Z',
      nextAttemptAt: null,
      replayOf: null,
      result: { partition: 2, number: 42, published: false },
      history: [
        {
          at: '2026-11-25T12:00:10.000Z',
          event: 'unknown',
          from: 'executing',
          to: 'in_doubt',
          step: 0,
          call: 'execute',
          token: '7',
          startedAt: '2026-11-25T12:00:00.000Z',
          answeredAt: null,
          code: 'SB-4101',
          detail: 'no answer',
          worker: 'worker-1',
          epoch: 1,
        },
        {
          at: '2026-11-25T12:00:12.345Z',
          event: 'done',
          from: 'in_doubt',
          to: 'completed',
          step: 0,
          call: 'status',
          token: '9007199254740993',
          startedAt: '2026-11-25T12:00:00.000Z',
          answeredAt: '2026-11-25T12:00:12.000Z',
          code: null,
          detail: null,
          worker: 'worker-1',
          epoch: 1,
        },
      ],
    });
    await rows.database.query('UPDATE signalbox.partitions SET published = 42');
    assert.equal((await model.transaction('pay-1'))?.result?.published, true);
  });

  test('shows one that waits, and a CloudEvent as its envelope', async () => {
    const event = { specversion: '1.0', id: 'pay-2', source: '/till', type: 'cash', data: { amount: 5 } };
    await rows.transaction({
      id: 'pay-2',
      state: 'received',
      payload: Buffer.from(JSON.stringify(event)),
      parked_at: '2026-11-25T12:00:00Z',
    });
    const found = await model.transaction('pay-2');
    assert.deepEqual(found?.payload, event);
    assert.deepEqual(
      [
        found?.state,
        found?.slot,
        found?.token,
        found?.parkedAt,
        found?.beganAt,
        found?.result,
        found?.evidence,
        found?.history,
      ],
      ['received', null, null, '2026-11-25T12:00:00.000Z', null, null, null, []],
    );
  });
});

// ------------------------------------------------------------------------------------- why

describe('why', () => {
  const home = partitionOf('atm-7', PARTITIONS);

  test('a location that nobody has seen, in a ledger that has seen nothing', async () => {
    const why = await model.why('atm-7');
    assert.deepEqual(
      [why.holders, why.parked, why.waitingInMemory, why.partition, why.owner, why.ownerAlive, why.last],
      [[], 0, null, null, null, null, null],
    );
    assert.equal(why.concurrency, 1);
    assert.match(why.cause, /^Nothing holds atm-7/);
  });

  test('a free location: its partition by the key, its owner, its last transaction', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0);
    for (const number of [1, 2, 3]) {
      await rows.transaction({ id: `pay-${number}`, state: 'completed', partition: home, number });
    }
    await rows.transaction({
      id: 'other',
      state: 'completed',
      location: 'atm-8',
      partition: home,
      number: 4,
    });
    const why = await model.why('atm-7');
    assert.deepEqual([why.partition, why.owner, why.ownerAlive, why.paused], [home, 'worker-1', true, false]);
    assert.deepEqual(why.last, { id: 'pay-3', state: 'completed', finishedAt: '2026-11-25T12:00:01.000Z' });
    assert.equal(why.next, 'Its next transaction begins at once.');
  });

  test('the partition is not guessed while the ledger does not know them all', async () => {
    await rows.partition(1);
    await rows.partition(3);
    assert.equal((await model.why('atm-7')).partition, null);
  });

  test('executing: who waits for what until when, and who waits behind it', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0, { deepest: { 'atm-7': 5, 'atm-8': 9 } });
    await rows.transaction({
      id: 'pay-1',
      state: 'executing',
      partition: home,
      step: 1,
      not_after: '2026-11-25T12:00:30Z',
      changed_at: '2026-11-25T12:00:02Z',
      attempts: 2,
    });
    await rows.transaction({ id: 'pay-2', state: 'received', partition: home });
    await rows.transaction({ id: 'pay-3', state: 'received', partition: home });
    await rows.transaction({ id: 'pay-4', state: 'received', partition: home, location: 'atm-8' });
    const why = await model.why('atm-7');
    assert.deepEqual(why.holders, [
      {
        id: 'pay-1',
        slot: 1,
        state: 'executing',
        step: 'notify',
        token: '9007199254740993',
        since: '2026-11-25T12:00:02.000Z',
        code: null,
        detail: null,
        attempts: 2,
        nextAttemptAt: null,
        notAfter: '2026-11-25T12:00:30.000Z',
      },
    ]);
    assert.deepEqual([why.parked, why.waitingInMemory, why.owner], [2, 5, 'worker-1']);
    assert.match(
      why.cause,
      /^Transaction pay-1 is executing step notify .*7 transactions are waiting behind it\.$/,
    );
  });

  test('in doubt: since the doubt began, not since it was asked last, and when it is asked again', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0);
    await rows.transaction({ id: 'pay-1', state: 'in_doubt', partition: home, code: 'SB-4101' });
    await rows.database.query(
      "UPDATE signalbox.transactions SET next_attempt_at = now() + interval '1 hour'",
    );
    await rows.transition('pay-1', 'executing', 'in_doubt', { at: '2026-11-25T12:00:10Z' });
    await rows.transition('pay-1', 'in_doubt', 'in_doubt', { at: '2026-11-25T12:00:20Z', call: 'status' });
    const why = await model.why('atm-7');
    assert.equal(why.holders[0]?.since, '2026-11-25T12:00:10.000Z');
    assert.match(why.cause, /whether step apply of transaction pay-1 took effect: SB-4101 /);
    const time = why.holders[0]?.nextAttemptAt?.slice(11, 19);
    assert.ok(time !== undefined && why.next.startsWith('worker-1 asks the status again at '), why.next);
    assert.ok(why.next.endsWith(`${time} UTC.`), why.next);
  });

  test('a silent owner: since when, and that its memory counts no more', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 14_000, { deepest: { 'atm-7': 5 } });
    await rows.transaction({ id: 'pay-1', state: 'executing', partition: home });
    const why = await model.why('atm-7');
    assert.deepEqual([why.ownerAlive, why.waitingInMemory], [false, null]);
    assert.match(
      why.next,
      /^worker-1 has not been heard of for 1[4-9] s; the group hands the partition over/,
    );
  });

  test('paused by an operator, with slots of its own', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0);
    await rows.insert('locations', {
      location: 'atm-7',
      concurrency: 2,
      paused: true,
      reason: 'door open',
      actor: 'alice',
    });
    const why = await model.why('atm-7');
    assert.deepEqual([why.paused, why.concurrency], [true, 2]);
    assert.equal(why.cause, 'atm-7 is paused by alice (door open).');
    assert.equal((await model.why('kiosk-1')).concurrency, 3);
  });

  test('paused by a pattern, with slots by a nearer one', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0);
    await rows.insert('locations', {
      location: 'atm-*',
      concurrency: 2,
      paused: true,
      reason: 'firmware',
      actor: 'bob',
    });
    await rows.insert('locations', { location: 'atm-?', concurrency: 4 });
    await rows.insert('locations', { location: 'kiosk-*', concurrency: null, paused: false });
    await rows.transaction({ id: 'pay-1', state: 'received', partition: 2 });
    const why = await model.why('atm-7');
    assert.deepEqual([why.paused, why.concurrency, why.parked], [true, 2, 1]);
    assert.equal(why.cause, 'atm-7 is paused with all of atm-* by bob (firmware); 1 transaction is waiting.');
    await rows.insert('locations', { location: 'atm-7', concurrency: 1, paused: false });
    const own = await model.why('atm-7');
    assert.deepEqual([own.paused, own.concurrency], [true, 1], 'its own slots, and still any pause');
    assert.deepEqual(
      [(await model.why('kiosk-1')).paused, (await model.why('kiosk-1')).concurrency],
      [false, 3],
    );
  });

  test('parked rows behind a holder, and parked rows alone at a paused location', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0, { deepest: { 'atm-7': 2 } });
    await rows.transaction({ id: 'pay-1', state: 'in_doubt', partition: 2, code: 'SB-4101' });
    for (const id of ['pay-2', 'pay-3']) await rows.transaction({ id, state: 'received', partition: 2 });
    await rows.transaction({ id: 'pay-4', state: 'received', partition: 1, location: 'atm-8' });
    const behind = await model.why('atm-7');
    assert.deepEqual([behind.parked, behind.waitingInMemory, behind.partition], [2, 2, 2]);
    assert.match(behind.cause, /^It is not known .*; 4 transactions are waiting behind it\.$/);
    await rows.insert('locations', { location: 'atm-8', paused: true, reason: 'door open', actor: 'alice' });
    const paused = await model.why('atm-8');
    assert.deepEqual([paused.holders, paused.parked, paused.partition], [[], 1, 1]);
    assert.equal(paused.cause, 'atm-8 is paused by alice (door open); 1 transaction is waiting.');
  });

  test('held in one of several slots', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0);
    const place = { partition: 0, location: 'kiosk-1' };
    await rows.transaction({ ...place, id: 'pay-1', state: 'executing', slot: 1 });
    await rows.transaction({ ...place, id: 'pay-2', state: 'held', slot: 2, code: 'SB-4203' });
    await rows.transition('pay-2', 'reversing', 'held', { at: '2026-11-25T12:00:10Z' });
    const why = await model.why('kiosk-1');
    assert.deepEqual(
      why.holders.map(({ slot, id }) => [slot, id]),
      [
        [1, 'pay-1'],
        [2, 'pay-2'],
      ],
    );
    assert.match(why.cause, /^Transaction pay-2 is held at step apply .*; 2 of 3 slots are taken\.$/);
    assert.equal(why.next, 'Nothing by itself: a person decides.');
  });
});

// ------------------------------------------------------------------------------------- lists

describe('locations', () => {
  test('the worst first, then paused, deep in memory, limited, then those seen last', async () => {
    await rows.allPartitions();
    await rows.worker('worker-1', 0, { deepest: { 'atm-memory': 4, 'atm-doubt': 2 } });
    await rows.worker('worker-2', 60_000, { deepest: { 'atm-ghost': 4 } });
    await rows.transaction({
      id: 'a',
      state: 'executing',
      location: 'kiosk-1',
      slot: 1,
      changed_at: '2026-11-25T12:00:05Z',
    });
    await rows.transaction({ id: 'b', state: 'executing', location: 'kiosk-1', slot: 2 });
    await rows.transaction({ id: 'c', state: 'in_doubt', location: 'atm-doubt' });
    await rows.transition('c', 'executing', 'in_doubt', { at: '2026-11-25T12:00:07Z' });
    await rows.transaction({ id: 'd', state: 'received', location: 'atm-doubt' });
    await rows.transaction({ id: 'e', state: 'held', location: 'atm-held' });
    await rows.transaction({ id: 'f', state: 'received', location: 'atm-parked' });
    await rows.transaction({ id: 'g', state: 'completed', location: 'atm-old', number: 1 });
    await rows.transaction({
      id: 'h',
      state: 'rolled_back',
      location: 'atm-new',
      number: 2,
      finished_at: '2026-11-25T12:30:00Z',
    });
    await rows.transaction({ id: 'i', state: 'completed', location: 'atm-held', number: 3 });
    await rows.insert('locations', { location: 'atm-paused', paused: true });
    await rows.insert('locations', { location: 'atm-limited', concurrency: 2 });

    const view = (
      location: string,
      state: string,
      rest: {
        holders?: number;
        waiting?: number;
        since?: string;
        paused?: boolean;
        concurrency?: number;
      } = {},
    ) => ({
      location,
      state,
      holders: 0,
      concurrency: 1,
      waiting: 0,
      paused: false,
      ...rest,
      since: rest.since === undefined ? null : `2026-11-25T${rest.since}.000Z`,
    });
    const expected = [
      view('atm-held', 'held', { holders: 1, since: '12:00:00' }),
      view('atm-doubt', 'in_doubt', { holders: 1, waiting: 3, since: '12:00:07' }),
      view('kiosk-1', 'executing', { holders: 2, concurrency: 3, since: '12:00:00' }),
      view('atm-parked', 'received', { waiting: 1, since: '12:00:00' }),
      view('atm-paused', 'clear', { paused: true }),
      view('atm-memory', 'clear', { waiting: 4 }),
      view('atm-limited', 'clear', { concurrency: 2 }),
      view('atm-new', 'clear'),
      view('atm-old', 'clear'),
    ];
    assert.deepEqual(await model.locations(100), expected);
    assert.deepEqual(await model.locations(3), expected.slice(0, 3));
    assert.deepEqual(await model.locations(0), []);
  });

  test('limits by pattern count, and are no locations themselves', async () => {
    await rows.allPartitions();
    await rows.transaction({ id: 'a', state: 'completed', location: 'atm-1', number: 1 });
    await rows.transaction({ id: 'b', state: 'completed', location: 'kiosk-1', number: 2 });
    await rows.insert('locations', { location: 'atm-*', concurrency: 5, paused: true });
    await rows.insert('locations', { location: 'atm-2', concurrency: 2 });
    const listed = (await model.locations(10)).map(({ location, paused, concurrency }) => [
      location,
      paused,
      concurrency,
    ]);
    assert.deepEqual(listed.toSorted(), [
      ['atm-1', true, 5],
      ['atm-2', true, 2],
      ['kiosk-1', false, 3],
    ]);
  });
});

describe('deadLetters', () => {
  test('the newest first, of this topic, at most the limit', async () => {
    for (const offset of [1, 2, 3, 4]) {
      await rows.insert('dead_letters', {
        topic_id: offset === 4 ? 'other-id' : 'id',
        topic: offset === 4 ? 'other' : TOPIC,
        partition: 1,
        offset,
        code: 'SB-1105',
        detail: `detail ${offset}`,
        id: offset === 3 ? 'pay-3' : null,
        location: offset === 3 ? 'atm-7' : null,
        record_at: '2026-11-25T11:00:00Z',
        at: `2026-11-25T12:00:0${offset}Z`,
        worker: 'worker-1',
        epoch: 1,
      });
    }
    const ANY = { unresolved: false, code: null } as const;
    const letters = await model.deadLetters({ ...ANY, limit: 2 });
    assert.deepEqual(letters, [
      {
        partition: 1,
        offset: 3,
        code: 'SB-1105',
        detail: 'detail 3',
        id: 'pay-3',
        location: 'atm-7',
        at: '2026-11-25T12:00:03.000Z',
        state: 'open',
        replayedAs: null,
      },
      {
        partition: 1,
        offset: 2,
        code: 'SB-1105',
        detail: 'detail 2',
        id: null,
        location: null,
        at: '2026-11-25T12:00:02.000Z',
        state: 'open',
        replayedAs: null,
      },
    ]);
    assert.equal((await model.deadLetters({ ...ANY, limit: 10 })).length, 3);
    assert.deepEqual(await model.deadLetters({ ...ANY, code: 'SB-1106', limit: 10 }), []);
  });
});
