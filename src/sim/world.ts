/**
 * The virtual world: a clock that jumps from event to event. Everything that happens later is an event in one
 * heap, ordered by (time, seeded tie-break, sequence); between two events all microtasks run to their end.
 *
 * VW1 Same seed and same calls, same order of events.
 * VW2 Time never goes back, and stands still while code runs.
 */
import type { Timer } from '../engine/ports.ts';
import { RandomStream } from './random.ts';
import { seal } from './seal.ts';
import type { Sometimes } from './sometimes.ts';

interface VirtualEvent {
  readonly atMs: number;
  readonly tie: number;
  readonly sequence: number;
  run: (() => void) | null;
}

/** Of FNV-1a. */
const TRACE_PRIME = 0x01000193;
const SETTLED = Promise.resolve();
/** After so many events the process looks at its real timers and signals. */
const SLICE_EVENTS = 10_000;

/** 2026-01-01T00:00:00Z: the wall clock at the start of each world. */
const EPOCH_MS = 1_767_225_600_000;

export class VirtualWorld {
  readonly seed: number;
  /** How often each point was reached that a run must reach. */
  readonly reached = new Map<Sometimes, number>();
  readonly #heap: VirtualEvent[] = [];
  readonly #ties: RandomStream;
  readonly #shut: () => () => void;
  #nowMs = 0;
  #sequence = 0;
  #events = 0;
  #trace = 0;

  /** `shut` keeps the real clock, timers and randomness out while events run, and returns how to let them in again. */
  constructor(seed: number, shut: () => () => void = seal) {
    this.seed = seed;
    this.#shut = shut;
    this.#ties = new RandomStream(seed, 'ties');
  }

  /** Virtual time since the start, in ms. */
  get elapsedMs(): number {
    return this.#nowMs;
  }

  /** Events run so far. */
  get events(): number {
    return this.#events;
  }

  /** Of the events run so far and their times: equal in two runs of the same world. */
  get trace(): number {
    return this.#trace >>> 0;
  }

  wallClockMs(): number {
    return EPOCH_MS + Math.floor(this.#nowMs);
  }

  after(ms: number, run: () => void): Timer {
    const event: VirtualEvent = {
      atMs: this.#nowMs + Math.max(0, ms),
      tie: this.#ties.next(),
      sequence: this.#sequence++,
      run,
    };
    this.#push(event);
    return {
      cancel: () => {
        event.run = null;
      },
    };
  }

  /** The situation is there, now. */
  sometimes(point: Sometimes): void {
    this.reached.set(point, (this.reached.get(point) ?? 0) + 1);
  }

  /** A promise that resolves after `ms` of virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs events until `done`, or until the clock would pass `untilMs`. True when `done`. */
  run(done: () => boolean, untilMs: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    let left = 0;
    let unseal = (): void => {};
    const step = (): void => {
      if (left === 0) unseal = this.#shut();
      left = left === 0 ? SLICE_EVENTS : left - 1;
      try {
        const end = this.#next(done, untilMs);
        if (end === null && left > 0) {
          SETTLED.then(turn);
          return;
        }
        unseal();
        if (end === null) setImmediate(step);
        else resolve(end);
      } catch (error) {
        unseal();
        reject(error);
      }
    };
    // Asked for in a microtask, a tick comes when all microtasks have run; asked for in a tick it would come before them.
    const turn = (): void => process.nextTick(step);
    setImmediate(step);
    return promise;
  }

  /** Runs the next event; whether it was `done` when nothing was left to run, else null. */
  #next(done: () => boolean, untilMs: number): boolean | null {
    for (;;) {
      if (done()) return true;
      const event = this.#heap[0];
      if (event === undefined || event.atMs > untilMs) return false;
      this.#pop();
      if (event.run === null) continue;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      this.#events += 1;
      this.#trace = Math.imul(this.#trace ^ event.sequence ^ (event.atMs * 1024), TRACE_PRIME);
      event.run();
      return null;
    }
  }

  #push(event: VirtualEvent): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(event, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && before(right, left)) {
        smaller = right;
        child += 1;
      }
      if (!before(smaller, last)) break;
      heap[place] = smaller;
      place = child;
    }
    heap[place] = last;
  }
}

function before(a: VirtualEvent, b: VirtualEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.tie !== b.tie) return a.tie < b.tie;
  return a.sequence < b.sequence;
}
