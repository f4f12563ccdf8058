/** How long to wait before the next try. */
import { assert } from './errors/catalogue.ts';

export interface BackOff {
  /** Tries made so far that were followed by such a wait: 0 before the first wait. */
  readonly attempt: number;
  /** Upper bound of the first wait, in ms. */
  readonly firstMs: number;
  /** Upper bound of every wait, in ms. */
  readonly maxMs: number;
  /** 0 <= x < 1: `World.random`. */
  readonly random: () => number;
}

/**
 * A wait in ms: the upper bound doubles from `firstMs` to `maxMs`; the wait is half of it and a random part of the
 * other half, so that those who failed together do not come back together.
 */
export function backOff({ attempt, firstMs, maxMs, random }: BackOff): number {
  assert(attempt >= 0, 'attempts are counted from 0');
  const boundMs = Math.min(maxMs, firstMs * 2 ** attempt);
  return boundMs * (0.5 + random() / 2);
}
