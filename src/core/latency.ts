/**
 * Durations counted in buckets, so that those of many workers and spans can be added up and still give percentiles.
 * A percentile is right to the width of its bucket: about a third.
 */
import { assert } from './errors/catalogue.ts';

/** Upper bounds of the buckets in ms; what is longer is counted in one more. */
export const LATENCY_BOUNDS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000,
  7_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 900_000,
] as const;

export const LATENCY_BUCKETS = LATENCY_BOUNDS_MS.length + 1;

export function latencyBucket(ms: number): number {
  let low = 0;
  let high: number = LATENCY_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((LATENCY_BOUNDS_MS[middle] ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The duration that a share of all counted ones does not exceed, in ms; null without any. Within its bucket it is
 * taken to lie in proportion. What is beyond the last bound is told as that bound.
 */
export function quantile(counts: readonly number[], share: number): number | null {
  assert(counts.length <= LATENCY_BUCKETS, 'more buckets than there are bounds');
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = share * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count === 0 || below + count < wanted) {
      below += count;
      continue;
    }
    const from = LATENCY_BOUNDS_MS[bucket - 1] ?? 0;
    const to = LATENCY_BOUNDS_MS[bucket] ?? from;
    return from + ((to - from) * (wanted - below)) / count;
  }
  return LATENCY_BOUNDS_MS[LATENCY_BOUNDS_MS.length - 1] ?? null;
}
