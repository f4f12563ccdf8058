/** The read model over what the real ledger writes: each step of a life, read at once. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { byteString } from '../../core/byte-string.ts';
import { NO_CHANGE } from '../../engine/ports-entries.ts';
import type { Begin, Change, Entry, EntryAnswer, Heartbeat } from '../../engine/ports-ledger.ts';
import { PostgresLedger } from './ledger.ts';
import { PostgresReadModel } from './read-model.ts';

const PAYLOAD = { id: 'any', type: 'cash', data: { amount: 50, note: 'é' } };

let postgres: TestPostgres;
let ledger: PostgresLedger;
let model: PostgresReadModel;
let epoch = 0;
let lastNumber = 0;
let offset = 0;

before(async () => {
  postgres = await testPostgres();
  const { connectionString } = postgres;
  ledger = await PostgresLedger.open({
    connectionString,
    identity: { topic: 'transactions', topicId: 'id-1', group: 'signalbox', worker: 'worker-1' },
    ledgerConnections: 1,
    allowMigrate: true,
  });
  model = new PostgresReadModel({ connectionString, topic: 'transactions', group: 'signalbox' });
  await takeOver();
  await ledger.heartbeat(heartbeat(), []);
});

after(async () => {
  await model?.close();
  await ledger?.close();
  await postgres?.stop();
});

async function takeOver(): Promise<void> {
  const taken = await ledger.takeOver(0);
  assert.equal(taken.outcome, 'owned');
  if (taken.outcome === 'owned') epoch = taken.epoch;
}

function heartbeat(rest: Partial<Heartbeat> = {}): Heartbeat {
  return {
    version: '0.1.0',
    startedAtMs: Date.parse('2026-11-25T11:00:00Z'),
    draining: false,
    partitions: [0],
    waiting: 3,
    parked: 2,
    lanes: 1,
    rssBytes: 1_000,
    lag: { 0: 4 },
    deepest: { 'atm-1': 3 },
    ...rest,
  };
}

function begin(id: string, location: string): Begin {
  offset += 1;
  return {
    kind: 'begin',
    partition: 0,
    offset,
    id,
    location,
    slot: 1,
    type: 'cash',
    payload: byteString(Buffer.from(JSON.stringify({ ...PAYLOAD, id }))),
    plan: '1:apply,notify',
    timeoutMs: 30_000,
    deadlineMs: 900_000,
    expiresAtMs: null,
    concurrency: 1,
    traceparent: null,
    recordTimeMs: Date.parse('2026-11-25T11:59:59Z'),
  };
}

function change(
  id: string,
  from: { state: Change['fromState']; token: string },
  rest: Partial<Change>,
): Change {
  return {
    ...NO_CHANGE,
    partition: 0,
    id,
    fromState: from.state,
    fromToken: from.token,
    event: 'done',
    to: 'completed',
    call: 'execute',
    startedMs: Date.parse('2026-11-25T12:00:00Z'),
    timeoutMs: 30_000,
    ...rest,
  };
}

async function commit(entry: Entry, duplicates = 0): Promise<EntryAnswer> {
  const head = {
    partition: 0,
    epoch,
    watermark: offset + 1,
    published: null,
    duplicates,
    lastNumber,
    commits: null,
  };
  const { answers } = await ledger.commit({ heads: [head], entries: [entry] });
  const [answer] = answers;
  assert.ok(answer?.status === 'done', `${JSON.stringify(answer)}`);
  if ('number' in answer && typeof answer.number === 'number') lastNumber = answer.number;
  return answer;
}

async function tokenAfter(entry: Begin | Change): Promise<string> {
  const answer = await commit(entry);
  assert.ok('token' in answer && answer.token !== null);
  return answer.token;
}

test('a life with doubt, read after each commit', async () => {
  const first = await tokenAfter(begin('pay-1', 'atm-1'));
  const executing = await model.why('atm-1');
  assert.match(
    executing.cause,
    /^Transaction pay-1 is executing step apply since .*; 3 transactions are waiting/,
  );
  assert.match(executing.next, /^worker-1 waits for the answer until \d\d:\d\d:\d\d UTC; /);
  assert.equal((await model.status()).executing, 1);

  const nextAttemptMs = Date.now() + 3_600_000;
  const doubt = await tokenAfter(
    change(
      'pay-1',
      { state: 'executing', token: first },
      { event: 'unknown', to: 'in_doubt', newToken: true, code: 'SB-4102', detail: 'reset', nextAttemptMs },
    ),
  );
  assert.notEqual(doubt, first);
  const inDoubt = await model.why('atm-1');
  assert.match(inDoubt.cause, /SB-4102 The connection to the participant failed or was reset \(reset\)/);
  assert.match(inDoubt.next, /^worker-1 asks the status again at /);
  assert.equal(inDoubt.holders[0]?.nextAttemptAt, new Date(nextAttemptMs).toISOString());
  const { since } = inDoubt.holders[0] ?? {};

  const asked = change(
    'pay-1',
    { state: 'in_doubt', token: doubt },
    { event: 'unknown', to: 'in_doubt', call: 'status', code: 'SB-4109', nextAttemptMs },
  );
  await commit(asked);
  assert.equal((await model.why('atm-1')).holders[0]?.since, since);
  assert.equal((await model.status()).inDoubt, 1);
  assert.deepEqual(
    (await model.locations(10)).map(({ location, state, waiting }) => [location, state, waiting]),
    [['atm-1', 'in_doubt', 3]],
  );

  await commit(
    change('pay-1', { state: 'in_doubt', token: doubt }, { evidence: '{"apply":{"receipt":"r"}}' }),
  );
  const view = await model.transaction('pay-1');
  assert.deepEqual(
    [view?.state, view?.result, view?.evidence, view?.payload],
    [
      'completed',
      { partition: 0, number: 1, published: false },
      { apply: { receipt: 'r' } },
      { ...PAYLOAD, id: 'pay-1' },
    ],
  );
  assert.deepEqual(
    view?.history.map(({ event, from, to, code }) => [event, from, to, code]),
    [
      ['unknown', 'executing', 'in_doubt', 'SB-4102'],
      ['unknown', 'in_doubt', 'in_doubt', 'SB-4109'],
      ['done', 'in_doubt', 'completed', null],
    ],
  );
  assert.equal((await model.why('atm-1')).last?.id, 'pay-1');
});

test('a take-over turns what executed into doubt, since the take-over', async () => {
  await commit(begin('pay-2', 'atm-2'));
  await takeOver();
  const why = await model.why('atm-2');
  assert.deepEqual([why.holders[0]?.state, why.holders[0]?.code], ['in_doubt', 'SB-4106']);
  const view = await model.transaction('pay-2');
  assert.equal(view?.takeovers, 1);
  assert.equal(why.holders[0]?.since, view?.history[0]?.at);
  const { token } = view ?? {};
  assert.ok(token != null);
  const refused = { event: 'refused', to: 'rolled_back', reason: 'no notes', call: 'status' } as const;
  await commit(change('pay-2', { state: 'in_doubt', token }, refused));
});

test('the counts are those of what was committed', async () => {
  const deadLetter: Entry = {
    kind: 'dead-letter',
    partition: 0,
    offset: 100,
    key: 'atm-3',
    value: 'x',
    headers: [],
    code: 'SB-1106',
    detail: 'x',
    id: null,
    location: 'atm-3',
    recordTimeMs: Date.parse('2026-11-25T11:59:59Z'),
  };
  await commit(deadLetter, 2);
  await commit(begin('pay-3', 'atm-3'));
  await ledger.heartbeat(heartbeat({ waiting: 9, draining: true }), []);
  const status = await model.status();
  assert.deepEqual(
    {
      completed: status.completed,
      rolledBack: status.rolledBack,
      deadLetters: status.deadLetters,
      duplicates: status.duplicates,
      executing: status.executing,
      inDoubt: status.inDoubt,
      waiting: status.waiting,
    },
    { completed: 1, rolledBack: 1, deadLetters: 1, duplicates: 2, executing: 1, inDoubt: 0, waiting: 9 },
  );
  assert.deepEqual(
    status.partitions.map(({ owner, lag, lastNumber: last }) => [owner, lag, last]),
    [['worker-1', 4, 2]],
  );
  assert.deepEqual(
    status.workers.map(({ worker, alive, draining }) => [worker, alive, draining]),
    [['worker-1', true, true]],
  );
  const [letter] = await model.deadLetters({ unresolved: true, code: null, limit: 5 });
  assert.deepEqual([letter?.offset, letter?.code, letter?.location], [100, 'SB-1106', 'atm-3']);
});
