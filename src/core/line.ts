/**
 * A FIFO line: a few words when it is short, O(1) at both ends when it is deep.
 * LN1 Items leave in the order they came; `prepend` puts one back before all others.
 */
import { assert } from './errors/catalogue.ts';

/** A line is compacted when more than this many places at its front are empty, and more than half of it. */
const EMPTY_FRONT_MAX = 64;

export class Line<T extends object> {
  /** Places before `#front` are empty. */
  #items: (T | undefined)[] = [];
  #front = 0;

  get length(): number {
    return this.#items.length - this.#front;
  }

  get head(): T | null {
    return this.#items[this.#front] ?? null;
  }

  append(item: T): void {
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
    assert(item !== undefined, 'nothing waits in the line');
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

  /** Takes this item out of the line; false when it is not in it. Searched natively: thousands may leave a deep line. */
  withdraw(item: T): boolean {
    const place = this.#items.indexOf(item, this.#front);
    if (place === -1) return false;
    this.#takeOut(place);
    return true;
  }

  /** Takes the first item for which `wanted` holds out of the line. */
  remove(wanted: (item: T) => boolean): T | null {
    const place = this.#items.findIndex((item) => item !== undefined && wanted(item));
    const item = this.#items[place];
    if (item === undefined) return null;
    this.#takeOut(place);
    return item;
  }

  /** The head of a deep line leaves it as cheaply as by `shift`. */
  #takeOut(place: number): void {
    if (place === this.#front) this.shift();
    else this.#items.splice(place, 1);
  }
}
