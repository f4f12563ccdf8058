import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredResult } from './ports-ledger.ts';
import { resultRecords } from './result.ts';

const RESULT: StoredResult = {
  number: 7,
  id: 'a.b~c-1',
  location: 'ATM_1',
  type: 'withdraw',
  state: 'rolled_back',
  reason: 'he said "no"\n',
  evidence: '{"apply":{"receipt":"r"}}',
  finishedAtMs: 1_764_000_000_123,
  traceparent: null,
};

function recordOf(topic: string, partition: number, result: StoredResult) {
  const [record] = resultRecords(topic, partition, [result]);
  assert.ok(record !== undefined);
  return record;
}

test('a result is one JSON object with the fields of the contract, in its order', () => {
  const record = recordOf('t', 3, RESULT);
  assert.equal(record.key, 'ATM_1');
  assert.deepEqual(record.headers, [['signalbox-result-id', 't/3/7']]);
  const expected = {
    id: 'a.b~c-1',
    location: 'ATM_1',
    type: 'withdraw',
    outcome: 'rolled_back',
    reason: 'he said "no"\n',
    evidence: { apply: { receipt: 'r' } },
    partition: 3,
    number: 7,
    finishedAt: '2025-11-24T16:00:00.123Z',
  };
  assert.equal(record.value, JSON.stringify(expected));
});

test('reason and evidence are left out where there is none; traceparent goes into the headers', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const record = recordOf('t', 0, {
    ...RESULT,
    state: 'completed',
    reason: null,
    evidence: null,
    traceparent,
  });
  assert.deepEqual(Object.keys(JSON.parse(record.value)), [
    'id',
    'location',
    'type',
    'outcome',
    'partition',
    'number',
    'finishedAt',
  ]);
  assert.deepEqual(record.headers.at(-1), ['traceparent', traceparent]);
});

test('each result of several has its own time', () => {
  const times = [5, 5, 1_000, 5].map((finishedAtMs) => ({ ...RESULT, finishedAtMs }));
  const said = resultRecords('t', 3, times).map(({ value }) => Date.parse(JSON.parse(value).finishedAt));
  assert.deepEqual(said, [5, 5, 1_000, 5]);
});
