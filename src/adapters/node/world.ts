/**
 * The real World: the machine's clocks, timers and randomness.
 *
 * W1 A timer never keeps the process alive.
 * W2 No timer fires at once because its time is too long for setTimeout: it is clamped instead.
 */
import type { Timer, World } from '../../engine/ports.ts';

/** Longest time setTimeout can count (24.8 days); above it Node would fire after 1 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function realWorld(): World {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    soon: (run) => void setImmediate(run),
    random: () => Math.random(),
    rssBytes: () => process.memoryUsage.rss(),
  };
}

function after(ms: number, run: () => void): Timer {
  const timer = setTimeout(run, Math.min(ms, TIMER_MS_MAX));
  timer.unref();
  return { cancel: () => clearTimeout(timer) };
}
