/**
 * Lanes: keyed concurrency with no I/O at all. Each key has a lane: a line of waiting items and numbered slots.
 * Owns no clock, calls nobody back; the caller starts what `take` returns and says what became of it.
 *
 * Life of an item: waiting ─take─> beginning ─began─> holding ─release─> gone
 *                     ^────putBack────┘ └──skip──> gone       └─takeInto─> the next one is beginning in its slot
 *
 * The head of a line may be parked: `park` hands items to the caller, who keeps them elsewhere and brings them back
 * with `unpark`, in the same order, a page at a time.
 *
 * L1 At most one item of a lane is beginning, and items begin in the order they were pushed.
 * L2 An item is taken into the lowest free slot (or, with `takeInto`, into the slot its holder leaves) that is
 *    not above the concurrency, and only while no slot above the concurrency is in use.
 * L3 An item is in one place: in the line, or handed to the caller. None is lost, none is handed out twice
 *    unless it was put back.
 * L4 A lane without waiting or parked items and without a slot in use is not in the map. A lane that was dropped
 *    must not be used again; `get` or `push` gives the new one.
 * L5 `size`, `waiting`, `parked` and `holding` are the sums over all lanes.
 * L6 Parked items begin before anything in the line: what is parked of a lane is always a prefix of its items.
 */
import { assert } from './errors/catalogue.ts';
import { type Lane, LaneState } from './lane.ts';

export type { Lane } from './lane.ts';

/** Highest slot number: the lowest free slot is found by looking, which would show above this. */
const SLOT_MAX = 10_000;

/** Longest line of a lane: as many as a watermark can keep open, so back-pressure failed long before. */
const LINE_MAX = 1_048_576;

export class Lanes<T extends object> {
  readonly #concurrencyOf: (key: string) => number;
  readonly #lanes = new Map<string, LaneState<T>>();
  #waiting = 0;
  #parked = 0;
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

  /** Items waiting in the lines of all lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Items parked in all lanes, pages included. */
  get parked(): number {
    return this.#parked;
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
    if (lane.waiting >= LINE_MAX) assert(false, `the line of ${key} is longer than ${LINE_MAX}`);
    lane.line.append(item);
    this.#waiting++;
    return lane;
  }

  /** Takes an item that waits out of the line; false when it does not wait there (any more). */
  withdraw(lane: Lane<T>, item: T): boolean {
    const own = this.#own(lane);
    if (!own.line.withdraw(item)) return false;
    this.#waiting--;
    this.#dropIdle(own);
    return true;
  }

  /**
   * Marks a slot as held by something that was found, not taken (a holder of the ledger at take-over). The slot
   * may lie above the concurrency. It must be free.
   */
  occupy(key: string, slot: number): Lane<T> {
    if (!Number.isInteger(slot) || slot < 1 || slot > SLOT_MAX)
      assert(false, `slot ${slot} of ${key} is no slot`);
    const lane = this.#open(key);
    if (lane.uses(slot)) assert(false, `slot ${slot} of ${key} is occupied twice`);
    this.#use(lane, slot);
    return lane;
  }

  /** Notes items that are parked already (found at a take-over). */
  foundParked(key: string, count: number): Lane<T> {
    assert(Number.isInteger(count) && count > 0, `${count} items parked in ${key}`);
    const lane = this.#open(key);
    this.#addParked(lane, count);
    return lane;
  }

  /** Whether the line may be parked now: an item taken from it could still be put back to its head. */
  mayPark(lane: Lane<T>): boolean {
    const own = this.#own(lane);
    return own.waiting > 0 && (own.beginning === null || own.beginningParked);
  }

  /** Parks up to `max` items from the head of the line, behind those that are parked already. */
  park(lane: Lane<T>, max: number): T[] {
    const own = this.#own(lane);
    assert(this.mayPark(own), `an item of the line of ${lane.key} is beginning`);
    const items: T[] = [];
    while (items.length < max && own.waiting > 0) items.push(own.line.shift());
    this.#waiting -= items.length;
    this.#addParked(own, items.length);
    return items;
  }

  /** Parked items come back, in their order, to be taken before anything in the line. */
  unpark(lane: Lane<T>, items: readonly T[]): void {
    const own = this.#own(lane);
    assert(own.paged + items.length <= own.parked, `more items come back to ${lane.key} than were parked`);
    for (const item of items) own.page.append(item);
  }

  /** `count` parked items that were not brought back are gone (duplicates, dead letters, cancelled). */
  dropParked(lane: Lane<T>, count: number): void {
    const own = this.#own(lane);
    assert(own.parked - own.paged >= count, `fewer than ${count} items are parked in ${lane.key}`);
    this.#addParked(own, -count);
    this.#dropIdle(own);
  }

  /** One of the items brought back is gone; false when `wanted` finds none among them. */
  dropPaged(lane: Lane<T>, wanted: (item: T) => boolean): boolean {
    const own = this.#own(lane);
    if (own.page.remove(wanted) === null) return false;
    this.#addParked(own, -1);
    this.#dropIdle(own);
    return true;
  }

  /**
   * Takes the next item for the lowest free slot; it is beginning until `began`, `putBack` or `skip`.
   * Null, and nothing changes, when nothing waits, another item of the lane is beginning, no slot within the
   * concurrency is free, or a slot above it is in use.
   */
  take(lane: Lane<T>): { readonly slot: number; readonly item: T } | null {
    const own = this.#own(lane);
    const slot = this.#slotToTake(own);
    if (slot === null) return null;
    this.#use(own, slot);
    return { slot, item: this.#begin(own, slot) };
  }

  /** Whether `take` would give an item. */
  mayTake(lane: Lane<T>): boolean {
    return this.#slotToTake(this.#own(lane)) !== null;
  }

  /**
   * The holder of `slot` ends and the next item takes its slot over, for a begin in the same commit as the
   * finish. Null, and nothing changes, under the conditions of `take`, or when the slot lies above the
   * concurrency: the holder then still has the slot, and `release` ends it.
   */
  takeInto(lane: Lane<T>, slot: number): T | null {
    const own = this.#own(lane);
    this.#assertHolds(own, slot);
    if (own.head === null || own.beginning !== null) return null;
    if (own.highestUsed > this.#concurrency(own)) return null;
    return this.#begin(own, slot);
  }

  /** The item taken is durable: it holds the slot, and the next item of the lane may be taken. */
  began(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    own.endBeginning();
    own.moves++;
  }

  /**
   * The item taken did not begin (busy, paused): it goes back to the head of the line and the slot is free. The
   * slot is also free after `takeInto`, because the holder's finish was committed beside the begin. Where it
   * was not (`changed`), the holder still has the slot: call `occupy` right after this.
   */
  putBack(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    const { beginningItem: item, beginningParked } = own;
    assert(item !== null, `no item begins in ${lane.key}`);
    own.endBeginning();
    if (beginningParked) {
      own.page.prepend(item);
      this.#addParked(own, 1);
    } else {
      own.line.prepend(item);
      this.#waiting++;
    }
    this.#free(own, slot);
  }

  /** The item taken is accounted without holding (duplicate, dead letter, expired): the slot is free. */
  skip(lane: Lane<T>, slot: number): void {
    const own = this.#own(lane);
    this.#assertBegins(own, slot);
    own.endBeginning();
    own.moves++;
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
    const made = new LaneState<T>(key, this);
    this.#lanes.set(key, made);
    return made;
  }

  /** L4, without a look into the map: the hot path asks several times an item. */
  #own(lane: Lane<T>): LaneState<T> {
    const own = lane as LaneState<T>;
    if (own.owner !== this) assert(false, `lane ${lane.key} was dropped`);
    return own;
  }

  /** L1, L2. */
  #slotToTake(lane: LaneState<T>): number | null {
    if (lane.head === null || lane.beginning !== null) return null;
    const concurrency = this.#concurrency(lane);
    if (lane.highestUsed > concurrency) return null;
    const slot = lane.lowestFree();
    return slot > concurrency ? null : slot;
  }

  #concurrency(lane: LaneState<T>): number {
    const slots = this.#concurrencyOf(lane.key);
    if (!Number.isInteger(slots) || slots < 0 || slots > SLOT_MAX)
      assert(false, `concurrency of ${lane.key} is ${slots}`);
    return slots;
  }

  #begin(lane: LaneState<T>, slot: number): T {
    const parked = lane.paged > 0;
    const item = (parked ? lane.page : lane.line).shift();
    if (parked) this.#addParked(lane, -1);
    else this.#waiting--;
    lane.begin(slot, item, parked);
    return item;
  }

  #addParked(lane: LaneState<T>, count: number): void {
    lane.parked += count;
    this.#parked += count;
  }

  #use(lane: LaneState<T>, slot: number): void {
    lane.use(slot);
    this.#holding++;
  }

  #free(lane: LaneState<T>, slot: number): void {
    lane.free(slot);
    this.#holding--;
    this.#dropIdle(lane);
  }

  #dropIdle(lane: LaneState<T>): void {
    if (lane.waiting === 0 && lane.parked === 0 && lane.holding === 0) this.#drop(lane);
  }

  #drop(lane: LaneState<T>): void {
    this.#lanes.delete(lane.key);
    lane.owner = null;
  }

  // The words of these two cost more than the question, so they are put together only when it fails.
  #assertBegins(lane: LaneState<T>, slot: number): void {
    if (lane.beginning !== slot) assert(false, `nothing begins in slot ${slot} of ${lane.key}`);
  }

  #assertHolds(lane: LaneState<T>, slot: number): void {
    if (!lane.uses(slot) || lane.beginning === slot)
      assert(false, `nothing holds slot ${slot} of ${lane.key}`);
  }
}
