import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newestFirst } from './newest-first.ts';

interface Row {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
}

const ACTORS = ['ann', 'bob'];

/** Rows of each shard in order of time; numbers may be missing, times may be the same. */
const shardsArbitrary = fc.array(
  fc.array(fc.record({ gap: fc.nat(2), later: fc.nat(3), actor: fc.constantFrom(...ACTORS) }), {
    maxLength: 30,
  }),
  { minLength: 2, maxLength: 4 },
);

function rowsOf(steps: readonly { gap: number; later: number; actor: string }[]): Row[] {
  let [sequence, ms] = [0, 0];
  return steps.map(({ gap, later, actor }) => {
    sequence += 1 + gap;
    ms += later;
    return { sequence, at: new Date(ms).toISOString(), actor };
  });
}

function optionsOf(shards: readonly Row[][], actor: string | null) {
  const page = async (shard: number, below: number | null, limit: number, of: string | null = actor) =>
    (shards[shard] ?? [])
      .filter((row) => (below === null || row.sequence < below) && (of === null || row.actor === of))
      .reverse()
      .slice(0, limit);
  return {
    shards: shards.length,
    page,
    any: async (shard: number, below: number) => {
      const [row] = (shards[shard] ?? []).filter(({ sequence }) => sequence < below).reverse();
      return row ?? null;
    },
    at: ({ at }: Row) => at,
  };
}

test('pages of several shards are one list, the newest first, each row once', async () => {
  await fc.assert(
    fc.asyncProperty(
      shardsArbitrary,
      fc.integer({ min: 1, max: 7 }),
      fc.option(fc.constantFrom(...ACTORS)),
      async (steps, limit, actor) => {
        const shards = steps.map(rowsOf);
        const listed: Row[] = [];
        for (let below: number | null = null; ; ) {
          const page: Row[] = await newestFirst({ below, limit }, optionsOf(shards, actor));
          listed.push(...page);
          if (page.length < limit) break;
          below = page.at(-1)?.sequence ?? null;
        }
        const wanted = shards.flatMap((rows, shard) =>
          rows
            .filter((row) => actor === null || row.actor === actor)
            .map((row) => ({ ...row, sequence: row.sequence * shards.length + shard })),
        );
        const byNumber = (a: Row, b: Row) => a.sequence - b.sequence;
        assert.deepEqual(listed.toSorted(byNumber), wanted.toSorted(byNumber), 'each row once');
        const times = listed.map(({ at }) => at);
        assert.deepEqual(times, times.toSorted().reverse(), 'the newest first');
      },
    ),
    { numRuns: 300 },
  );
});

test('a number that no page ended with, below all rows of its shard, ends the list', async () => {
  const shards = [rowsOf([{ gap: 0, later: 1, actor: 'ann' }]), rowsOf([])];
  for (const below of [2, 9])
    assert.deepEqual(await newestFirst({ below, limit: 5 }, optionsOf(shards, null)), []);
});
