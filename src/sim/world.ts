/**
 * The virtual world: a clock that jumps from event to event. Everything that happens later is an event in one
 * heap, ordered by (time, seeded tie-break, sequence); between two events all microtasks run to their end.
 *
 * VW1 Same seed and same calls, same order of events.
 * VW2 Time never goes back, and stands still while code runs.
 */
import type { Timer } from '../engine/ports.ts';
import { RandomStream } from './random.ts';
import type { Sometimes } from './sometimes.ts';

interface VirtualEvent {
  readonly atMs: number;
  readonly tie: number;
  readonly sequence: number;
  run: (() => void) | null;
}

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
  #nowMs = 0;
  #sequence = 0;
  #events = 0;

  constructor(seed: number) {
    this.seed = seed;
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
    return new Promise((resolve, reject) => {
      let left = SLICE_EVENTS;
      const step = (): void => {
        try {
          const end = this.#next(done, untilMs);
          if (end !== null) {
            resolve(end);
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        left -= 1;
        if (left > 0) SETTLED.then(turn);
        else {
          left = SLICE_EVENTS;
          setImmediate(step);
        }
      };
      // Asked for in a microtask, a tick comes when all microtasks have run; asked for in a tick it would come before them.
      const turn = (): void => process.nextTick(step);
      setImmediate(step);
    });
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
