/** Outcomes a second by partition, from the numbers of their last results over the last ten seconds. */
import { useRef } from 'react';
import type { Status } from '../api/types.ts';

const WINDOW_MS = 10_000;

interface Seen {
  readonly atMs: number;
  readonly numbers: ReadonlyMap<number, number>;
}

export function useRates(status: Status): ReadonlyMap<number, number> {
  const seen = useRef<Seen[]>([]);
  const atMs = Date.parse(status.asOf ?? status.time);
  if (seen.current.at(-1)?.atMs !== atMs) {
    const numbers = new Map(status.partitions.map(({ partition, lastNumber }) => [partition, lastNumber]));
    seen.current = [...seen.current.filter((each) => atMs - each.atMs <= WINDOW_MS), { atMs, numbers }];
  }
  const [first, last] = [seen.current[0], seen.current.at(-1)];
  if (first === undefined || last === undefined || last.atMs - first.atMs < 1_000) return new Map();
  return new Map(
    [...last.numbers].map(([partition, number]) => {
      const before = first.numbers.get(partition) ?? number;
      return [partition, ((number - before) * 1_000) / (last.atMs - first.atMs)];
    }),
  );
}
