/**
 * The faults in force at the site: rates of behaviours, and what was done to single locations. Changed at run
 * time by `POST /site/faults`; a change is applied whole or not at all.
 */
import { type Behaviours, QUIET, withBehaviours } from './behaviours.ts';

/** Stands for every location in the lists of a change. */
const EVERY = '*';

/** Rates and ranges of `Behaviours` by name, besides these lists of locations ("*" for every one). */
export interface FaultChange extends Partial<Behaviours> {
  /** Effects there start but do not end until released. */
  readonly jam?: readonly string[];
  readonly release?: readonly string[];
  /** Requests for these locations are lost on their way until reachable again. */
  readonly unreachable?: readonly string[];
  readonly reachable?: readonly string[];
  /** The next call there is carried out, its answer lost. */
  readonly loseNext?: readonly string[];
}

export interface FaultsView extends Behaviours {
  readonly jammed: readonly string[];
  readonly unreachable: readonly string[];
  readonly loseNext: readonly string[];
}

export class Faults {
  #behaviours: Behaviours;
  readonly #jammed = new Set<string>();
  readonly #unreachable = new Set<string>();
  readonly #loseNext = new Set<string>();

  constructor(behaviours: Partial<Behaviours> = {}) {
    this.#behaviours = withBehaviours(QUIET, { ...behaviours });
  }

  get behaviours(): Behaviours {
    return this.#behaviours;
  }

  /** Throws TypeError for what it does not know. */
  apply(change: Readonly<Record<string, unknown>>): void {
    const { jam, release, unreachable, reachable, loseNext, ...rates } = change;
    const lists = { jam, release, unreachable, reachable, loseNext };
    for (const [name, list] of Object.entries(lists)) {
      if (list !== undefined && !isTexts(list)) throw new TypeError(`${name}: a list of locations`);
    }
    this.#behaviours = withBehaviours(this.#behaviours, rates);
    add(this.#jammed, jam);
    remove(this.#jammed, release);
    add(this.#unreachable, unreachable);
    remove(this.#unreachable, reachable);
    add(this.#loseNext, loseNext);
  }

  view(): FaultsView {
    return {
      ...this.#behaviours,
      jammed: [...this.#jammed],
      unreachable: [...this.#unreachable],
      loseNext: [...this.#loseNext],
    };
  }

  isJammed(location: string): boolean {
    return holds(this.#jammed, location);
  }

  isUnreachable(location: string): boolean {
    return holds(this.#unreachable, location);
  }

  /** True once for each `loseNext` of the location. */
  takeLoseNext(location: string): boolean {
    return this.#loseNext.delete(location) || this.#loseNext.delete(EVERY);
  }
}

function holds(set: ReadonlySet<string>, location: string): boolean {
  return set.size > 0 && (set.has(location) || set.has(EVERY));
}

function add(set: Set<string>, locations: unknown): void {
  for (const location of (locations as readonly string[] | undefined) ?? []) set.add(location);
}

function remove(set: Set<string>, locations: unknown): void {
  for (const location of (locations as readonly string[] | undefined) ?? []) {
    if (location === EVERY) set.clear();
    else set.delete(location);
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}
