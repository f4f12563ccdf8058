/**
 * Who waits on which signal, with one listener a signal however many wait: adding and removing a listener of one's own
 * costs a walk over all of that signal.
 */
interface Watched<T> {
  readonly waiting: Set<T>;
  readonly listener: () => void;
}

export class SignalWatch<T> {
  readonly #signals = new Map<AbortSignal, Watched<T>>();
  readonly #onAbort: (item: T, reason: unknown) => void;

  /** `onAbort` is told of each that still waits, in the order they were added. */
  constructor(onAbort: (item: T, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, item: T): void {
    const known = this.#signals.get(signal);
    if (known !== undefined) {
      known.waiting.add(item);
      return;
    }
    const waiting = new Set([item]);
    const listener = () => {
      this.#signals.delete(signal);
      for (const each of waiting) this.#onAbort(each, signal.reason);
    };
    this.#signals.set(signal, { waiting, listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  delete(signal: AbortSignal, item: T): void {
    const known = this.#signals.get(signal);
    if (known === undefined) return;
    known.waiting.delete(item);
    if (known.waiting.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', known.listener);
  }
}
