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
      const before = isPattern(limit.location) ? this.#setPattern(limit) : this.#setExact(limit);
      const { concurrency = null, paused = false } = before ?? {};
      changed ||= concurrency !== limit.concurrency || paused !== limit.paused;
    }
    return changed;
  }

  /** The one before. */
  #setExact(limit: LocationLimit): LocationLimit | undefined {
    const before = this.#exact.get(limit.location);
    if (isNone(limit)) this.#exact.delete(limit.location);
    else this.#exact.set(limit.location, limit);
    return before;
  }

  #setPattern(limit: LocationLimit): LocationLimit | undefined {
    const before = this.#patterns.find(({ location }) => location === limit.location);
    const others = this.#patterns.filter((known) => known !== before);
    this.#patterns = (isNone(limit) ? others : [...others, limit]).sort(
      (a, b) => literalsOf(b.location) - literalsOf(a.location) || (a.location < b.location ? -1 : 1),
    );
    return before;
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
    for (const { location: pattern, paused } of this.#patterns)
      if (paused && matches(pattern, location)) return true;
    return false;
  }
}

/** Taken back. */
function isNone({ concurrency, paused }: LocationLimit): boolean {
  return concurrency === null && !paused;
}
