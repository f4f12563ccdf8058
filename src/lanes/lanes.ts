/**
 * Keyed concurrency in one process: at most N functions at a time for each key, in the order they were asked for, keys
 * side by side. No dependency, no I/O. What a dictionary of semaphores wants to be: bounded, abortable, inspectable,
 * cleaned up.
 *
 * Life of a run: waiting ─→ running ─→ settled. One that is aborted while it waits never starts; one that is aborted
 * while it runs is told by its signal and keeps its slot until its function has settled, because only that is the end.
 *
 * KL1 At most `concurrency` functions of a key run at once; those of a key start in the order of `run`.
 * KL2 At most `limit` functions run at once in all; keys take turns for it, so that a deep one does not starve others.
 * KL3 A key without a waiting or running function is not in memory.
 * KL4 What cannot wait is refused at once (LanesFullError); nothing that waits is dropped.
 * KL5 A run always settles, and `run` never throws: where the concurrency of its key cannot be told it rejects with why.
 */
import { type Lane, Lanes as Slots } from '../core/lanes.ts';
import { Line } from '../core/line.ts';
import { LanesClosedError, LanesFullError, RunTimeoutError } from './errors.ts';
import { mapped } from './map.ts';
import type { LanesOptions, LaneView, RunOptions, Task } from './options.ts';
import { SignalWatch } from './signal-watch.ts';

interface Run {
  readonly key: string;
  readonly task: Task<unknown>;
  readonly options: RunOptions;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
  /** Takes away what ends the wait; null: nothing does. */
  endWait: (() => void) | null;
}

const NO_OPTIONS: RunOptions = {};
const CONCURRENCY_MAX = 10_000;

export class Lanes {
  readonly #slots: Slots<Run>;
  readonly #concurrencyOf: (key: string) => number;
  readonly #limit: number;
  readonly #waitingMax: number;
  readonly #waitingMaxOfKey: number;
  /** Keys that the limit alone holds back; each at most once (KL2). */
  readonly #turns = new Line<{ readonly key: string }>();
  readonly #inTurn = new Set<string>();
  /** Aborts when these lanes are closed by force: the signal of functions that have no other. */
  readonly #force = new AbortController();
  /** Those that wait and may be given up. */
  readonly #signals = new SignalWatch<Run>((run, reason) => this.#giveUp(run, reason));
  #running = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];
  #whenRoom: (() => void)[] = [];

  /** Throws RangeError for a number that is not whole, or out of its range. */
  constructor({ concurrency = 1, limit, waitingMax, waitingMaxOfKey }: LanesOptions = {}) {
    if (typeof concurrency === 'number') bounded('concurrency', concurrency, 1, CONCURRENCY_MAX);
    const of = typeof concurrency === 'number' ? () => concurrency : concurrency;
    this.#concurrencyOf = (key) => bounded(`concurrency of ${key}`, of(key), 1, CONCURRENCY_MAX);
    this.#limit = bounded('limit', limit, 1);
    this.#waitingMax = bounded('waitingMax', waitingMax, 0);
    this.#waitingMaxOfKey = bounded('waitingMaxOfKey', waitingMaxOfKey, 0);
    this.#slots = new Slots({ concurrencyOf: this.#concurrencyOf });
  }

  /** Keys in memory: those with something waiting or running. */
  get size(): number {
    return this.#slots.size;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /**
   * Runs `task` when its turn has come, at once when nothing is before it, and settles as it does. Rejects with
   * LanesFullError when it cannot wait, LanesClosedError after `close`, RunTimeoutError when it waited too long, with
   * the reason of the signal when that aborts the wait, or with what the function of `concurrency` throws for its key.
   */
  run<T>(key: string, task: Task<T>, options: RunOptions = NO_OPTIONS): Promise<T> {
    if (this.#closed) return Promise.reject(new LanesClosedError());
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    return new Promise<T>((resolve, reject) => {
      if (this.#isFull(key)) throw new LanesFullError(key, this.#slots.get(key)?.waiting ?? 0);
      const run: Run = { key, task, options, resolve, reject, endWait: null };
      const lane = this.#slots.push(key, run);
      this.#pump(lane);
      if (lane.waiting > 0 && options !== NO_OPTIONS) this.#watch(run);
    });
  }

  /**
   * Runs `task` for each item of any iterable, and gives the results as they come. Reads on only while fewer than `ahead`
   * runs are begun and not given back, so an endless source is as good as a short one. The first failure ends it and
   * aborts what it began; so does leaving the loop.
   */
  map<Item, Result>(
    items: Iterable<Item> | AsyncIterable<Item>,
    keyOf: (item: Item) => string,
    task: (item: Item, signal: AbortSignal) => Result | PromiseLike<Result>,
    options: RunOptions & { readonly ahead?: number } = {},
  ): AsyncGenerator<Result, void, undefined> {
    return mapped(this, { items, keyOf, task, ...options });
  }

  /** Resolves when a run of the key could wait or start: back-pressure for whoever produces. */
  async room(key: string, signal?: AbortSignal): Promise<void> {
    while (this.#isFull(key)) {
      signal?.throwIfAborted();
      if (this.#closed) throw new LanesClosedError();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      this.#whenRoom.push(wake);
      signal?.addEventListener('abort', wake, { once: true });
      await promise;
      signal?.removeEventListener('abort', wake);
    }
  }

  /** Null when nothing of the key waits or runs. */
  inspect(key: string): LaneView | null {
    const lane = this.#slots.get(key);
    return lane === undefined ? null : this.#view(lane);
  }

  /** Keys with something waiting or running, in the order they were first seen. */
  *[Symbol.iterator](): IterableIterator<LaneView> {
    for (const lane of this.#slots.values()) yield this.#view(lane);
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#slots.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /**
   * Nothing starts any more: what waits rejects with LanesClosedError, what runs is left to end, or is aborted as well.
   * Resolves when nothing runs.
   */
  async close({ abort = false }: { readonly abort?: boolean } = {}): Promise<void> {
    this.#closed = true;
    for (const lane of [...this.#slots.values()]) this.#refuseAll(lane, new LanesClosedError());
    if (abort) this.#force.abort(new LanesClosedError());
    this.#tell();
    await this.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ------------------------------------------------------------------------------------------ starting

  #isFull(key: string): boolean {
    const lane = this.#slots.get(key);
    const waiting = lane?.waiting ?? 0;
    // One that can start at once does not wait.
    const starts =
      this.#running < this.#limit && waiting === 0 && (lane?.holding ?? 0) < this.#concurrencyOf(key);
    return !starts && (this.#slots.waiting >= this.#waitingMax || waiting >= this.#waitingMaxOfKey);
  }

  /** Starts what may start of the key; what only the limit holds back gets in line for its turn. */
  #pump(lane: Lane<Run>): void {
    while (lane.waiting > 0) {
      if (this.#running >= this.#limit) {
        this.#wantTurn(lane.key);
        return;
      }
      const taken = this.#take(lane);
      if (taken === null) return;
      this.#start(lane, taken);
    }
  }

  /** A concurrency function that throws is the end of all that waits for its key (KL5). */
  #take(lane: Lane<Run>): { readonly slot: number; readonly item: Run } | null {
    try {
      return this.#slots.take(lane);
    } catch (error) {
      this.#refuseAll(lane, error);
      this.#tell();
      return null;
    }
  }

  #wantTurn(key: string): void {
    if (this.#inTurn.has(key)) return;
    this.#inTurn.add(key);
    this.#turns.append({ key });
  }

  /** One of each key in turn, while the limit has room (KL2). */
  #giveTurns(): void {
    while (this.#running < this.#limit && this.#turns.length > 0) {
      const { key } = this.#turns.shift();
      this.#inTurn.delete(key);
      const lane = this.#slots.get(key);
      const taken = lane === undefined ? null : this.#take(lane);
      if (lane === undefined || taken === null) continue;
      if (lane.waiting > 0) this.#wantTurn(key);
      this.#start(lane, taken);
    }
  }

  #start(lane: Lane<Run>, { slot, item: run }: { readonly slot: number; readonly item: Run }): void {
    const { task, options, resolve, reject } = run;
    run.endWait?.();
    this.#slots.began(lane, slot);
    this.#running += 1;
    const call = callOf(options, this.#force.signal);
    let answer: unknown;
    try {
      answer = task(call.signal);
    } catch (error) {
      this.#ended(lane, slot, call);
      reject(error);
      return;
    }
    if (!isThenable(answer)) {
      this.#ended(lane, slot, call);
      resolve(answer as never);
      return;
    }
    answer.then(
      (value) => {
        this.#ended(lane, slot, call);
        this.#goOn(lane);
        resolve(value as never);
      },
      (error: unknown) => {
        this.#ended(lane, slot, call);
        this.#goOn(lane);
        reject(error);
      },
    );
  }

  #ended(lane: Lane<Run>, slot: number, call: Call): void {
    call.end?.();
    this.#running -= 1;
    this.#slots.release(lane, slot);
  }

  /** After one has ended: those that wait longer for a turn come first, its own key behind them. */
  #goOn(lane: Lane<Run>): void {
    if (this.#turns.length > 0) {
      if (lane.waiting > 0) this.#wantTurn(lane.key);
      this.#giveTurns();
    } else this.#pump(lane);
    this.#tell();
  }

  // ------------------------------------------------------------------------------------------ waiting

  #watch(run: Run): void {
    const { signal, waitTimeoutMs } = run.options;
    if (signal === undefined && waitTimeoutMs === undefined) return;
    if (signal !== undefined) this.#signals.add(signal, run);
    const timer =
      waitTimeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#giveUp(run, new RunTimeoutError('waited', waitTimeoutMs)), waitTimeoutMs);
    run.endWait = () => {
      if (signal !== undefined) this.#signals.delete(signal, run);
      clearTimeout(timer);
    };
  }

  #giveUp(run: Run, reason: unknown): void {
    const lane = this.#slots.get(run.key);
    if (lane === undefined || !this.#slots.withdraw(lane, run)) return;
    this.#refuse(run, reason);
    this.#tell();
  }

  #refuseAll(lane: Lane<Run>, reason: unknown): void {
    for (let run = lane.lineHead; run !== null; run = lane.lineHead) {
      this.#slots.withdraw(lane, run);
      this.#refuse(run, reason);
    }
  }

  #refuse(run: Run, reason: unknown): void {
    run.endWait?.();
    run.reject(reason);
  }

  #tell(): void {
    if (this.#whenRoom.length > 0) for (const resume of this.#whenRoom.splice(0)) resume();
    if (this.#slots.size === 0 && this.#whenIdle.length > 0)
      for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #view({ key, holding: running, waiting }: Lane<Run>): LaneView {
    return { key, running, waiting, concurrency: this.#concurrencyOf(key) };
  }
}

// ---------------------------------------------------------------------------------------------- one call

interface Call {
  readonly signal: AbortSignal;
  readonly end: (() => void) | null;
}

/** The signal of a function: its caller's, its time, and the end of these lanes; the shared one where that is all. */
function callOf({ signal, timeoutMs }: RunOptions, force: AbortSignal): Call {
  if (timeoutMs === undefined) {
    return { signal: signal === undefined ? force : AbortSignal.any([signal, force]), end: null };
  }
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new RunTimeoutError('ran', timeoutMs)), timeoutMs);
  const signals = signal === undefined ? [late.signal, force] : [signal, late.signal, force];
  return { signal: AbortSignal.any(signals), end: () => clearTimeout(timer) };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof (value as PromiseLike<unknown>).then === 'function'
  );
}

function bounded(
  name: string,
  value: number | undefined,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  if (value === Number.POSITIVE_INFINITY && max === Number.MAX_SAFE_INTEGER) return value;
  throw new RangeError(`${name}: found ${value}, allowed is a whole number from ${min} to ${max}`);
}
