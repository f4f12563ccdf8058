/**
 * A list of people's acts over several shards, the newest first, a page at a time by one number.
 *
 * Each shard numbers its rows in order of their time. A row's number in the whole list is `own * shards + shard`, so that
 * it names both; the list itself is in order of time. Where a page goes on in another shard is found by halving.
 */

export interface Act {
  readonly sequence: number;
}

export interface NewestFirstOptions<Row extends Act> {
  readonly shards: number;
  /** Rows of one shard by its own numbers, the newest first, below the one given (null: the newest). */
  readonly page: (shard: number, below: number | null, limit: number) => Promise<readonly Row[]>;
  /** The same, whatever the filter: to find where a time falls. */
  readonly any: (shard: number, below: number) => Promise<Row | null>;
  /** RFC 3339. */
  readonly at: (row: Row) => string;
}

export async function newestFirst<Row extends Act>(
  { below, limit }: { readonly below: number | null; readonly limit: number },
  options: NewestFirstOptions<Row>,
): Promise<Row[]> {
  const { shards, page, at } = options;
  const from = await startsBelow(below, options);
  const lists = await Promise.all(
    Array.from({ length: shards }, async (_, shard) => {
      const own = from[shard];
      const rows = own === 0 ? [] : await page(shard, own ?? null, limit);
      return rows.map((row) => ({ row: { ...row, sequence: row.sequence * shards + shard }, shard }));
    }),
  );
  return lists
    .flat()
    .sort((a, b) => byTime(at(b.row), at(a.row)) || b.shard - a.shard || b.row.sequence - a.row.sequence)
    .slice(0, limit)
    .map(({ row }) => row);
}

/** For each shard the own number that its rows are below; null: from its newest. */
async function startsBelow<Row extends Act>(
  below: number | null,
  { shards, any, at }: NewestFirstOptions<Row>,
): Promise<(number | null)[]> {
  if (below === null) return new Array<null>(shards).fill(null);
  const shard = below % shards;
  const own = Math.floor(below / shards);
  const last = await any(shard, own + 1);
  return await Promise.all(
    Array.from({ length: shards }, async (_, other) => {
      if (other === shard) return own;
      if (last === null) return 0;
      // Of the same time those of a lower shard come later in the list.
      const later = (row: Row) => byTime(at(row), at(last)) > (other < shard ? 0 : -1);
      return await firstLater(later, (number) => any(other, number));
    }),
  );
}

/** The least own number whose row is later; numbers grow with time, and some may be missing. */
async function firstLater<Row extends Act>(
  later: (row: Row) => boolean,
  newestBelow: (number: number) => Promise<Row | null>,
): Promise<number> {
  const newest = await newestBelow(Number.MAX_SAFE_INTEGER);
  let low = 1;
  let high = (newest?.sequence ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = await newestBelow(middle + 1);
    if (row !== null && later(row)) high = row.sequence;
    else low = middle + 1;
  }
  return high;
}

function byTime(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
