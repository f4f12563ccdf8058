/** Waiting for a named condition with a deadline, the only way the rig waits. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Named in the error when time is up. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly pollMs?: number;
}

const POLL_MS = 50;

/** Asks until the answer is neither null nor false; throws with the name when time is up. */
export async function until<T>(
  { what, timeoutMs, pollMs = POLL_MS }: WaitOptions,
  ask: () => T | null | false | Promise<T | null | false>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs / 1000} s still not: ${what}`);
    await delay(pollMs);
  }
}
