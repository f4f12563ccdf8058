/**
 * The limits of locations as a worker applies them: what operators set, over what is configured.
 * LM1 A limit of the very location comes before one by pattern, the pattern with more literal characters before
 *     another, any of them before the configuration.
 * LM2 A location is paused while its own limit or any pattern that fits says so.
 * The ledger checks the limit of the very location again in the commit that begins.
 */
import { isPattern, literalsOf, matches } from '../core/pattern.ts';
import type { LocationLimit } from './ports-ledger.ts';

export class Limits {
  readonly #configured: (location: string) => number;
  readonly #exact = new Map<string, LocationLimit>();
  #patterns: LocationLimit[] = [];

  constructor(configured: (location: string) => number) {
    this.#configured = configured;
  }

  /** Takes over limits that changed. Whether anything is different now. */
  apply(limits: readonly LocationLimit[]): boolean {
    let changed = false;
    for (const limit of limits) {
      const before = this.#set(limit);
      changed ||= before?.concurrency !== limit.concurrency || before.paused !== limit.paused;
    }
    return changed;
  }

  #set(limit: LocationLimit): LocationLimit | undefined {
    const { location, concurrency, paused } = limit;
    const none = concurrency === null && !paused;
    if (!isPattern(location)) {
      const before = this.#exact.get(location);
      if (none) this.#exact.delete(location);
      else this.#exact.set(location, limit);
      return before ?? { location, concurrency: null, paused: false };
    }
    const before = this.#patterns.find((known) => known.location === location);
    const others = this.#patterns.filter((known) => known.location !== location);
    this.#patterns = (none ? others : [...others, limit]).sort(
      (a, b) => literalsOf(b.location) - literalsOf(a.location) || (a.location < b.location ? -1 : 1),
    );
    return before ?? { location, concurrency: null, paused: false };
  }

  /** Slots that may be in use now: 0 while the location is paused. */
  slotsOf(location: string): number {
    const exact = this.#exact.size === 0 ? undefined : this.#exact.get(location);
    if (exact?.paused === true || this.#pausedByPattern(location)) return 0;
    return exact?.concurrency ?? this.concurrencyWithoutRow(location);
  }

  /** Slots of the location where the ledger has no row for it. */
  concurrencyWithoutRow(location: string): number {
    for (const { location: pattern, concurrency } of this.#patterns) {
      if (concurrency !== null && matches(pattern, location)) return concurrency;
    }
    return this.#configured(location);
  }

  #pausedByPattern(location: string): boolean {
    return this.#patterns.some(({ location: pattern, paused }) => paused && matches(pattern, location));
  }
}
