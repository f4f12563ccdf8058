/**
 * Locks of the simulated ledger, on rows of partitions and keys of the index of holders: who commits, raises or takes over
 * holds them to the end of its statement or transaction, and the others wait in line.
 *
 * RL1 A row has one holder; who waits gets it in the order of waiting.
 * RL2 Several rows are taken in one order by everybody, so nobody waits in a circle.
 * RL3 Who has waited for longer than the lock time-out gets nothing, and lets go of what it had.
 */
import type { VirtualWorld } from './world.ts';

/** lock_timeout (sql/session.sql). */
const LOCK_TIMEOUT_MS = 2_000;

export interface LockRequest {
  /** Names of rows and keys, in an order that all keep to. */
  readonly places: readonly string[];
  /** All are held; call `release` once. */
  readonly granted: (release: () => void) => void;
  readonly refused: () => void;
}

export class RowLocks {
  readonly #virtual: VirtualWorld;
  /** Of each row that is held: who waits for it. */
  readonly #lines = new Map<string, (() => void)[]>();

  constructor(virtual: VirtualWorld) {
    this.#virtual = virtual;
  }

  take({ places, granted, refused }: LockRequest): void {
    this.#takeNext(places, 0, { granted, refused });
  }

  /** Nobody holds anything. */
  get free(): boolean {
    return this.#lines.size === 0;
  }

  /** How many wait for the row. */
  waiting(place: string): number {
    return this.#lines.get(place)?.length ?? 0;
  }

  #takeNext(places: readonly string[], have: number, then: Omit<LockRequest, 'places'>): void {
    const held = places.slice(0, have);
    const next = places[have];
    if (next === undefined) {
      then.granted(() => this.#release(held));
      return;
    }
    const line = this.#lines.get(next);
    if (line === undefined) {
      this.#lines.set(next, []);
      this.#takeNext(places, have + 1, then);
      return;
    }
    const turn = (): void => {
      timeout.cancel();
      this.#takeNext(places, have + 1, then);
    };
    const timeout = this.#virtual.after(LOCK_TIMEOUT_MS, () => {
      const place = line.indexOf(turn);
      if (place === -1) return;
      line.splice(place, 1);
      this.#release(held);
      then.refused();
    });
    line.push(turn);
  }

  #release(places: readonly string[]): void {
    for (const place of places) {
      const line = this.#lines.get(place);
      const next = line?.shift();
      if (next === undefined) this.#lines.delete(place);
      else next();
    }
  }
}
