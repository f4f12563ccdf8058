/** L1 in numbers: what the healthy locations still do while a tenth is stuck, against the calm before. */
import type { Evidence } from '../../src/checkers/evidence.ts';

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Transactions of healthy locations that ended in the second window, a second, over those of the first. */
export function healthyRatio(
  { transactions }: Pick<Evidence, 'transactions'>,
  windows: { readonly calm: Window; readonly stuck: Window },
  isStuck: (location: string) => boolean,
): number {
  const ends = transactions
    .filter(({ location }) => !isStuck(location))
    .flatMap(({ finishedAtMs }) => finishedAtMs ?? []);
  const rate = ({ fromMs, toMs }: Window): number =>
    ends.filter((atMs) => atMs >= fromMs && atMs < toMs).length / (toMs - fromMs);
  return rate(windows.stuck) / rate(windows.calm);
}

const HEALTHY_MIN = 0.8;

/** L1: what speaks against it. No rate to compare with is no proof (L7). */
export function slowedDown(ratio: number): string[] {
  if (ratio >= HEALTHY_MIN) return [];
  return [`L1: healthy locations kept ${(ratio * 100).toFixed(0)} % of their rate`];
}
