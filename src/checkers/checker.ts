/** What a checker is: one promise of the design, judged from the evidence of a run and nothing else. */
import type { Evidence } from './evidence.ts';

/** Most violations told one by one: a broken run breaks a promise thousands of times. */
const VIOLATIONS_MAX = 100;

export interface Verdict {
  /** How many facts were judged. None is a failure: a check that ran on nothing proves nothing (L7). */
  readonly checked: number;
  /** One sentence each, with the location, ids, offsets and times a person needs to look further. */
  readonly violations: readonly string[];
}

export interface Checker {
  /** Number of the promise in the design: `S1`. */
  readonly name: string;
  readonly promise: string;
  check(evidence: Evidence): Verdict;
}

/** Collects the verdict of one check. */
export class Findings {
  #checked = 0;
  #broken = 0;
  readonly #violations: string[] = [];

  /** Judges one fact. `what` is asked only when it does not hold. */
  expect(fact: boolean, what: () => string): void {
    this.#checked++;
    if (fact) return;
    this.#broken++;
    if (this.#violations.length < VIOLATIONS_MAX) this.#violations.push(what());
  }

  verdict(): Verdict {
    const more = this.#broken - this.#violations.length;
    const violations = more === 0 ? this.#violations : [...this.#violations, `and ${more} more`];
    return { checked: this.#checked, violations };
  }
}

/** A time as people read it; `never` for null. */
export function shownTime(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}
