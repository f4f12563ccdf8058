/**
 * Tally of the duplicates of one partition: each is added to the ledger's counter exactly once, through crashes
 * and lost answers, because it is counted by the commit whose watermark passes it. After a crash the records
 * above the ledger's watermark are fetched again, and only those.
 *
 * T1 An offset is noted before its record is closed in the watermark, so never below a watermark that landed.
 * T2 `passed` of the same watermark is the same until `confirm`, so a commit that is sent again carries the
 *    same number.
 */
import { assert } from './errors/catalogue.ts';
import { SPAN_MAX } from './watermark.ts';

export class Tally {
  /** Ascending. Duplicates are found nearly in record order, so an insertion is nearly always at the end. */
  readonly #offsets: number[] = [];
  #confirmed = 0;

  /** Notes a duplicate found at `offset`. */
  add(offset: number): void {
    assert(
      offset >= this.#confirmed,
      `duplicate at ${offset} noted after watermark ${this.#confirmed} landed`,
    );
    assert(this.#offsets.length < SPAN_MAX, `more than ${SPAN_MAX} duplicates wait for the watermark`);
    const place = this.#countBelow(offset);
    assert(this.#offsets[place] !== offset, `duplicate at ${offset} noted twice`);
    this.#offsets.splice(place, 0, offset);
  }

  /** How many noted offsets lie below `watermark` and are not confirmed: what its commit carries. */
  passed(watermark: number | null): number {
    return watermark === null ? 0 : this.#countBelow(watermark);
  }

  /**
   * The ledger's watermark is known to be `watermark`: its commit landed with what it passed. After a lost answer
   * give the watermark that was read back; one from before the lost commit changes nothing.
   */
  confirm(watermark: number | null): void {
    if (watermark === null || watermark <= this.#confirmed) return;
    this.#confirmed = watermark;
    this.#offsets.splice(0, this.#countBelow(watermark));
  }

  #countBelow(offset: number): number {
    let low = 0;
    let high = this.#offsets.length;
    const last = this.#offsets[high - 1];
    if (last === undefined || last < offset) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
