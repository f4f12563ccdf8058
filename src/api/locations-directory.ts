/**
 * All locations that are known, with what is open at them, for lists and the diagram of lines.
 * D1 What is open is at most a second old. Names of quiet locations are read again every half minute, in pieces, and
 *    new ones with something open are known at once.
 * D2 Bounded: beyond NAMES_MAX names only the first in byte order are known; `sampled` says so.
 */
import { partitionOf } from '../core/murmur2.ts';
import type { World } from '../engine/ports.ts';
import type { Lists, OpenLocation } from '../engine/ports-lists.ts';
import { Fresh } from './fresh.ts';

const OPEN_FRESH_MS = 900;
const NAMES_FRESH_MS = 30_000;
const NAMES_MAX = 200_000;
const NAMES_PAGE = 5_000;

export interface KnownLocations {
  /** In byte order. */
  readonly names: readonly string[];
  readonly open: ReadonlyMap<string, OpenLocation>;
  readonly sampled: boolean;
}

export class LocationsDirectory {
  readonly #lists: Pick<Lists, 'openLocations' | 'locationNames'>;
  readonly #open: Fresh<ReadonlyMap<string, OpenLocation>>;
  readonly #quiet: Fresh<readonly string[]>;
  #partitions = 0;
  readonly #partitionOf = new Map<string, number>();

  constructor(lists: Pick<Lists, 'openLocations' | 'locationNames'>, world: World) {
    this.#lists = lists;
    this.#open = new Fresh(() => this.#readOpen(), world, OPEN_FRESH_MS);
    this.#quiet = new Fresh(() => this.#readNames(), world, NAMES_FRESH_MS);
  }

  /** The worst first. */
  async open(): Promise<ReadonlyMap<string, OpenLocation>> {
    return await this.#open.get();
  }

  async known(): Promise<KnownLocations> {
    const [open, quiet] = await Promise.all([this.#open.get(), this.#quiet.get()]);
    const known = new Set(quiet);
    const added = [...open.keys()].filter((location) => !known.has(location));
    const names = added.length === 0 ? quiet : [...quiet, ...added].sort(byBytes);
    return { names, open, sampled: quiet.length >= NAMES_MAX };
  }

  /** The partition its key falls in; hashed once a name. */
  partitionOf(location: string, partitions: number): number {
    if (partitions !== this.#partitions || this.#partitionOf.size > 2 * NAMES_MAX) {
      this.#partitions = partitions;
      this.#partitionOf.clear();
    }
    let partition = this.#partitionOf.get(location);
    if (partition === undefined) {
      partition = partitionOf(location, partitions);
      this.#partitionOf.set(location, partition);
    }
    return partition;
  }

  async #readOpen(): Promise<ReadonlyMap<string, OpenLocation>> {
    return new Map((await this.#lists.openLocations()).map((each) => [each.location, each]));
  }

  async #readNames(): Promise<readonly string[]> {
    const names: string[] = [];
    for (;;) {
      const page = await this.#lists.locationNames(names.at(-1) ?? null, NAMES_PAGE);
      names.push(...page);
      if (page.length < NAMES_PAGE || names.length >= NAMES_MAX) return names;
    }
  }
}

/** Names are ASCII, so the order of code units is that of bytes. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
