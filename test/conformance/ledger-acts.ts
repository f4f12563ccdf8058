/** What a random history does with a ledger: acts drawn by fast-check, free of ids and tokens of one side. */
import fc from 'fast-check';
import type { Loss } from '../../src/conformance/ledger-fixture.ts';
import { COMMAND_ACTIONS, type CommandAction } from '../../src/core/commands.ts';

export const PARTITIONS = [0, 2, 4] as const;
export const IDS = 10;
export const PLACES = 3;

/** Small numbers are taken modulo what there is to choose from. */
export interface DrawnEntry {
  readonly kind: 'begin' | 'park' | 'begin-parked' | 'change' | 'dead-letter';
  readonly partition: number;
  readonly id: number;
  readonly place: number;
  readonly slot: number;
  readonly expiry: 'none' | 'past' | 'future';
  /** Which legal way a change goes, and where instead when it is late. */
  readonly way: number;
  readonly late: number;
  readonly step: number;
  readonly bits: number;
  readonly text: 'none' | 'some' | 'unstorable';
  readonly deadline: 'none' | 'past' | 'future';
  readonly command: boolean;
}

export interface DrawnHead {
  readonly is: 'right' | 'old-epoch' | 'other-number' | 'other-commits';
  readonly watermark: number | null;
  readonly published: number | null;
  readonly duplicates: number;
  readonly counted: boolean;
}

export type Act =
  | { readonly act: 'commit'; readonly entries: readonly DrawnEntry[]; readonly heads: readonly DrawnHead[] }
  | { readonly act: 'lose'; readonly entries: readonly DrawnEntry[]; readonly how: Loss }
  | { readonly act: 'race'; readonly entries: readonly DrawnEntry[]; readonly raise: boolean }
  | {
      readonly act: 'take-over';
      readonly partition: number;
      readonly by: 'same' | 'other' | 'other-group' | 'other-topic-id';
    }
  | { readonly act: 'raise'; readonly stale: readonly boolean[] }
  | {
      readonly act: 'limit';
      readonly place: number;
      readonly concurrency: number | null;
      readonly paused: boolean;
    }
  | { readonly act: 'propose'; readonly id: number; readonly action: CommandAction }
  | { readonly act: 'prune'; readonly partition: number; readonly limit: number; readonly old: boolean }
  | { readonly act: 'skip'; readonly partition: number; readonly by: number; readonly stale: boolean };

const partition = fc.constantFrom(...PARTITIONS);
const often = <T>(value: T, times: number, other: readonly T[]): fc.Arbitrary<T> =>
  fc.constantFrom(...Array.from({ length: times }, () => value), ...other);

const entry: fc.Arbitrary<DrawnEntry> = fc.record({
  kind: fc.constantFrom(
    ...(['begin', 'begin', 'park', 'begin-parked', 'change', 'change', 'change', 'dead-letter'] as const),
  ),
  partition,
  id: fc.nat(IDS - 1),
  place: fc.nat(PLACES - 1),
  slot: often(1, 3, [2, 3]),
  expiry: often<DrawnEntry['expiry']>('none', 5, ['past', 'future']),
  way: fc.nat(11),
  late: fc.nat(3),
  step: fc.nat(2),
  bits: fc.nat(255),
  text: often<DrawnEntry['text']>('some', 60, [
    'unstorable',
    ...Array.from({ length: 30 }, () => 'none' as const),
  ]),
  deadline: often<DrawnEntry['deadline']>('none', 6, ['past', 'future']),
  command: often(false, 5, [true]),
});

const head: fc.Arbitrary<DrawnHead> = fc.record({
  is: often<DrawnHead['is']>('right', 20, ['old-epoch', 'other-number', 'other-commits']),
  watermark: fc.option(fc.nat(1_000)),
  published: fc.option(fc.nat(20)),
  duplicates: fc.nat(2),
  counted: fc.boolean(),
});

const entries = fc.array(entry, { maxLength: 20 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      act: fc.constant('commit' as const),
      entries,
      heads: fc.array(head, { minLength: PARTITIONS.length, maxLength: PARTITIONS.length }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('lose' as const),
      entries,
      how: fc.constantFrom<Loss>('landed', 'never', 'late'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('race' as const), entries, raise: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('take-over' as const),
      partition,
      by: fc.constantFrom<Extract<Act, { act: 'take-over' }>['by']>(
        ...(['same', 'same', 'other', 'other', 'other-group', 'other-topic-id'] as const),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('raise' as const),
      stale: fc.array(fc.boolean(), { minLength: PARTITIONS.length, maxLength: PARTITIONS.length }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('limit' as const),
      place: fc.nat(PLACES - 1),
      concurrency: fc.option(fc.integer({ min: 1, max: 3 })),
      paused: often(false, 3, [true]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('propose' as const),
      id: fc.nat(IDS - 1),
      action: fc.constantFrom(...COMMAND_ACTIONS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('prune' as const),
      partition,
      limit: fc.integer({ min: 1, max: 5 }),
      old: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('skip' as const),
      partition,
      by: fc.integer({ min: -1, max: 4 }),
      stale: often(false, 4, [true]),
    }),
  },
);

export const acts: fc.Arbitrary<Act[]> = fc.array(act, { minLength: 1, maxLength: 24 });
