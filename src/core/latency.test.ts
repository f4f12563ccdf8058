import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS, latencyBucket, quantile } from './latency.ts';

const counted = (values: readonly number[]): number[] => {
  const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
  for (const ms of values) counts[latencyBucket(ms)] = (counts[latencyBucket(ms)] ?? 0) + 1;
  return counts;
};

test('a duration falls in the first bucket whose bound it does not exceed', () => {
  assert.equal(latencyBucket(0), 0);
  assert.equal(latencyBucket(1), 0);
  assert.equal(latencyBucket(1.5), 1);
  assert.equal(latencyBucket(900_000), LATENCY_BOUNDS_MS.length - 1);
  assert.equal(latencyBucket(900_001), LATENCY_BOUNDS_MS.length);
});

test('nothing counted has no percentile; beyond the last bound it is that bound', () => {
  assert.equal(quantile([], 0.5), null);
  assert.equal(quantile(counted([]), 0.99), null);
  assert.equal(quantile(counted([1e9]), 0.5), 900_000);
});

test('a percentile lies in the bucket of the true one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 900_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const truth = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? 0;
        const told = quantile(counted(values), share) ?? -1;
        const bucket = latencyBucket(truth);
        const from = LATENCY_BOUNDS_MS[bucket - 1] ?? 0;
        const to = LATENCY_BOUNDS_MS[bucket] ?? 0;
        return told >= from && told <= to;
      },
    ),
  );
});

test('percentiles of two counts added are those of all', () => {
  const a = counted([10, 20, 30]);
  const b = counted([1_000, 2_000, 3_000]);
  const both = a.map((count, index) => count + (b[index] ?? 0));
  assert.deepEqual(both, counted([10, 20, 30, 1_000, 2_000, 3_000]));
});
