/** One lane: as the caller of `Lanes` sees it, and as `Lanes` keeps it. */
import { Line } from './line.ts';

/** One lane as the caller sees it. Given back by reference; do not keep it after the lane became idle (L4). */
export interface Lane<T extends object> {
  readonly key: string;
  /** Items in the line. */
  readonly waiting: number;
  /** Items that are parked, those of the page included. */
  readonly parked: number;
  /** Parked items that were brought back and wait to be taken. */
  readonly paged: number;
  /** Slots in use, the one that is beginning included. */
  readonly holding: number;
  /** Slot of the item that was taken and has not begun yet; null when there is none. */
  readonly beginning: number | null;
  /** That item. */
  readonly beginningItem: T | null;
  /** The item that would be taken next; null when none waits, or when parked ones have to be brought back first. */
  readonly head: T | null;
  /** The first item of the line, behind all that is parked. */
  readonly lineHead: T | null;
  /** Items that began or were skipped so far: a lane whose number stands still does not move. */
  readonly moves: number;
}

/** Lines and slots of one lane. Most lanes live for one item and are never parked: what they rarely need is made late. */
export class LaneState<T extends object> implements Lane<T> {
  readonly key: string;
  /** The lanes it is one of; null once it was dropped. */
  owner: object | null;
  readonly line = new Line<T>();
  #page: Line<T> | null = null;
  parked = 0;
  moves = 0;
  beginning: number | null = null;
  beginningItem: T | null = null;
  beginningParked = false;
  /** Slot n is in use when place n - 1 is true. The last place is always true. */
  readonly #used: boolean[] = [];
  #holding = 0;

  constructor(key: string, owner: object) {
    this.key = key;
    this.owner = owner;
  }

  /** Parked items that were brought back: the first of all that are parked. */
  get page(): Line<T> {
    this.#page ??= new Line<T>();
    return this.#page;
  }

  get waiting(): number {
    return this.line.length;
  }

  get paged(): number {
    return this.#page?.length ?? 0;
  }

  get holding(): number {
    return this.#holding;
  }

  get head(): T | null {
    return this.parked > 0 ? this.page.head : this.line.head;
  }

  get lineHead(): T | null {
    return this.line.head;
  }

  /** 0 when no slot is in use. */
  get highestUsed(): number {
    return this.#used.length;
  }

  begin(slot: number, item: T, parked: boolean): void {
    this.beginning = slot;
    this.beginningItem = item;
    this.beginningParked = parked;
  }

  endBeginning(): void {
    this.beginning = null;
    this.beginningItem = null;
  }

  uses(slot: number): boolean {
    return this.#used[slot - 1] === true;
  }

  lowestFree(): number {
    const place = this.#used.indexOf(false);
    return place === -1 ? this.#used.length + 1 : place + 1;
  }

  use(slot: number): void {
    while (this.#used.length < slot) this.#used.push(false);
    this.#used[slot - 1] = true;
    this.#holding++;
  }

  free(slot: number): void {
    this.#used[slot - 1] = false;
    while (this.#used.at(-1) === false) this.#used.pop();
    this.#holding--;
  }
}
