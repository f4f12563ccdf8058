/** L2: how long partitions stood still after a fault. Every partition must have had records waiting all the time. */
import type { Evidence } from '../../src/checkers/evidence.ts';

/** Partitions whose last take-over before the time was by this worker. Throws when there is none. */
export function ownedBy({ takeOvers }: Evidence, worker: string, atMs: number): number[] {
  const partitions = [...new Set(takeOvers.map(({ partition }) => partition))];
  const owned = partitions.filter((partition) => {
    const last = takeOvers.findLast((event) => event.partition === partition && event.atMs <= atMs);
    return last?.worker === worker;
  });
  if (owned.length === 0) throw new Error(`${worker} owned nothing`);
  return owned;
}

/**
 * From the time given to the first begin after it under an epoch that is taken over after it, in ms, for the
 * partition that waited longest; without `newOwner` to the first begin whoever made it.
 */
export function resumedAfterMs(
  { takeOvers, transactions, partitions }: Evidence,
  options: {
    readonly sinceMs: number;
    readonly partitions?: readonly number[];
    readonly newOwner?: boolean;
  },
): number {
  const { sinceMs, newOwner = false } = options;
  const judged = options.partitions ?? partitions.map(({ partition }) => partition);
  const waits = judged.map((partition) => {
    const next = takeOvers.find((event) => event.partition === partition && event.atMs >= sinceMs);
    const fromMs = newOwner ? (next?.atMs ?? Number.POSITIVE_INFINITY) : sinceMs;
    const begins = transactions.flatMap((row) => (row.partition === partition ? (row.beganAtMs ?? []) : []));
    return Math.min(...begins.filter((began) => began >= fromMs)) - sinceMs;
  });
  return Math.max(...waits);
}
