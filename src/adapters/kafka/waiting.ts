/**
 * Waiting without busy loops: a bell that wakes one loop, a pause, and back-off for retries that never end.
 */
import { backOff } from '../../core/back-off.ts';
import type { Timer, World } from '../../engine/ports.ts';

/** First and longest wait between tries: quick after a blip, gentle with a cluster that is starting. */
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 5_000;

/** 100 ms doubling to 5 s, jittered so that a fleet does not come back as one; never ends. */
export class BackOff {
  readonly #world: World;
  #attempt = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The wait before the next try, in ms. */
  next(): number {
    const attempt = this.#attempt;
    this.#attempt += 1;
    const { random } = this.#world;
    return backOff({ attempt, firstMs: BACK_OFF_FIRST_MS, maxMs: BACK_OFF_MAX_MS, random });
  }

  reset(): void {
    this.#attempt = 0;
  }
}

export function pause(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => void world.after(ms, resolve));
}

/** True when the promise settled in time. Never rejects. */
export function settledWithin(world: World, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = world.after(ms, () => resolve(false));
    const settled = (): void => {
      timer.cancel();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/** Wakes the one loop that waits on it. A ring before the wait is kept, so none is missed. */
export class Bell {
  readonly #world: World;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, or after `ms`. */
  wait(ms = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const wake = (): void => {
        timer?.cancel();
        this.#wake = null;
        this.#rung = false;
        resolve();
      };
      if (this.#rung) {
        wake();
        return;
      }
      this.#wake = wake;
      if (ms !== Number.POSITIVE_INFINITY) timer = this.#world.after(ms, wake);
    });
  }
}
