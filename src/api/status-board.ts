/**
 * The fleet's status for many readers, and the last known one while the ledger is away.
 * B1 One query at a time, at most one each FRESH_MS, whoever asks.
 * B2 An answer that is not from now says so: `reachable` false, with the time of the last good one inside it.
 */
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { World } from '../engine/ports.ts';
import type { FleetStatus, ReadModel } from '../engine/ports-read.ts';

/** Contract 14 allows 2 s; a page that refreshes each second should see its own second. */
const FRESH_MS = 250;
/** A query that takes longer counts as a ledger that is away; the answer must come before a reader gives up. */
const PATIENCE_MS = 2_000;

export interface Board {
  /** As of `fleet.asOf`; null when the ledger never answered. */
  readonly fleet: FleetStatus | null;
  readonly reachable: boolean;
  /** Since when the ledger is away, Unix time in ms; null while it is reachable. */
  readonly awaySinceMs: number | null;
  readonly problem: SignalboxError | null;
}

export class StatusBoard {
  readonly #read: Pick<ReadModel, 'status'>;
  readonly #world: World;
  #board: Board = { fleet: null, reachable: false, awaySinceMs: null, problem: null };
  #readAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(read: Pick<ReadModel, 'status'>, world: World) {
    this.#read = read;
    this.#world = world;
  }

  async now(): Promise<Board> {
    if (this.#world.monotonic() - this.#readAt < FRESH_MS) return this.#board;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    await this.#withPatience(this.#asking);
    return this.#board;
  }

  async #ask(): Promise<void> {
    try {
      const fleet = await this.#read.status();
      this.#board = { fleet, reachable: true, awaySinceMs: null, problem: null };
    } catch (error) {
      this.#away(error instanceof SignalboxError ? error : new SignalboxError('SB-2001', String(error)));
    }
    this.#readAt = this.#world.monotonic();
  }

  #away(problem: SignalboxError): void {
    const { fleet, awaySinceMs } = this.#board;
    this.#board = { fleet, reachable: false, awaySinceMs: awaySinceMs ?? this.#world.now(), problem };
  }

  async #withPatience(asking: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#world.after(PATIENCE_MS, () => {
      this.#away(new SignalboxError('SB-2001', `no answer for ${PATIENCE_MS / 1000} s`));
      late.resolve();
    });
    await Promise.race([asking, late.promise]);
    timer.cancel();
  }
}
