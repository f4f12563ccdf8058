import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assign, type OwnedPartition } from './assign.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'gone', 'gone too'];

const situation = fc.record({
  members: fc.uniqueArray(fc.constantFrom(...NAMES.slice(0, 5)), { minLength: 1 }),
  partitions: fc
    .array(
      fc.record({
        owner: fc.option(fc.constantFrom(...NAMES)),
        wanted: fc.option(fc.constantFrom(...NAMES)),
      }),
      { minLength: 1, maxLength: 24 },
    )
    .map((rows) => rows.map((row, partition): OwnedPartition => ({ partition, ...row }))),
});

function counts(members: readonly string[], assignment: ReadonlyMap<number, string | null>): number[] {
  return members.map((member) => [...assignment.values()].filter((wanted) => wanted === member).length);
}

test('each partition has one living member, and shares differ by one at most', () => {
  fc.assert(
    fc.property(situation, ({ members, partitions }) => {
      const assignment = assign(members, partitions);
      assert.equal(assignment.size, partitions.length);
      for (const wanted of assignment.values()) assert.ok(wanted !== null && members.includes(wanted));
      const shares = counts(members, assignment);
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
    }),
  );
});

test('the next assignment of the same members changes nothing', () => {
  fc.assert(
    fc.property(situation, ({ members, partitions }) => {
      const first = assign(members, partitions);
      const after = partitions.map((row) => ({ ...row, wanted: first.get(row.partition) ?? null }));
      assert.deepEqual(assign(members, after), first);
    }),
  );
});

test('as few partitions move as a balance allows', () => {
  fc.assert(
    fc.property(situation, ({ members, partitions }) => {
      const holder = ({ owner, wanted }: OwnedPartition): string | null =>
        [wanted, owner].find((name) => name !== null && members.includes(name)) ?? null;
      const held = members.map((member) => partitions.filter((row) => holder(row) === member).length);
      const share = Math.floor(partitions.length / members.length);
      const larger = partitions.length % members.length;
      held.sort((a, b) => b - a);
      const canStay = held.reduce(
        (sum, n, index) => sum + Math.min(n, index < larger ? share + 1 : share),
        0,
      );
      const assignment = assign(members, partitions);
      const stayed = partitions.filter(
        (row) => holder(row) !== null && assignment.get(row.partition) === holder(row),
      );
      assert.equal(stayed.length, canStay);
    }),
  );
});

test('without members nobody is wanted', () => {
  assert.deepEqual(assign([], [{ partition: 0, owner: 'a', wanted: 'a' }]), new Map([[0, null]]));
});

test('who works on a partition keeps it before one who only waits for it', () => {
  const partitions = [
    { partition: 0, owner: 'b', wanted: 'a' },
    { partition: 1, owner: 'a', wanted: 'a' },
  ];
  assert.deepEqual(
    [...assign(['a', 'c'], partitions)],
    [
      [0, 'c'],
      [1, 'a'],
    ],
  );
});
