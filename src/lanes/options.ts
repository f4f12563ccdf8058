/** What one gives to lanes, and what they show. */

export interface LanesOptions {
  /** Functions of one key at once, from 1 to 10,000; a function of the key where keys differ. 1 by default. */
  readonly concurrency?: number | ((key: string) => number);
  /** Functions at once over all keys. No limit by default. */
  readonly limit?: number;
  /** Functions that wait, over all keys; more are refused with LanesFullError. No limit by default. */
  readonly waitingMax?: number;
  /** The same for each key. */
  readonly waitingMaxOfKey?: number;
}

export interface RunOptions {
  /** Ends the wait at once; while it runs it aborts the function's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** The function's signal aborts this long after it started, in ms, with a RunTimeoutError. */
  readonly timeoutMs?: number | undefined;
  /** A run that has not started after this long rejects with a RunTimeoutError, in ms. */
  readonly waitTimeoutMs?: number | undefined;
}

export interface LaneView {
  readonly key: string;
  readonly running: number;
  readonly waiting: number;
  readonly concurrency: number;
}

export type Task<T> = (signal: AbortSignal) => T | PromiseLike<T>;
