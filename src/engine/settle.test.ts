/** What became of entries whose commit was lost, told from the rows after the epoch was raised. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelOf, refusalOf } from './decisions.ts';
import { NO_CHANGE } from './ports-entries.ts';
import type { Begin, BeginParked, Change, Command, Park, Row } from './ports-ledger.ts';
import { settle } from './settle.ts';

const NUMBER_BEFORE = 10;

const row = (over: Partial<Row>): Row => ({
  id: 'a',
  partition: 3,
  offset: 7,
  location: 'L',
  slot: 1,
  state: 'executing',
  step: 0,
  token: '50',
  type: 't',
  plan: '1:apply',
  payload: '{}',
  evidence: null,
  reason: null,
  code: null,
  byPerson: false,
  attempts: 1,
  takeovers: 0,
  notAfterMs: 99,
  deadlineMs: 100,
  beganAtMs: 1,
  finishedAtMs: null,
  number: null,
  traceparent: null,
  ...over,
});
const parkedRow = row({ state: 'received', slot: 0, token: '0' });
const expired = row({ state: 'rolled_back', slot: 0, token: '0', reason: 'expired', number: 11 });
const cancelled = row({ state: 'rolled_back', slot: 0, token: '0', reason: 'cancelled', number: 11 });
const command: Command = {
  sequence: 5,
  partition: 3,
  id: 'a',
  location: 'L',
  action: 'cancel',
  expectedState: 'received',
  expectedToken: null,
  evidence: null,
  reason: 'because',
  actor: 'ops',
};
const RECORD = { expiresAtMs: null, traceparent: null, recordTimeMs: 0 } as const;
const park: Park = {
  kind: 'park',
  partition: 3,
  offset: 7,
  id: 'a',
  location: 'L',
  type: 't',
  payload: '{}',
  plan: '1:apply',
  ...RECORD,
};
const begin: BeginParked = {
  kind: 'begin-parked',
  partition: 3,
  id: 'a',
  location: 'L',
  slot: 1,
  plan: '1:apply',
  timeoutMs: 1,
  deadlineMs: 1,
  concurrency: 1,
};
const finish: Change = {
  ...NO_CHANGE,
  partition: 3,
  id: 'a',
  fromState: 'executing',
  fromToken: '50',
  event: 'done',
  to: 'completed',
};

const settled = (entry: Parameters<typeof settle>[0], found: Row | undefined) =>
  settle(entry, found, NUMBER_BEFORE);

test('a park: landed when its own row is parked', () => {
  assert.deepEqual(settled(park, parkedRow), { status: 'done' });
  assert.equal(settled(park, undefined), 'again');
  assert.equal(settled(park, { ...parkedRow, offset: 8 }), 'again', 'a duplicate is for the ledger to say');
  assert.equal(settled(park, row({ state: 'completed', number: 4 })), 'again');
});

test('the begin of a parked row: landed when it executes in this slot, or expired under a new number', () => {
  assert.deepEqual(settled(begin, row({})), { status: 'done', token: '50', notAfterMs: 99 });
  assert.equal(settled(begin, parkedRow), 'again');
  assert.deepEqual(settled(begin, expired), { status: 'expired', number: 11 });
  assert.equal(settled(begin, cancelled), 'again');
});

test('a begin: what had begun and ran out of time is not what expired instead of beginning', () => {
  const ranOut = row({ state: 'rolled_back', reason: 'expired', number: 11, evidence: '{"s0":{}}' });
  const first: Begin = { ...begin, kind: 'begin', offset: 7, type: 't', payload: '{}', ...RECORD };
  assert.equal(settled(first, ranOut), 'again', 'it ended in this commit, and this is its record once more');
  assert.equal(settled(begin, ranOut), 'again');
  assert.deepEqual(settled(first, expired), { status: 'expired', number: 11 });
});

test('a cancelling: landed when the row is cancelled under a new number; a begin may have come first', () => {
  const cancel = cancelOf(command);
  assert.equal(settled(cancel, parkedRow), 'again');
  const landed = settled(cancel, cancelled);
  assert.deepEqual(landed, {
    status: 'done',
    state: 'rolled_back',
    step: 0,
    token: '0',
    notAfterMs: 99,
    number: 11,
  });
  const old = settled(cancel, { ...cancelled, number: 9 });
  assert.deepEqual(old, { status: 'changed', state: 'rolled_back', token: '0' });
  assert.deepEqual(settled(cancel, row({})), { status: 'changed', state: 'executing', token: '50' });
  assert.deepEqual(settled(cancel, undefined), { status: 'changed', state: null, token: null });
});

test('a refusal of a command is simply sent again', () => {
  for (const found of [undefined, parkedRow, row({}), cancelled])
    assert.equal(settled(refusalOf(command), found), 'again');
});

test('a change: any other row than the one it expected was made by it', () => {
  assert.equal(settled(finish, row({})), 'again');
  const done = settled(finish, row({ state: 'completed', number: 11 }));
  assert.equal(done !== 'again' && done.status, 'done');
});
