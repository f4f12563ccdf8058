/**
 * Transactions of several shards as one list: those that hold a slot, those that are parked, those with an outcome.
 *
 * SS1 Each shard gives a page in that order; the pages are merged as far as each of them is known: a shard that looked at
 *     all it may without filling its page hides what lies behind.
 * SS2 A shard whose page was taken in part is asked again for just that part: its cursor is one of its own, and what
 *     changes meanwhile is neither lost nor listed twice.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { isFinal } from '../../core/states.ts';
import type { Lists, TransactionFilter, TransactionItem, TransactionPage } from '../../engine/ports-lists.ts';
import type { Shards } from './shards.ts';

type Searched = Pick<Lists, 'transactions'>;

/** Where each shard goes on: '' from its first page, null at its end. */
type Places = readonly (string | null)[];

interface Part {
  readonly page: TransactionPage;
  /** How many of its items come before what another shard may still hide. */
  taken: number;
}

export async function searchShards(
  filter: TransactionFilter,
  shards: Shards<Searched>,
): Promise<TransactionPage> {
  const whereIs = filter.location === null ? null : await shards.whereIs();
  const alone = filter.location === null ? undefined : whereIs?.(filter.location);
  const places = placesOf(filter.cursor, shards.count).map((place, number) =>
    alone === undefined || number === alone ? place : null,
  );
  const ask = async (number: number, limit: number): Promise<TransactionPage> => {
    const place = places[number] ?? null;
    if (place === null) return { items: [], cursor: null, searchedTo: null };
    const asked = { ...filter, cursor: place === '' ? null : place, limit };
    return await shards.at(number, (shard) => shard.transactions(asked));
  };
  const parts = (await shards.each((_, number) => ask(number, filter.limit))).map(
    (page): Part => ({ page, taken: 0 }),
  );
  const horizon = take(parts, filter.limit);
  const pages = await shards.each(async (_, number) => {
    const { page, taken } = parts[number] ?? {
      page: { items: [], cursor: null, searchedTo: null },
      taken: 0,
    };
    if (taken === page.items.length) return page;
    if (taken > 0) return await ask(number, taken);
    return { items: [], cursor: places[number] ?? null, searchedTo: null };
  });
  const cursors = pages.map(({ cursor }, number) => (places[number] === null ? null : cursor));
  const items = pages.flatMap((page) => page.items).sort(inOrder);
  if (cursors.every((cursor) => cursor === null)) return { items, cursor: null, searchedTo: null };
  return {
    items,
    cursor: cursorText(cursors),
    searchedTo: horizon ?? items.at(-1)?.finishedAt ?? null,
  };
}

/** SS1: marks what is taken of each part. How far back was searched where that ends the page; else null. */
function take(parts: readonly Part[], limit: number): string | null {
  for (let taken = 0; taken < limit; taken += 1) {
    const heads = parts.flatMap((part) => {
      const item = part.page.items[part.taken];
      return item === undefined ? [] : [{ part, item }];
    });
    const [first] = heads.sort((a, b) => inOrder(a.item, b.item));
    const hiding = parts.filter(({ page, taken: own }) => own === page.items.length && page.cursor !== null);
    const [horizon] = hiding
      .map(({ page }) => page.searchedTo ?? '~')
      .sort()
      .reverse();
    if (first === undefined) return horizon ?? null;
    if (horizon !== undefined && !isBefore(first.item, horizon)) return horizon;
    first.part.taken += 1;
  }
  return null;
}

/** Whether it is listed before anything of a shard that was searched back to this time. */
function isBefore(item: TransactionItem, searchedTo: string): boolean {
  return !isFinal(item.state) || (item.finishedAt ?? '') >= searchedTo;
}

// ------------------------------------------------------------------------------------------ order

function inOrder(a: TransactionItem, b: TransactionItem): number {
  return (
    rankOf(a) - rankOf(b) ||
    (a.state === 'received'
      ? a.partition - b.partition || byText(a.location, b.location) || a.offset - b.offset
      : byText(timeOf(b), timeOf(a)) || byText(b.id, a.id))
  );
}

function rankOf({ state }: TransactionItem): number {
  if (state === 'received') return 1;
  return isFinal(state) ? 2 : 0;
}

function timeOf({ finishedAt, changedAt }: TransactionItem): string {
  return finishedAt ?? changedAt;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// ------------------------------------------------------------------------------------------ cursor

function cursorText(places: Places): string {
  return Buffer.from(JSON.stringify(places)).toString('base64url');
}

/** Throws SB-6002 for a text that is not a cursor of this search. */
function placesOf(text: string | null, shards: number): Places {
  if (text === null) return new Array<string>(shards).fill('');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    value = null;
  }
  const isPlace = (each: unknown): each is string | null => each === null || typeof each === 'string';
  if (Array.isArray(value) && value.length === shards && value.every(isPlace)) return value;
  throw new SignalboxError('SB-6002', 'cursor: not one that this search gave');
}
