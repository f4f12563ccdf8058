/** How long the loops of the embedded log wait while the database does not answer. */
import { backOff } from '../../core/back-off.ts';
import type { World } from '../../engine/ports.ts';

/** A restart of Postgres takes a second or two: the first tries come soon … */
const FIRST_MS = 100;
/** … and a long outage costs a connection attempt every few seconds. */
const MAX_MS = 5_000;

/** `failures`: in a row so far, 1 after the first. `limitMs`: where the longest wait must be shorter. */
export function retryAfterMs(world: World, failures: number, limitMs = MAX_MS): number {
  const maxMs = Math.max(FIRST_MS, Math.min(MAX_MS, limitMs));
  return backOff({ attempt: failures - 1, firstMs: FIRST_MS, maxMs, random: world.random });
}
