import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { assign, type Claim } from './assignor.ts';

const claims = fc
  .record({
    members: fc.integer({ min: 1, max: 9 }),
    partitions: fc.integer({ min: 0, max: 30 }),
    owners: fc.array(fc.integer({ min: -3, max: 8 }), { minLength: 30, maxLength: 30 }),
    seconds: fc.array(fc.integer({ min: -20, max: 8 }), { minLength: 30, maxLength: 30 }),
    generations: fc.array(fc.integer({ min: 4, max: 6 }), { minLength: 9, maxLength: 9 }),
  })
  .map(({ members, partitions, owners, seconds, generations }) => ({
    partitions,
    claims: Array.from({ length: members }, (_, index): Claim => {
      const owned = owners.flatMap((owner, partition) =>
        owner === index || seconds[partition] === index ? [partition] : [],
      );
      return { memberId: `m${index}`, generation: generations[index] ?? 4, owned };
    }),
  }));

/** What the members claim when they join again after they drained what was taken from them. */
function nextClaims(before: readonly Claim[], given: Map<string, number[]>): Claim[] {
  return before.map(({ memberId }) => ({ memberId, generation: 7, owned: given.get(memberId) ?? [] }));
}

function spread(given: Map<string, number[]>): number {
  const counts = [...given.values()].map((partitions) => partitions.length);
  return Math.max(...counts) - Math.min(...counts);
}

describe('assign', () => {
  it('gives 3/3/2 for 8 partitions on 3 members and 2/2/2/2/1/1 for 10 on 6', () => {
    const members = (count: number): Claim[] =>
      Array.from({ length: count }, (_, index) => ({ memberId: `m${index}`, generation: -1, owned: [] }));
    const counts = (given: Map<string, number[]>): number[] => [...given.values()].map((p) => p.length);
    assert.deepEqual(counts(assign(members(3), 8)), [3, 3, 2]);
    assert.deepEqual(counts(assign(members(6), 10)), [2, 2, 2, 2, 1, 1]);
  });

  it('S3 takes away first and gives in the next round', () => {
    const owned = [0, 1, 2, 3];
    const first = assign(
      [
        { memberId: 'a', generation: 3, owned },
        { memberId: 'b', generation: -1, owned: [] },
      ],
      4,
    );
    assert.deepEqual(
      [...first],
      [
        ['a', [0, 1]],
        ['b', []],
      ],
    );
    const second = assign(
      nextClaims(
        [
          { memberId: 'a', generation: 3, owned },
          { memberId: 'b', generation: -1, owned: [] },
        ],
        first,
      ),
      4,
    );
    assert.deepEqual(
      [...second],
      [
        ['a', [0, 1]],
        ['b', [2, 3]],
      ],
    );
  });

  it('S4 honours the newer of two claims, gives a disputed one to nobody, and an old one to its claimant', () => {
    const given = assign(
      [
        { memberId: 'a', generation: 5, owned: [0, 1] },
        { memberId: 'b', generation: 6, owned: [1, 2] },
        { memberId: 'c', generation: 6, owned: [2] },
      ],
      3,
    );
    assert.deepEqual(
      [...given],
      [
        ['a', [0]],
        ['b', [1]],
        ['c', []],
      ],
    );
  });

  it('never gives a partition twice, nor one that another member claims without contradiction', () => {
    fc.assert(
      fc.property(claims, ({ partitions, claims: members }) => {
        const given = assign(members, partitions);
        const seen = new Set<number>();
        for (const [memberId, list] of given) {
          for (const partition of list) {
            assert.ok(partition < partitions && !seen.has(partition));
            seen.add(partition);
            const mine = members.find((member) => member.memberId === memberId);
            const mineCounts = mine?.owned.includes(partition) ? mine.generation : Number.NEGATIVE_INFINITY;
            for (const other of members) {
              if (other.memberId === memberId || !other.owned.includes(partition)) continue;
              assert.ok(
                other.generation < mineCounts,
                `${partition} of ${other.memberId} given to ${memberId}`,
              );
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('S1, S2: is complete and balanced after the second round, and then stays as it is', () => {
    fc.assert(
      fc.property(claims, ({ partitions, claims: members }) => {
        let round = nextClaims(members, assign(members, partitions));
        const second = assign(round, partitions);
        assert.equal([...second.values()].flat().length, partitions);
        assert.ok(spread(second) <= 1);
        round = nextClaims(members, second);
        assert.deepEqual(assign(round, partitions), second);
      }),
      { numRuns: 2_000 },
    );
  });

  it('S2: moves no more than balance needs when a member comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 40 }), (count, partitions) => {
        const fresh = Array.from({ length: count }, (_, index) => ({
          memberId: `m${index}`,
          generation: -1,
          owned: [],
        }));
        const settled = nextClaims(fresh, assign(fresh, partitions));
        const joined = [...settled, { memberId: 'new', generation: -1, owned: [] }];
        const given = assign(joined, partitions);
        const moved = settled.reduce(
          (sum, { memberId, owned }) => sum + owned.length - (given.get(memberId)?.length ?? 0),
          0,
        );
        assert.equal(moved, Math.floor(partitions / (count + 1)));
      }),
    );
  });
});
