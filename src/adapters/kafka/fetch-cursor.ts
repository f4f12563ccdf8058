/** Where the fetch of one partition stands, from one `start` to the next or to its stop. */
import type { World } from '../../engine/ports.ts';
import { AbortedFilter } from './aborted-filter.ts';
import { BackOff } from './waiting.ts';

export class FetchCursor {
  readonly partition: number;
  /** Next offset to ask for; null until the earliest one is known. */
  #position: number | null;
  #filter = new AbortedFilter();
  #paused = false;
  /** Stopped for good with a code: a person decides. */
  #halted = false;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #servedInTurn = 0;
  readonly #world: World;
  readonly #backOff: BackOff;

  constructor(world: World, partition: number, offset: number | null) {
    this.#world = world;
    this.#backOff = new BackOff(world);
    this.partition = partition;
    this.#position = offset;
  }

  get position(): number | null {
    return this.#position;
  }

  /** Lives as long as the position moves on without a jump. */
  get filter(): AbortedFilter {
    return this.#filter;
  }

  /** Number of the turn that last brought records; 0 for none. */
  get servedInTurn(): number {
    return this.#servedInTurn;
  }

  served(turn: number): void {
    this.#servedInTurn = turn;
  }

  /** Ms until it may be fetched; 0 is now, infinity while it is paused or halted. */
  waitMs(): number {
    if (this.#paused || this.#halted) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#retryAtMs - this.#world.monotonic());
  }

  /** By its owner, who may resume it any time. */
  get isPaused(): boolean {
    return this.#paused && !this.#halted;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  halt(): void {
    this.#halted = true;
  }

  moveTo(position: number): void {
    this.#position = position;
    this.#backOff.reset();
  }

  /** Asks again after a wait, from the position reached, with a fresh filter: the broker names everything again. */
  retryLater(): void {
    this.#filter = new AbortedFilter();
    this.#retryAtMs = this.#world.monotonic() + this.#backOff.next();
  }
}
