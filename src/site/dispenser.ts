/**
 * The cash dispensers of the site: each location has a cassette for each denomination, which runs down and is
 * filled up by a service team some time after it could not pay.
 * D1 a cassette never holds less than nothing; what `reserve` took is dispensed, or given back by `restore`.
 * D2 amounts are integers in minor units.
 */
import type { JsonObject } from '../core/answer.ts';

export interface DispenserOptions {
  /** Denominations in minor units, largest first. */
  readonly denominations: readonly number[];
  /** Notes in a full cassette. */
  readonly notesPerCassette: number;
  /** The team fills up a location this long after a withdrawal was refused for want of notes, in ms. */
  readonly refillMs: number;
}

export const DISPENSER: DispenserOptions = {
  denominations: [5_000, 2_000, 1_000, 500],
  notesPerCassette: 2_000,
  refillMs: 60_000,
};

/** The shutter of a real dispenser passes so many notes at once. It bounds the search for notes, too. */
const NOTES_PER_WITHDRAWAL_MAX = 100;

/** Count of notes by denomination. */
export type Notes = Readonly<Record<string, number>>;

export type Reservation = { readonly notes: Notes } | { readonly refused: string };

interface Cassettes {
  /** Notes left, by position of the denomination. */
  left: number[];
  refillAtMs: number | null;
}

export class Dispenser {
  readonly #options: DispenserOptions;
  readonly #locations = new Map<string, Cassettes>();

  constructor(options: DispenserOptions = DISPENSER) {
    this.#options = options;
  }

  /** Takes the notes for `data` = `{ amount, currency }` out of the cassettes of the location, or says why not. */
  reserve(location: string, data: JsonObject, nowMs: number): Reservation {
    const { amount, currency } = data;
    if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount <= 0) {
      return { refused: 'amount is not a positive integer in minor units' };
    }
    if (typeof currency !== 'string' || currency === '') return { refused: 'no currency' };
    const cassettes = this.#cassettes(`${location} ${currency}`, nowMs);
    const { denominations } = this.#options;
    const counts = payWith(amount, denominations, cassettes.left);
    if (counts === null) return { refused: this.#whyNot(amount, cassettes, nowMs) };
    cassettes.left = cassettes.left.map((left, i) => left - (counts[i] ?? 0));
    const notes = denominations.map((denomination, i) => [String(denomination), counts[i] ?? 0] as const);
    return { notes: Object.fromEntries(notes.filter(([, count]) => count > 0)) };
  }

  /** Puts the notes of a withdrawal that was undone back. */
  restore(location: string, currency: string, notes: Notes, nowMs: number): void {
    const cassettes = this.#cassettes(`${location} ${currency}`, nowMs);
    const { denominations } = this.#options;
    cassettes.left = cassettes.left.map((left, i) => left + (notes[String(denominations[i])] ?? 0));
  }

  #cassettes(place: string, nowMs: number): Cassettes {
    const full = () => this.#options.denominations.map(() => this.#options.notesPerCassette);
    const known = this.#locations.get(place);
    if (known === undefined) {
      const made = { left: full(), refillAtMs: null };
      this.#locations.set(place, made);
      return made;
    }
    if (known.refillAtMs !== null && nowMs >= known.refillAtMs) {
      known.left = full();
      known.refillAtMs = null;
    }
    return known;
  }

  #whyNot(amount: number, cassettes: Cassettes, nowMs: number): string {
    const { denominations, notesPerCassette, refillMs } = this.#options;
    const full = denominations.map(() => notesPerCassette);
    if (payWith(amount, denominations, full) === null) return 'the amount cannot be paid in notes';
    cassettes.refillAtMs ??= nowMs + refillMs;
    return 'not enough notes';
  }
}

/** Fewest large notes first, falling back to smaller ones: counts by position, or null when it cannot be paid. */
function payWith(amount: number, denominations: readonly number[], left: readonly number[]): number[] | null {
  const counts: number[] = [];
  const pay = (rest: number, at: number, notes: number): boolean => {
    if (rest === 0) return true;
    const denomination = denominations[at];
    if (denomination === undefined) return false;
    const most = Math.min(Math.floor(rest / denomination), left[at] ?? 0, NOTES_PER_WITHDRAWAL_MAX - notes);
    for (let count = most; count >= 0; count--) {
      // With fewer of these, the smaller ones cannot make up for it within the notes that are left.
      const next = denominations[at + 1] ?? 0;
      if ((NOTES_PER_WITHDRAWAL_MAX - notes - count) * next < rest - count * denomination) break;
      counts[at] = count;
      if (pay(rest - count * denomination, at + 1, notes + count)) return true;
    }
    counts[at] = 0;
    return false;
  };
  return pay(amount, 0, 0) ? counts : null;
}
