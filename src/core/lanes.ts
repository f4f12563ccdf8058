/**
 * Lanes: keyed concurrency with no I/O at all. Each key has a lane: a line of waiting items and numbered slots.
 * Owns no clock, calls nobody back; the caller starts what `take` returns and says what became of it.
 *
 * Life of an item: waiting ─take─> beginning ─began─> holding ─release─> gone
 *                     ^────putBack────┘ └──skip──> gone       └─takeInto─> the next one is beginning in its slot
 *
 * L1 At most one item of a lane is beginning, and items begin in the order they were pushed.
 * L2 An item is taken into the lowest free slot (or, with `takeInto`, into the slot its holder leaves) that is
 *    not above the concurrency, and only while no slot above the concurrency is in use.
 * L3 An item is in one place: in the line, or handed to the caller. None is lost, none is handed out twice
 *    unless it was put back.
 * L4 A lane without waiting items and without a slot in use is not in the map. A lane that was dropped must not
 *    be used again; `get` or `push` gives the new one.
 * L5 `size`, `waiting` and `holding` are the sums over all lanes.
 */
import { assert } from './errors/catalogue.ts';

/** Highest slot number: the lowest free slot is found by looking, which would show above this. */
const SLOT_MAX = 10_000;

/** Longest line of a lane: as many as a watermark can keep open, so back-pressure failed long before. */
const LINE_MAX = 1_048_576;

/** A line is compacted when more than this many places at its front are empty, and more than half of it. */
const EMPTY_FRONT_MAX = 64;

/** One lane as the caller sees it. Given back by reference; do not keep it after the lane became idle (L4). */
export interface Lane<T extends object> {
  readonly key: string;
  /** Items in the line. */
  readonly waiting: number;
  /** Slots in use, the one that is beginning included. */
  readonly holding: number;
  /** Slot of the item that was taken and has not begun yet; null when there is none. */
  readonly beginning: number | null;
  /** The item that would be taken next; null when none waits. */
  readonly head: T | null;
}

export class Lanes<T extends object> {
  readonly #concurrencyOf: (key: string) => number;
  readonly #lanes = new Map<string, LaneState<T>>();
  #waiting = 0;
  #holding = 0;

  /**
   * @param options.concurrencyOf slots of a key, 0 to 10,000 (0: nothing is taken). Asked at each take, so it
   *   may be lowered while more slots are in use: nothing is taken until those above it are free.
   */
  constructor(options: { readonly concurrencyOf: (key: string) => number }) {
    this.#concurrencyOf = options.concurrencyOf;
  }

  /** Lanes in the map. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Items waiting in all lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Slots in use in all lanes. */
  get holding(): number {
    return this.#holding;
  }

  get(key: string): Lane<T> | undefined {
    return this.#lanes.get(key);
  }

  /** All lanes, in order of their first sight. Lanes may be dropped and made while this is walked. */
  values(): IterableIterator<Lane<T>> {
    return this.#lanes.values();
  }

  /** Appends to the line of `key`. */
  push(key: string, item: T): Lane<T> {
    const lane = this.#open(key);
    lane.append(item);
    this.#waiting++;
    return lane;
  }

  /**
   * Marks a slot as held by something that was found, not taken (a holder of the ledger at take-over). The slot
   * may lie above the concurrency. It must be free.
   */
  occupy(key: string, slot: number): Lane<T> {
    assert(Number.isInteger(slot) && slot >= 1 && slot <= SLOT_MAX, `slot ${slot} of ${key} is no slot`);
    const lane = this.#open(key);
    assert(!lane.uses(slot), `slot ${slot} of ${key} is occupied twice`);
    this.#use(lane, slot);
    return lane;
  }

  /**
   * Takes the next item for the lowest free slot; it is beginning until `began`, `putBack` or `skip`.
   * Null, and nothing changes, when nothing waits, another item of the lane is beginning, no slot within the
   * concurrency is free, or a slot above it is in use.
   */
  take(lane: Lane<T>): { readonly slot: number; readonly item: T } | null {
    const own = this.#own(lane);
    if (own.waiting === 0 || own.beginning !== null) return null;
    const concurrency = this.#concurrency(own);
    if (own.highestUsed > concurrency) return null;
    const slot = own.lowestFree();
    if (slot > concurrency) return null;
    this.#use(own, slot);
    return { slot, item: this.#begin(own, slot) };
  }

  /**
   * The holder of `slot` ends and the next item takes its slot over, for a begin in the same commit as the
   * finish. Null, and nothing changes, under the conditions of `take`, or when the slot lies above the
   * concurrency: the holder then still has the slot, and `release` ends it.
   */
  takeInto(lane: Lane<T>, slot: number): T | null {
    const own = this.#own(lane);
    this.#assertHolds(own, slot);
    if (own.waiting === 0 || own.beginning !== null) return null;
    if (own.highestUsed > this.#concurrency(own)) return null;
    return this.#begin(own, slot);
  }

  /** The item taken is durable: it holds the slot, and the next item of the lane may be taken. */
  began(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    own.beginning = null;
  }

  /**
   * The item taken did not begin (busy, paused): it goes back to the head of the line and the slot is free. The
   * slot is also free after `takeInto`, because the holder's finish was committed beside the begin. Where it
   * was not (`changed`), the holder still has the slot: call `occupy` right after this.
   */
  putBack(lane: Lane<T>, slot: number, item: T): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    own.beginning = null;
    own.prepend(item);
    this.#waiting++;
    this.#free(own, slot);
  }

  /** The item taken is accounted without holding (duplicate, dead letter, expired): the slot is free. */
  skip(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    own.beginning = null;
    this.#free(own, slot);
  }

  /** The holder ended and nothing follows it in its slot. */
  release(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertHolds(own, slot);
    this.#free(own, slot);
  }

  #open(key: string): LaneState<T> {
    const found = this.#lanes.get(key);
    if (found !== undefined) return found;
    const made = new LaneState<T>(key);
    this.#lanes.set(key, made);
    return made;
  }

  #own(lane: Lane<T>): LaneState<T> {
    const own = this.#lanes.get(lane.key);
    assert(own === lane, `lane ${lane.key} was dropped`);
    return own;
  }

  #concurrency(lane: LaneState<T>): number {
    const slots = this.#concurrencyOf(lane.key);
    assert(
      Number.isInteger(slots) && slots >= 0 && slots <= SLOT_MAX,
      `concurrency of ${lane.key} is ${slots}`,
    );
    return slots;
  }

  #begin(lane: LaneState<T>, slot: number): T {
    const item = lane.shift();
    this.#waiting--;
    lane.beginning = slot;
    return item;
  }

  #use(lane: LaneState<T>, slot: number): void {
    lane.use(slot);
    this.#holding++;
  }

  #free(lane: LaneState<T>, slot: number): void {
    lane.free(slot);
    this.#holding--;
    if (lane.waiting === 0 && lane.holding === 0) this.#lanes.delete(lane.key);
  }

  #assertBegins(lane: LaneState<T>, slot: number): void {
    assert(lane.beginning === slot, `nothing begins in slot ${slot} of ${lane.key}`);
  }

  #assertHolds(lane: LaneState<T>, slot: number): void {
    assert(lane.uses(slot) && lane.beginning !== slot, `nothing holds slot ${slot} of ${lane.key}`);
  }
}

/** Line and slots of one lane: a few words when it is short, O(1) at both ends when it is deep. */
class LaneState<T extends object> implements Lane<T> {
  readonly key: string;
  beginning: number | null = null;
  /** The line: places before `#front` are empty. */
  #items: (T | undefined)[] = [];
  #front = 0;
  /** Slot n is in use when place n - 1 is true. The last place is always true. */
  readonly #used: boolean[] = [];
  #holding = 0;

  constructor(key: string) {
    this.key = key;
  }

  get waiting(): number {
    return this.#items.length - this.#front;
  }

  get holding(): number {
    return this.#holding;
  }

  get head(): T | null {
    return this.#items[this.#front] ?? null;
  }

  /** 0 when no slot is in use. */
  get highestUsed(): number {
    return this.#used.length;
  }

  append(item: T): void {
    assert(this.waiting < LINE_MAX, `the line of ${this.key} is longer than ${LINE_MAX}`);
    this.#items.push(item);
  }

  /** To the head of the line: into the place it was taken from, unless the line was compacted meanwhile. */
  prepend(item: T): void {
    if (this.#front > 0) {
      this.#front--;
      this.#items[this.#front] = item;
    } else {
      this.#items.unshift(item);
    }
  }

  shift(): T {
    const item = this.#items[this.#front];
    assert(item !== undefined, `nothing waits in lane ${this.key}`);
    this.#items[this.#front] = undefined;
    this.#front++;
    if (this.#front === this.#items.length) {
      // A deep line leaves a large array behind: an idle lane should not keep it.
      if (this.#front > EMPTY_FRONT_MAX) this.#items = [];
      else this.#items.length = 0;
      this.#front = 0;
    } else if (this.#front > EMPTY_FRONT_MAX && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
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
