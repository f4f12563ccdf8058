/**
 * What the journal says about the two promises a site can see: one effect at a time at a location, one effect a
 * key. Made from the journal's lines alone, so that it would also see an error of the site itself.
 * C1 an effect is under way from its `started` line to the `ended` or `reversed` line of its key.
 */
import type { JournalLine } from './journal.ts';

export interface SiteCounters {
  /** Requests that reached the site, those lost on their way included. */
  readonly calls: number;
  /** Effects that happened: steps done. */
  readonly effects: number;
  readonly refused: number;
  /** Effects undone. Tombstones are not among them. */
  readonly reversed: number;
  /** Effects that began while the location had as many under way as its concurrency. */
  readonly overlaps: number;
  /**
   * By location, for who knows better how many it may have: how many effects began as the second at once there, the
   * third, and so on. Locations without any are left out.
   */
  readonly crowded: Readonly<Record<string, readonly number[]>>;
  /** Keys effected more than once. */
  readonly doubled: number;
  /** Effects and reversals under way now. */
  readonly open: number;
  /** Requests refused for an old token. */
  readonly fenced: number;
  /** Answers that did not reach the caller as they were meant: lost, garbage, error. */
  readonly spoiled: number;
  /** Dispensed minus given back, in minor units. */
  readonly paid: number;
}

export class Counters {
  readonly #concurrencyOf: (location: string) => number;
  /** Keys under way, by location. */
  readonly #underWay = new Map<string, Set<string>>();
  /** By location, place n: effects that began while n + 1 were under way. */
  readonly #crowded = new Map<string, number[]>();
  /** Times a key was effected. Grows with the journal, as the register does. */
  readonly #effected = new Map<string, number>();
  readonly #paidByKey = new Map<string, number>();
  #calls = 0;
  #effects = 0;
  #refused = 0;
  #reversed = 0;
  #overlaps = 0;
  #doubled = 0;
  #open = 0;
  #fenced = 0;
  #spoiled = 0;
  #paid = 0;

  constructor(concurrencyOf: (location: string) => number) {
    this.#concurrencyOf = concurrencyOf;
  }

  add(line: JournalLine): void {
    switch (line.event) {
      case 'call':
        this.#calls += 1;
        break;
      case 'fenced':
        this.#fenced += 1;
        break;
      case 'started':
        this.#started(line);
        break;
      case 'ended':
        if (line.outcome === 'refused') this.#refused += 1;
        else this.#ended(line);
        break;
      case 'reversed':
        this.#undone(line);
        break;
      case 'answer':
        if (line.outcome === 'lost' || line.outcome === 'garbage' || line.outcome === 'error')
          this.#spoiled += 1;
        break;
    }
  }

  snapshot(): SiteCounters {
    return {
      calls: this.#calls,
      effects: this.#effects,
      refused: this.#refused,
      reversed: this.#reversed,
      overlaps: this.#overlaps,
      crowded: Object.fromEntries(this.#crowded),
      doubled: this.#doubled,
      open: this.#open,
      fenced: this.#fenced,
      spoiled: this.#spoiled,
      paid: this.#paid,
    };
  }

  #started({ location, key, kind }: JournalLine): void {
    let keys = this.#underWay.get(location);
    if (keys === undefined) {
      keys = new Set();
      this.#underWay.set(location, keys);
    }
    if (keys.size >= this.#concurrencyOf(location)) this.#overlaps += 1;
    if (keys.size > 0) this.#crowd(location, keys.size);
    if (!keys.has(key)) this.#open += 1;
    keys.add(key);
    if (kind !== 'execute') return;
    const times = (this.#effected.get(key) ?? 0) + 1;
    this.#effected.set(key, times);
    if (times === 2) this.#doubled += 1;
  }

  #crowd(location: string, beside: number): void {
    const begun = this.#crowded.get(location) ?? [];
    while (begun.length < beside) begun.push(0);
    begun[beside - 1] = (begun[beside - 1] ?? 0) + 1;
    this.#crowded.set(location, begun);
  }

  #ended(line: JournalLine): void {
    this.#effects += 1;
    this.#leave(line);
    const paid = moneyOf(line.evidence?.notes);
    if (paid === 0) return;
    this.#paid += paid;
    this.#paidByKey.set(line.key, paid);
  }

  /** A tombstone and the reversal of a refusal were never under way. */
  #undone(line: JournalLine): void {
    if (!this.#leave(line)) return;
    this.#reversed += 1;
    this.#paid -= this.#paidByKey.get(line.key) ?? 0;
  }

  #leave({ location, key }: JournalLine): boolean {
    const keys = this.#underWay.get(location);
    if (keys === undefined || !keys.delete(key)) return false;
    this.#open -= 1;
    if (keys.size === 0) this.#underWay.delete(location);
    return true;
  }
}

/** Value of `{ "5000": 2, … }` in minor units; 0 for anything that is not notes. */
function moneyOf(notes: unknown): number {
  if (typeof notes !== 'object' || notes === null) return 0;
  let value = 0;
  for (const [denomination, count] of Object.entries(notes)) {
    if (typeof count === 'number') value += Number(denomination) * count;
  }
  return value;
}
