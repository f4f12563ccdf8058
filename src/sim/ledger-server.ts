/**
 * The server of the simulated ledger: statements take time, and hold the rows of their partitions while they last. What
 * a statement does it does at its end, at one instant; nobody could see it before.
 *
 * LS1 A take-over or raise waits for a commit under way in its partition, and a commit for a take-over.
 * LS2 A commit that begins or ends in a slot is waited for by others that want it, of whatever partition.
 * LS3 What was under way when the server was lost has no effect, and its answer is lost.
 */
import { type Commit, LedgerError } from '../engine/ports-ledger.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import { RowLocks } from './row-locks.ts';
import type { VirtualWorld } from './world.ts';

export interface Statement<T> {
  /** Rows of partitions that it locks, `topic/partition`, in order. */
  readonly places: readonly string[];
  /** What else it keeps others from while it lasts: the slots that its commit begins or ends in. */
  readonly slots?: () => readonly string[];
  /** How long it lasts after it has its locks. */
  readonly ms: number;
  /** Of a transaction of several statements: whether its client sends the last of them. */
  readonly client?: () => 'ready' | 'stopped' | 'gone';
  readonly apply: () => T;
  readonly answered: (answer: Answered<T>) => void;
}

export type Answered<T> = { readonly value: T } | { readonly error: unknown };

const LOCK_TIMEOUT = { error: new LedgerError('refused', 'canceling statement due to lock timeout') };
const SERVER_GONE = { error: new LedgerError('lost', 'the server is gone') };
/** idle_in_transaction_session_timeout (sql/session.sql). */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** How often the server looks whether a client that stands still goes on. */
const LOOK_MS = 500;

export class SimLedgerServer {
  readonly store: SimLedgerStore;
  readonly #virtual: VirtualWorld;
  #locks: RowLocks;

  constructor(virtual: VirtualWorld, store: SimLedgerStore) {
    this.#virtual = virtual;
    this.store = store;
    this.#locks = new RowLocks(virtual);
  }

  /** The server is gone with all that it was doing; another stands in its place. */
  replaced(): void {
    this.#locks = new RowLocks(this.#virtual);
  }

  get locks(): RowLocks {
    return this.#locks;
  }

  run<T>({ places, slots, ms, client, apply, answered }: Statement<T>): void {
    const locks = this.#locks;
    // What lasts no time is seen by nobody while it lasts, unless somebody else does.
    const alone = ms === 0 && client === undefined && locks.free;
    const end = (release: () => void, effect: () => T): void => {
      const answer = locks === this.#locks ? outcomeOf(effect) : SERVER_GONE;
      release();
      answered(answer);
    };
    locks.take({
      places: alone || slots === undefined ? places : [...places, ...slots()],
      refused: () => answered(locks === this.#locks ? LOCK_TIMEOUT : SERVER_GONE),
      granted: (release) => {
        if (client !== undefined)
          this.#await(client, ms, (ready) => end(release, ready ? apply : rolledBack));
        else if (ms > 0) this.#virtual.after(ms, () => end(release, apply));
        else end(release, apply);
      },
    });
  }

  /** Who is gone closes its connection at once; who stands still is thrown out after a while. */
  #await(client: () => 'ready' | 'stopped' | 'gone', ms: number, then: (ready: boolean) => void): void {
    let idleMs = 0;
    const look = (): void => {
      const state = client();
      if (state === 'stopped' && idleMs < IDLE_IN_TRANSACTION_MS) {
        idleMs += LOOK_MS;
        this.#virtual.after(LOOK_MS, look);
      } else then(state === 'ready');
    };
    this.#virtual.after(ms, look);
  }
}

/** The keys of the index of holders that a commit inserts or removes: who wants one of them at that moment waits. */
export function slotsOf({ rows }: SimLedgerStore, { entries }: Commit): string[] {
  const slots = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'park' || entry.kind === 'dead-letter') continue;
    const { location, slot } = entry.kind === 'change' ? (rows.get(entry.id) ?? NOWHERE) : entry;
    if (slot > 0) slots.add(`slot ${location}/${slot}`);
  }
  return [...slots].sort();
}

const NOWHERE = { location: '', slot: 0 } as const;

function outcomeOf<T>(effect: () => T): Answered<T> {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

function rolledBack(): never {
  throw new LedgerError('refused', 'the transaction was rolled back: its client was not heard of');
}
