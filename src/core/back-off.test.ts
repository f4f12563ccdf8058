import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOff } from './back-off.ts';

const upper = (attempt: number) =>
  backOff({ attempt, firstMs: 200, maxMs: 10_000, random: () => 1 - 2 ** -53 });

test('the upper bound doubles from the first to the longest wait', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 2_000].map((attempt) => Math.round(upper(attempt))),
    [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
  );
});

test('the wait is half of it and a random part of the other half', () => {
  assert.equal(backOff({ attempt: 1, firstMs: 200, maxMs: 10_000, random: () => 0 }), 200);
  assert.equal(backOff({ attempt: 1, firstMs: 200, maxMs: 10_000, random: () => 0.5 }), 300);
  fc.assert(
    fc.property(
      fc.nat(2_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const boundMs = Math.min(10_000, 200 * 2 ** attempt);
        const ms = backOff({ attempt, firstMs: 200, maxMs: 10_000, random: () => random });
        assert.ok(ms >= boundMs / 2 && ms <= boundMs, `${ms}`);
      },
    ),
    { seed: 20260116 },
  );
});

test('attempts are counted from 0', () => {
  assert.throws(() => backOff({ attempt: -1, firstMs: 1, maxMs: 1, random: () => 0 }), { code: 'SB-5006' });
});
