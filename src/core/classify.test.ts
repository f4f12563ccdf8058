import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Answer, CallKind } from './answer.ts';
import { classify, fitting, REASON_MAX } from './classify.ts';

const CALLS: readonly CallKind[] = ['execute', 'status', 'reverse'];

/** One good body an outcome, and the calls it fits. */
const BODIES: readonly (readonly [Record<string, unknown>, readonly CallKind[]])[] = [
  [{ outcome: 'done', evidence: { receipt: 'é😀', notes: [1, 2.5, null] } }, ['execute', 'status']],
  [{ outcome: 'refused', reason: 'no cash' }, ['execute', 'status', 'reverse']],
  [{ outcome: 'retry', reason: 'door open' }, ['execute']],
  [{ outcome: 'pending' }, ['execute', 'status', 'reverse']],
  [{ outcome: 'never' }, ['status']],
  [{ outcome: 'reversed' }, ['execute', 'status', 'reverse']],
  [{ outcome: 'stale', mark: '42' }, ['execute', 'status', 'reverse']],
];

test('every outcome with every call', () => {
  for (const [body, fits] of BODIES) {
    for (const call of CALLS) {
      const answer = classify(call, body);
      if (fits.includes(call)) assert.deepEqual(answer, body);
      else
        assert.deepEqual(answer, {
          outcome: 'unknown',
          code: 'SB-4111',
          detail: `${body.outcome} to ${call}`,
        });
    }
  }
});

test('fields the contract does not name are ignored', () => {
  assert.deepEqual(classify('execute', { outcome: 'pending', since: 'yesterday' }), { outcome: 'pending' });
});

test('absent evidence is {}', () => {
  assert.deepEqual(classify('execute', { outcome: 'done' }), { outcome: 'done', evidence: {} });
});

test('whatever is not of the union is unknown', () => {
  const bodies: unknown[] = [
    undefined,
    null,
    true,
    'done',
    7,
    [],
    [{ outcome: 'done' }],
    {},
    { outcome: null },
    { outcome: 'DONE' },
    { outcome: 'done ' },
    { outcome: 'unknown', code: 'SB-4101', detail: '' },
    { outcome: 'toString' },
    { outcome: ['done'] },
    { outcome: 'done', evidence: null },
    { outcome: 'done', evidence: [] },
    { outcome: 'done', evidence: 'paid' },
    { outcome: 'done', evidence: { note: 'a\0' } },
    { outcome: 'done', evidence: { '\ud800': 1 } },
    { outcome: 'done', evidence: JSON.parse('{"n":1e400}') },
    { outcome: 'done', evidence: JSON.parse(`${'{"a":'.repeat(600)}1${'}'.repeat(600)}`) },
    { outcome: 'done', evidence: { at: new Date(0) } },
    { outcome: 'refused' },
    { outcome: 'refused', reason: null },
    { outcome: 'refused', reason: { text: 'x' } },
    { outcome: 'retry', reason: 5 },
    { outcome: 'stale' },
    { outcome: 'stale', mark: '' },
    { outcome: 'stale', mark: '-1' },
    { outcome: 'stale', mark: '1.5' },
    { outcome: 'stale', mark: '0x10' },
    { outcome: 'stale', mark: ' 1' },
    { outcome: 'stale', mark: '9223372036854775808' },
    { outcome: 'stale', mark: 2 ** 53 },
    { outcome: 'stale', mark: -1 },
    { outcome: 'stale', mark: 1.5 },
    { outcome: 'stale', mark: null },
  ];
  for (const call of CALLS) {
    for (const body of bodies) {
      const answer = classify(call, body);
      assert.equal(
        answer.outcome === 'unknown' && answer.code,
        'SB-4104',
        String(JSON.stringify(body)).slice(0, 80),
      );
    }
  }
});

test('a mark is a decimal integer below 2^63', () => {
  const marks: [unknown, string][] = [
    ['0', '0'],
    ['007', '7'],
    ['9223372036854775807', '9223372036854775807'],
    [42, '42'],
    [-0, '0'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ];
  for (const [mark, token] of marks) {
    assert.deepEqual(classify('execute', { outcome: 'stale', mark }), { outcome: 'stale', mark: token });
  }
});

test('a reason is bounded and can be stored', () => {
  const reason = `\0\ud800${'x'.repeat(2 * REASON_MAX)}`;
  const answer = classify('execute', { outcome: 'refused', reason });
  assert.deepEqual(answer, { outcome: 'refused', reason: `\ufffd\ufffd${'x'.repeat(REASON_MAX - 2)}` });
  assert.deepEqual(classify('execute', { outcome: 'retry', reason: '' }), { outcome: 'retry', reason: '' });
});

test('an unknown answer fits every call and stays as it is', () => {
  const answer: Answer = { outcome: 'unknown', code: 'SB-4101', detail: '5000 ms' };
  for (const call of CALLS) assert.equal(fitting(call, answer), answer);
});

test('never throws, and names one of the outcomes', () => {
  const outcomes = [...BODIES.map(([body]) => body.outcome), 'unknown'];
  const body = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSparseArray: true,
      withNullPrototype: true,
    }),
    fc.record(
      {
        outcome: fc.constantFrom(...outcomes),
        evidence: fc.anything(),
        reason: fc.anything(),
        mark: fc.anything(),
      },
      { requiredKeys: ['outcome'] },
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...CALLS), body, (call, value) => {
      assert.ok(outcomes.includes(classify(call, value).outcome));
    }),
    { numRuns: 2_000, seed: 20260117 },
  );
});
