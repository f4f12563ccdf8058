/**
 * Watermark of one partition: which records are accounted, and up to where the ledger and the group may commit.
 * Owns no clock and no I/O; one per (partition, epoch).
 *
 * W1 `open` takes strictly growing offsets (holes are normal: aborted transactions, transaction markers).
 * W2 `ready` never passes an open offset, and never shrinks.
 * W3 `ready` passes the last record only with `advance`: offsets are never counted, the log says what follows.
 * W4 A ticket is closed once.
 */
import { assert } from './errors/catalogue.ts';

/**
 * Most records from the lowest open one on. One that stays open while the others go on makes the span grow at
 * the speed of the partition, so its owner pauses the fetch well below this (9 MiB of memory at the bound).
 */
export const SPAN_MAX = 1_048_576;

/** Offsets from the first up to, and without, the second. */
export type Run = readonly [from: number, upTo: number];

/** A partition that keeps up has a few hundred records between fetch and begin. */
const SPAN_FIRST = 256;

export class Watermark {
  /** Ring over tickets: ticket t has place t modulo the length, which is a power of two. */
  #offsets = new Float64Array(SPAN_FIRST);
  #done = new Uint8Array(SPAN_FIRST);
  /** Ticket of the lowest open offset; the next ticket when none is open. */
  #lowest = 0;
  #next = 0;
  #open = 0;
  #position: number | null;
  #lastOffset = -1;

  /** @param position next offset to fetch; null when nothing was ever fetched from the partition. */
  constructor(position: number | null) {
    assert(position === null || isOffset(position), `position ${position} is no offset`);
    this.#position = position;
  }

  /** Notes a record that was accepted. Gives back its ticket, to be closed when the record is accounted. */
  open(offset: number): number {
    this.#assertNext(offset);
    if (this.span === this.#offsets.length) this.#grow();
    const ticket = this.#next++;
    const place = ticket & (this.#offsets.length - 1);
    this.#offsets[place] = offset;
    this.#done[place] = 0;
    this.#open++;
    this.#lastOffset = offset;
    this.#position = offset;
    return ticket;
  }

  /** The record of the ticket is accounted: begun, dropped as a duplicate, or dead-lettered, in the ledger. */
  close(ticket: number): void {
    const mask = this.#offsets.length - 1;
    const known = Number.isInteger(ticket) && ticket >= this.#lowest && ticket < this.#next;
    if (!known || this.#done[ticket & mask] !== 0) assert(false, `ticket ${ticket} is not open`);
    this.#done[ticket & mask] = 1;
    this.#open--;
    while (this.#lowest < this.#next && this.#done[this.#lowest & mask] === 1) this.#lowest++;
  }

  /** A record that is accounted when it is noted: as `open` and `close`. Takes no place while none before it is open. */
  pass(offset: number): void {
    if (this.#lowest !== this.#next) {
      this.close(this.open(offset));
      return;
    }
    this.#assertNext(offset);
    this.#lastOffset = offset;
    this.#position = offset;
  }

  /** The log's position after a batch: past the last record of it and the holes behind. */
  advance(position: number): void {
    const from = this.#position ?? 0;
    assert(isOffset(position) && position >= from, `position ${position} before ${from}`);
    assert(position > this.#lastOffset, `position ${position} is not past record ${this.#lastOffset}`);
    this.#position = position;
  }

  /** Lowest open offset, else the position: everything below is accounted. Null until there is a position. */
  get ready(): number | null {
    if (this.#lowest === this.#next) return this.#position;
    return this.#offsets[this.#lowest & (this.#offsets.length - 1)] ?? null;
  }

  /** Where the partition goes on: past all that was noted, once `advance` has said so. Null: nothing was ever fetched. */
  get position(): number | null {
    return this.#position;
  }

  /** What is closed above the lowest open offset, ascending: runs of offsets that follow each other, from and up to. */
  *closedRuns(): IterableIterator<Run> {
    const mask = this.#offsets.length - 1;
    let from = -1;
    let upTo = -1;
    for (let ticket = this.#lowest; ticket < this.#next; ticket++) {
      if (this.#done[ticket & mask] !== 1) continue;
      const offset = this.#offsets[ticket & mask] ?? 0;
      if (offset !== upTo) {
        if (from >= 0) yield [from, upTo];
        from = offset;
      }
      upTo = offset + 1;
    }
    if (from >= 0) yield [from, upTo];
  }

  /** Records opened and not closed. */
  get openCount(): number {
    return this.#open;
  }

  /** Records from the lowest open one on, closed ones included. `open` asserts that it stays within SPAN_MAX. */
  get span(): number {
    return this.#next - this.#lowest;
  }

  /** W1. The words are put together only when it fails: they cost more than the question. */
  #assertNext(offset: number): void {
    if (!isOffset(offset) || offset <= this.#lastOffset)
      assert(false, `offset ${offset} after ${this.#lastOffset}`);
    if (this.#position !== null && offset < this.#position)
      assert(false, `offset ${offset} below ${this.#position}`);
  }

  #grow(): void {
    const length = this.#offsets.length * 2;
    assert(length <= SPAN_MAX, `more than ${SPAN_MAX} records wait for one that is not accounted`);
    const offsets = new Float64Array(length);
    const done = new Uint8Array(length);
    const mask = this.#offsets.length - 1;
    for (let ticket = this.#lowest; ticket < this.#next; ticket++) {
      offsets[ticket & (length - 1)] = this.#offsets[ticket & mask] ?? 0;
      done[ticket & (length - 1)] = this.#done[ticket & mask] ?? 0;
    }
    this.#offsets = offsets;
    this.#done = done;
  }
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
