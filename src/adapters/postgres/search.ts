/**
 * Transactions by what they are, a page at a time. However many there are, a page looks at so many rows at most, and
 * says how far back it came (`searchedTo`): a filter that fits nothing must not read the whole ledger.
 */
import { isFinal, STATES, type State } from '../../core/states.ts';
import type { TransactionFilter, TransactionItem, TransactionPage } from '../../engine/ports-lists.ts';
import { LIST_SQL } from './list-files.ts';
import { type ItemRow, itemView } from './list-views.ts';
import type { ReadPool } from './read-pool.ts';
import { utcOrNull } from './read-views.ts';
import { type Cursor, cursorOf, cursorText } from './search-cursor.ts';

/** Rows with an outcome that one page looks at: some tens of ms. */
const LOOKED_AT_MAX = 5_000;
/** Of each partition at least so many, however many partitions there are. */
const LOOKED_AT_MIN = 50;
/**
 * The first look goes so many times as far back as the page is long: where most rows fit it is enough. When it is not,
 * the second look, with all that may be looked at, goes on behind it.
 */
const FIRST_LOOK = 3;
/** A search for a time narrows each partition to one of so many parts at once … */
const PARTS_MAX = 4;
/** … and asks for about so many rows in all: some ms. */
const ASKED_MAX = 1_000;
/** Numbers are below 2^53. */
const BEYOND_ALL = Number.MAX_SAFE_INTEGER;

interface Found {
  readonly items: readonly TransactionItem[];
  /** Where this part goes on; null: it has no more. */
  readonly next: Cursor | null;
  readonly searchedTo: string | null;
}

export class Search {
  readonly #pool: ReadPool;
  readonly #topic: string;

  constructor(pool: ReadPool, topic: string) {
    this.#pool = pool;
    this.#topic = topic;
  }

  async page(filter: TransactionFilter): Promise<TransactionPage> {
    const items: TransactionItem[] = [];
    let cursor = filter.cursor === null ? firstPart(filter) : cursorOf(filter.cursor);
    let searchedTo: string | null = null;
    while (cursor !== null && items.length < filter.limit && searchedTo === null) {
      const found = await this.#part(cursor, { ...filter, limit: filter.limit - items.length });
      items.push(...found.items);
      searchedTo = found.searchedTo;
      cursor = found.next ?? nextPart(cursor, filter);
    }
    return { items, cursor: cursor === null ? null : cursorText(cursor), searchedTo };
  }

  async #part(cursor: Cursor, filter: TransactionFilter): Promise<Found> {
    switch (cursor.part) {
      case 'holding':
        return await this.#holding(cursor, filter);
      case 'parked':
        return await this.#parked(cursor, filter);
      case 'finals':
        return await this.#finals(cursor.below ?? (await this.#ends(filter.toMs)), filter);
      case 'finals-of':
        return await this.#finalsOf(cursor.after, filter);
    }
  }

  async #holding({ atMs, id }: Cursor & { part: 'holding' }, filter: TransactionFilter): Promise<Found> {
    const { location, type, code, fromMs, toMs, limit } = filter;
    const states = wanted(filter, (state) => !isFinal(state) && state !== 'received');
    const from = atMs === BEYOND_ALL ? [null, null] : [atMs, id];
    const values = [this.#topic, states, location, type, code, fromMs, toMs, ...from, limit];
    const rows = await this.#pool.one<ItemRow[]>(LIST_SQL.holding, values);
    const items = rows.map(itemView);
    const last = items.at(-1);
    const next: Cursor | null =
      items.length < limit || last === undefined
        ? null
        : { part: 'holding', atMs: Date.parse(last.changedAt), id: last.id };
    return { items, next, searchedTo: null };
  }

  async #parked({ after }: Cursor & { part: 'parked' }, filter: TransactionFilter): Promise<Found> {
    const { location, type, code, fromMs, toMs, limit } = filter;
    if (code !== null) return { items: [], next: null, searchedTo: null }; // one that never began has none
    const place = [after?.partition ?? null, after?.location ?? null, after?.offset ?? null];
    const values = [this.#topic, location, type, fromMs, toMs, ...place, limit];
    const items = (await this.#pool.one<ItemRow[]>(LIST_SQL.parked, values)).map(itemView);
    const last = items.at(-1);
    if (items.length < limit || last === undefined) return { items, next: null, searchedTo: null };
    const { partition, offset } = last;
    return {
      items,
      next: { part: 'parked', after: { partition, location: last.location, offset } },
      searchedTo: null,
    };
  }

  async #finals(below: Readonly<Record<string, number>>, filter: TransactionFilter): Promise<Found> {
    const partitions = Object.keys(below).length;
    if (partitions === 0) return { items: [], next: null, searchedTo: null };
    const first = await this.#look(below, Math.ceil((FIRST_LOOK * filter.limit) / partitions), filter);
    const missing = filter.limit - first.items.length;
    if (missing === 0 || first.next?.part !== 'finals' || first.next.below === null) return first;
    const each = Math.max(LOOKED_AT_MIN, Math.ceil(LOOKED_AT_MAX / partitions));
    const second = await this.#look(first.next.below, each, { ...filter, limit: missing });
    return { ...second, items: [...first.items, ...second.items] };
  }

  /** The newest `each` of each partition below a number. */
  async #look(
    below: Readonly<Record<string, number>>,
    each: number,
    filter: TransactionFilter,
  ): Promise<Found> {
    const { type, code, fromMs, limit } = filter;
    const values = [
      this.#topic,
      Object.keys(below).map(Number),
      Object.values(below),
      each,
      finalsWanted(filter),
      type,
      code,
      fromMs,
      limit,
    ];
    const found = await this.#pool.one<{
      readonly items: readonly ItemRow[];
      readonly below: Readonly<Record<string, number>>;
      readonly more: boolean;
      readonly to: string | null;
    }>(LIST_SQL.finals, values);
    return {
      items: found.items.map(itemView),
      next: found.more ? { part: 'finals', below: found.below } : null,
      searchedTo: found.more ? utcOrNull(found.to) : null,
    };
  }

  async #finalsOf(
    after: { readonly atMs: number; readonly id: string } | null,
    filter: TransactionFilter,
  ): Promise<Found> {
    const { location, type, code, fromMs, toMs, limit } = filter;
    // Beyond every id of that millisecond: `toMs` itself is asked for.
    const from = after ?? (toMs === null ? null : { atMs: toMs, id: '~~' });
    const values = [
      this.#topic,
      location,
      finalsWanted(filter),
      type,
      code,
      fromMs,
      from?.atMs ?? null,
      from?.id ?? null,
      LOOKED_AT_MAX,
      limit,
    ];
    const found = await this.#pool.one<{
      readonly items: readonly ItemRow[];
      readonly last: { readonly atMs: number; readonly id: string } | null;
      readonly to: string | null;
    }>(LIST_SQL.finalsOf, values);
    return {
      items: found.items.map(itemView),
      next: found.last === null ? null : { part: 'finals-of', after: found.last },
      searchedTo: found.last === null ? null : utcOrNull(found.to),
    };
  }

  /** For each partition the number that a search back from a time begins below. */
  async #ends(toMs: number | null): Promise<Record<string, number>> {
    const partitions = await this.#pool.one<{ partition: number; lastNumber: number }[]>(
      LIST_SQL.lastNumbers,
      [this.#topic],
    );
    const ends = new Map(partitions.map(({ partition, lastNumber }) => [partition, lastNumber + 1]));
    return Object.fromEntries(toMs === null ? ends : await this.#narrowed(ends, toMs));
  }

  /**
   * The least number of each partition whose outcome is later than the time: numbers grow with it. Each question narrows
   * it to one part of many, so that for millions a few questions are enough.
   */
  async #narrowed(ends: ReadonlyMap<number, number>, toMs: number): Promise<Map<number, number>> {
    const low = new Map([...ends].map(([partition]) => [partition, 1]));
    const high = new Map(ends);
    const parts = Math.min(PARTS_MAX, Math.max(2, Math.floor(ASKED_MAX / ends.size)));
    for (;;) {
      const asked = [...low].flatMap(([partition, from]) =>
        between(from, high.get(partition) ?? 0, parts).map((number) => ({ partition, number })),
      );
      if (asked.length === 0) return high;
      const times = await this.#pool.one<{ partition: number; atMs: number | null }[]>(LIST_SQL.numberAt, [
        this.#topic,
        asked.map(({ partition }) => partition),
        asked.map(({ number }) => number),
      ]);
      // In the order asked: of each partition from below.
      for (const [index, { partition, atMs }] of times.entries()) {
        const number = asked[index]?.number ?? 0;
        if (atMs === null || atMs > toMs)
          high.set(partition, Math.min(high.get(partition) ?? number, number));
        else low.set(partition, number + 1);
      }
    }
  }
}

/** Numbers that cut what lies from `from` to below `below` into `parts` at most; none when it is empty. */
function between(from: number, below: number, parts: number): number[] {
  const numbers = new Set<number>();
  if (from < below)
    for (let part = 1; part < parts; part += 1)
      numbers.add(from + Math.floor(((below - from) * part) / parts));
  return [...numbers];
}

function wanted({ states }: TransactionFilter, is: (state: State) => boolean): State[] {
  return (states.length === 0 ? STATES : states).filter(is);
}

/** Null: any of them. */
function finalsWanted(filter: TransactionFilter): State[] | null {
  const states = wanted(filter, isFinal);
  return states.length === 2 ? null : states;
}

const holdingPart = (): Cursor => ({ part: 'holding', atMs: BEYOND_ALL, id: '' });
const parkedPart = (): Cursor => ({ part: 'parked', after: null });
const finalsPart = ({ location }: TransactionFilter): Cursor =>
  location === null ? { part: 'finals', below: null } : { part: 'finals-of', after: null };

function firstPart(filter: TransactionFilter): Cursor | null {
  if (wanted(filter, (state) => !isFinal(state) && state !== 'received').length > 0) return holdingPart();
  return afterHolding(filter);
}

function afterHolding(filter: TransactionFilter): Cursor | null {
  if (wanted(filter, (state) => state === 'received').length > 0) return parkedPart();
  return afterParked(filter);
}

function afterParked(filter: TransactionFilter): Cursor | null {
  return wanted(filter, isFinal).length > 0 ? finalsPart(filter) : null;
}

function nextPart({ part }: Cursor, filter: TransactionFilter): Cursor | null {
  if (part === 'holding') return afterHolding(filter);
  return part === 'parked' ? afterParked(filter) : null;
}
