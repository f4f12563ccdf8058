import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import type { Lists, TransactionFilter, TransactionItem, TransactionPage } from '../../engine/ports-lists.ts';
import { searchShards } from './sharded-search.ts';
import { Shards } from './shards.ts';

const ANY: TransactionFilter = {
  states: [],
  location: null,
  type: null,
  code: null,
  fromMs: null,
  toMs: null,
  limit: 10,
  cursor: null,
};

type Kind = 'held' | 'received' | 'completed';

interface Planned {
  readonly kind: Kind;
  readonly ms: number;
}

const plannedArbitrary = fc.array(
  fc.array(
    fc.record({
      kind: fc.constantFrom<Kind>('held', 'received', 'completed', 'completed'),
      ms: fc.nat(40),
    }),
    { maxLength: 25 },
  ),
  { minLength: 2, maxLength: 3 },
);

function itemOf({ kind, ms }: Planned, shard: number, index: number): TransactionItem {
  const at = new Date(ms * 1_000).toISOString();
  return {
    id: `t-${shard}-${String(index).padStart(3, '0')}`,
    partition: shard,
    offset: index,
    location: 'x',
    slot: null,
    state: kind,
    type: 'pay',
    step: 'apply',
    attempts: 1,
    token: null,
    code: null,
    detail: null,
    reason: null,
    payload: null,
    recordAt: at,
    parkedAt: null,
    beganAt: at,
    changedAt: at,
    finishedAt: kind === 'completed' ? at : null,
    deadline: null,
    nextAttemptAt: null,
  };
}

const RANK = { held: 0, received: 1, completed: 2 };

function inOrder(a: TransactionItem, b: TransactionItem): number {
  const rank = RANK[a.state as Kind] - RANK[b.state as Kind];
  if (rank !== 0) return rank;
  if (a.state === 'received') return a.partition - b.partition || a.offset - b.offset;
  const text = (x: string, y: string) => (x < y ? 1 : x > y ? -1 : 0);
  return text(a.changedAt, b.changedAt) || text(a.id, b.id);
}

/** One shard as the ledger searches it: among outcomes it looks at so many a page, and says how far it came. */
class Shard implements Pick<Lists, 'transactions'> {
  readonly items: readonly TransactionItem[];
  readonly #looks: number;
  asked = 0;

  constructor(items: readonly TransactionItem[], looks: number) {
    this.items = items.toSorted(inOrder);
    this.#looks = looks;
  }

  async transactions({ cursor, limit }: TransactionFilter): Promise<TransactionPage> {
    this.asked += 1;
    const from = cursor === null ? 0 : Number(cursor);
    const items: TransactionItem[] = [];
    let looked = 0;
    let at = from;
    for (; at < this.items.length && items.length < limit; at += 1) {
      const item = this.items[at];
      if (item === undefined) break;
      if (item.finishedAt !== null) {
        if (looked === this.#looks) break;
        looked += 1;
        if (item.offset % 3 === 1) continue; // looked at, does not fit
      }
      items.push(item);
    }
    if (at >= this.items.length) return { items, cursor: null, searchedTo: null };
    const searchedTo = items.length < limit ? (this.items[at - 1]?.finishedAt ?? null) : null;
    return { items, cursor: `${at}`, searchedTo };
  }
}

function fits({ finishedAt, offset }: TransactionItem): boolean {
  return finishedAt === null || offset % 3 !== 1;
}

function over(doors: readonly Shard[]): Shards<Shard> {
  return new Shards({ doors, topicPartitions: async () => 8 });
}

test('pages of several shards are one list in order, each transaction once', async () => {
  await fc.assert(
    fc.asyncProperty(
      plannedArbitrary,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 6 }),
      async (planned, limit, looks) => {
        const all = planned.map((items, shard) => items.map((item, index) => itemOf(item, shard, index)));
        const shards = over(all.map((items) => new Shard(items, looks)));
        const listed: TransactionItem[] = [];
        for (let cursor: string | null = null, pages = 0; ; pages += 1) {
          assert.ok(pages < 200, 'it comes to an end');
          const page: TransactionPage = await searchShards({ ...ANY, limit, cursor }, shards);
          assert.ok(page.items.length <= limit);
          listed.push(...page.items);
          cursor = page.cursor;
          if (cursor === null) break;
          assert.ok(page.items.length === limit || page.searchedTo !== null, 'a short page says how far');
        }
        const wanted = all.flat().filter(fits);
        assert.deepEqual(
          listed.map(({ id }) => id).sort(),
          wanted.map(({ id }) => id).sort(),
          'each transaction once',
        );
        const keys = listed.map((item) => [RANK[item.state as Kind], item.finishedAt]);
        const ordered = listed.toSorted(inOrder).map((item) => [RANK[item.state as Kind], item.finishedAt]);
        assert.deepEqual(keys, ordered, 'in order');
      },
    ),
    { numRuns: 400 },
  );
});

test('a search for one location asks its shard alone', async () => {
  const doors = [new Shard([], 5), new Shard([], 5)];
  const shards = over(doors);
  const whereIs = await shards.whereIs();
  const location = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].find((each) => whereIs?.(each) === 1);
  assert(location !== undefined);
  const page = await searchShards({ ...ANY, location }, shards);
  assert.deepEqual(page, { items: [], cursor: null, searchedTo: null });
  assert.deepEqual(
    doors.map(({ asked }) => asked),
    [0, 1],
  );
});

test('a cursor of another search is refused', async () => {
  const shards = over([new Shard([], 5), new Shard([], 5)]);
  for (const value of ['x', '[]', '["",1]', '{}']) {
    const cursor = Buffer.from(value).toString('base64url');
    await assert.rejects(searchShards({ ...ANY, cursor }, shards), (error: SignalboxError) => {
      return error.code === 'SB-6002';
    });
  }
});
