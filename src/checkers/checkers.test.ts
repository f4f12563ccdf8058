/**
 * Every checker passes on a good run, and fails on each way in which its promise can break: a good run with one
 * thing changed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goodRun, record, START } from '../../test/fixtures/good-run.ts';
import type { JournalLine } from '../site/journal.ts';
import { Findings } from './checker.ts';
import type { Evidence, JournalEntry, TransactionRow, TransitionRow } from './evidence.ts';
import { CHECKERS, verdicts } from './verdicts.ts';

type Change = (run: Evidence) => Partial<Evidence>;

/** Rows of `id` changed. */
const rowOf =
  (id: string, change: Partial<TransactionRow>): Change =>
  ({ transactions }) => ({
    transactions: transactions.map((row) => (row.id === id ? { ...row, ...change } : row)),
  });

const withoutRow =
  (id: string): Change =>
  ({ transactions }) => ({ transactions: transactions.filter((row) => row.id !== id) });

/** Journal lines of this key and event changed. */
const lineOf =
  (key: string, event: JournalEntry['event'], change: Partial<JournalEntry>): Change =>
  ({ journal }) => ({
    journal: journal.map((line) =>
      line.key === key && line.event === event ? { ...line, ...change } : line,
    ),
  });

const withoutLine =
  (key: string, event: JournalEntry['event']): Change =>
  ({ journal }) => ({ journal: journal.filter((line) => line.key !== key || line.event !== event) });

/** A line after all others; what is not given is of a1's execute. */
const lineMore =
  (line: Pick<JournalEntry, 'event'> & Partial<JournalEntry>): Change =>
  ({ journal }) => ({
    journal: [
      ...journal,
      { at: START + 990, key: 'a1:apply', kind: 'execute', location: 'A', slot: 1, token: '11', ...line },
    ],
  });

const transitionMore =
  (change: Pick<TransitionRow, 'id' | 'event' | 'from' | 'to'> & Partial<TransitionRow>): Change =>
  ({ transitions }) => ({
    transitions: [...transitions, { atMs: START + 990, token: null, worker: 'w1', epoch: 1, ...change }],
  });

const transitionOf =
  (id: string, event: string, change: Partial<TransitionRow>): Change =>
  ({ transitions }) => ({
    transitions: transitions.map((one) =>
      one.id === id && one.event === event ? { ...one, ...change } : one,
    ),
  });

const resultOf =
  (index: number, change: (value: string) => Partial<Evidence['results'][number]>): Change =>
  ({ results }) => ({
    results: results.map((one, place) => (place === index ? { ...one, ...change(one.value) } : one)),
  });

const workersAre =
  (...workers: Evidence['workers']): Change =>
  () => ({ workers });

const sigterm = { worker: 'w1', atMs: START + 700, event: 'sigterm' } as const;
const exited = { worker: 'w1', atMs: START + 790, event: 'exited', exitCode: 0 } as const;

const breaks: readonly [name: string, what: string, change: Change, message: RegExp][] = [
  // S1
  [
    'S1',
    'a begin while the slot is held',
    rowOf('a2', { beganAtMs: START + 199 }),
    /^a2 \(location A, slot 1/,
  ],
  ['S1', 'a holder that never ended', rowOf('a1', { finishedAtMs: null }), /held the slot until never/],
  [
    'S1',
    'an older holder that outlasts the one after it',
    (run) => ({
      ...rowOf('a1', { finishedAtMs: null })(run),
      transactions: run.transactions.flatMap((row) =>
        row.id === 'a1'
          ? [{ ...row, finishedAtMs: null }]
          : [row, { ...row, id: `${row.id}x`, slot: row.slot }],
      ),
    }),
    /while a1 /,
  ],
  ['S1', 'a slot above the concurrency', rowOf('b1', { slot: 2 }), /above the concurrency 1/],
  [
    'S1',
    'two effects at the site',
    (run) =>
      lineMore({ event: 'started', key: 'a2:apply' })({ ...run, ...withoutLine('a1:apply', 'ended')(run) }),
    /^location A: at .* effects of a1, a2 are under way, its concurrency is 1/,
  ],
  [
    'S1',
    'an effect beside one that is being undone',
    (run) =>
      lineMore({ event: 'started', key: 'a1:apply', location: 'B' })({
        ...run,
        ...withoutLine('b1:take', 'reversed')(run),
      }),
    /^location B: at .* effects of b1, a1 are under way/,
  ],
  // S2
  [
    'S2',
    'a later record began first',
    (run) => ({
      transactions: run.transactions.map((row) =>
        row.id === 'a1' ? { ...row, beganAtMs: START + 300, finishedAtMs: START + 400 } : row,
      ),
    }),
    /^a2 .* began before a1 /,
  ],
  [
    'S2',
    'a record waits while a later one began',
    rowOf('a1', { state: 'received', beganAtMs: null }),
    /^a2 .* began before a1 /,
  ],
  [
    'S2',
    'the site heard of the later one first, in the same ms',
    (run) => ({
      journal: [...run.journal.filter(({ key }) => key === 'a2:apply'), ...run.journal],
    }),
    /^a2 .* was heard of at the site before a1 /,
  ],
  // S3
  [
    'S3',
    'a record that is nothing',
    withoutRow('c1'),
    /^record 0\/8 \(c1 at C.* neither a row nor a dead letter/,
  ],
  [
    'S3',
    'a row that has not ended',
    rowOf('c1', { state: 'held' }),
    /^record 0\/8 .* has not ended: c1 .*held/,
  ],
  ['S3', 'a duplicate of one that has not ended', rowOf('a1', { state: 'in_doubt' }), /^record 0\/0 /],
  ['S3', 'a bad record without dead letter', () => ({ deadLetters: [] }), /^record 0\/5 .*no dead letter/],
  [
    'S3',
    'a row and a dead letter',
    ({ deadLetters }) => ({
      deadLetters: [
        ...deadLetters,
        { partition: 0, offset: 8, code: 'SB-1106', id: null, location: null, atMs: START },
      ],
    }),
    /^record 0\/8 .* is a row and a dead letter/,
  ],
  [
    'S3',
    'a record of another partition that nobody read',
    ({ records }) => ({ records: [...records, record(1, 'E', '{"id":"e1","type":"apply"}', 1)] }),
    /^record 1\/1 \(e1 at E/,
  ],
  // S4
  ['S4', 'a row without record', rowOf('c1', { offset: 7 }), /^c1 .*there is no such record/],
  ['S4', 'a row at a bad record', rowOf('c1', { offset: 6 }), /^c1 .*its record is no transaction/],
  ['S4', 'a row at the record of another id', rowOf('c1', { offset: 9 }), /^c1 .*has the id c2/],
  ['S4', 'a row at another location', rowOf('c1', { location: 'A' }), /^c1 .*has the location C/],
  ['S4', 'a row with another payload', rowOf('c1', { payload: '{}' }), /^c1 .*payload/],
  [
    'S4',
    'a dead letter without record',
    ({ deadLetters }) => ({ deadLetters: deadLetters.map((letter) => ({ ...letter, offset: 77 })) }),
    /^dead letter SB-1116 at 0\/77/,
  ],
  [
    'S4',
    'an effect of no transaction',
    lineMore({ event: 'started', key: 'x:apply' }),
    /^effect x:apply at A/,
  ],
  [
    'S4',
    'an effect at another location',
    lineMore({ event: 'started', location: 'B' }),
    /at another location: a1 /,
  ],
  [
    'S4',
    'an effect of no step',
    lineMore({ event: 'started', key: 'a1:other' }),
    /has no such step: plan 1:apply/,
  ],
  // S5
  ['S5', 'a final row without number', rowOf('c1', { number: null }), /^c1 .* has result number null/],
  ['S5', 'a number without end', rowOf('c1', { state: 'executing' }), /^c1 .* has result number 5/],
  ['S5', 'a gap in the numbers', rowOf('c2', { number: 7 }), /^c2 .* number 7 where partition 0 expects 6/],
  ['S5', 'a number given twice', rowOf('c2', { number: 5 }), /expects 6/],
  [
    'S5',
    'a second ending',
    transitionMore({ id: 'd1', event: 'done', from: 'in_doubt', to: 'completed' }),
    /^d1 ended twice: completed, then completed/,
  ],
  [
    'S5',
    'another ending than the row',
    rowOf('d1', { state: 'rolled_back' }),
    /^d1 .* ended completed by its history/,
  ],
  [
    'S5',
    'a result with another outcome',
    resultOf(0, (value) => ({ value: value.replace('completed', 'rolled_back') })),
    /^result 0\/1 .* the outcome is not that of a1 /,
  ],
  [
    'S5',
    'a result of nothing',
    resultOf(0, (value) => ({ value: value.replace('a1', 'zz') })),
    /no such transaction/,
  ],
  ['S5', 'a result that is no JSON', resultOf(0, () => ({ value: '{' })), /^result undefined\/undefined /],
  ['S5', 'a result under another key', resultOf(0, () => ({ key: 'B' })), /key B or location is not A/],
  [
    'S5',
    'a result under another number',
    resultOf(0, (value) => ({ value: value.replace('"number":1', '"number":9') })),
    /the ledger's number is 0\/1/,
  ],
  [
    'S5',
    'a result without its header',
    resultOf(0, () => ({ headers: {} })),
    /signalbox-result-id is undefined/,
  ],
  [
    'S5',
    'a result published in two forms',
    resultOf(2, (value) => ({ value: `${value} ` })),
    /^result 0\/2 was published as /,
  ],
  [
    'S5',
    'a published result that is missing',
    ({ results }) => ({ results: results.slice(1) }),
    /^result 1 of partition 0/,
  ],
  // S6
  [
    'S6',
    'an effect that starts again',
    lineMore({ event: 'started' }),
    /^a1:apply at location A was started at .* again/,
  ],
  [
    'S6',
    'an effect that is done again',
    lineMore({ event: 'ended', outcome: 'done' }),
    /^a1:apply .* was done at /,
  ],
  // S7
  [
    'S7',
    'completed without effect',
    ({ journal }) => ({ journal: journal.filter(({ key }) => key !== 'a1:apply') }),
    /^a1 .*the site has no effect of it/,
  ],
  ['S7', 'completed and refused', lineOf('a1:apply', 'ended', { outcome: 'refused' }), /^a1 .*has no effect/],
  ['S7', 'completed and reversed', lineMore({ event: 'reversed', kind: 'reverse' }), /^a1 .*has no effect/],
  ['S7', 'completed before the effect ended', withoutLine('a1:apply', 'ended'), /^a1 .* has not ended/],
  [
    'S7',
    'completed before the effect',
    lineOf('a1:apply', 'ended', { at: START + 206 }),
    /^a1 .*but done at/,
  ],
  [
    'S7',
    'another evidence',
    rowOf('a1', { evidence: '{"apply":{"receipt":"x"}}' }),
    /^a1 .*\{"receipt":"x"\}/,
  ],
  ['S7', 'no evidence', rowOf('a1', { evidence: null }), /^a1 .* has the evidence undefined/],
  [
    'S7',
    'rolled back with an effect',
    withoutLine('b1:take', 'reversed'),
    /^b1 .*step take: .* is under way/,
  ],
  [
    'S7',
    'rolled back and never reversed',
    ({ journal }) => ({ journal: journal.filter(({ kind }) => kind !== 'reverse') }),
    /^b1 .*step take: rolled back, but its effect is done/,
  ],
  [
    'S7',
    'rolled back, then a late effect',
    lineMore({ event: 'started', key: 'a2:apply' }),
    /^a2 .*rolled back, but its effect is under way/,
  ],
  // S8
  ['S8', 'a call before its begin', lineOf('a1:apply', 'call', { at: START + 94 }), /^execute of a1:apply/],
  ['S8', 'a call of no transaction', lineMore({ event: 'call', key: 'x:apply' }), /its begin is never/],
  [
    'S8',
    'a call of one that expired',
    lineMore({ event: 'call', key: 'a3:apply' }),
    /a3:apply .*its begin is never/,
  ],
  // S9
  [
    'S9',
    'a group offset ahead of the ledger',
    ({ offsets }) => ({ offsets: offsets.map((sample) => ({ ...sample, groupOffset: 12 })) }),
    /^partition 0 at .* group offset 12 passes watermark null/,
  ],
  [
    'S9',
    'passed before it was parked',
    rowOf('b1', { parkedAtMs: START + 290, beganAtMs: START + 300 }),
    /^record .* accounted at /,
  ],
  ['S9', 'a record passed and lost', withoutRow('c1'), /^record 0\/8 was passed by 11 .* is not accounted/],
  [
    'S9',
    'a record passed before its begin',
    rowOf('b1', { beganAtMs: START + 300 }),
    /^record 0\/3 was passed by 4 .* accounted at/,
  ],
  [
    'S9',
    'a dead letter written after it was passed',
    ({ deadLetters }) => ({ deadLetters: deadLetters.map((letter) => ({ ...letter, atMs: START + 800 })) }),
    /^record 0\/5 was passed by 11 /,
  ],
  ['S9', 'a conflict passed and not reported', () => ({ deadLetters: [] }), /^record 0\/5 .* not accounted/],
  // S10
  [
    'S10',
    'a watermark that moves back',
    ({ offsets }) => ({
      offsets: [...offsets, { atMs: START + 999, partition: 0, groupOffset: null, watermark: 10 }],
    }),
    /^partition 0: watermark 11 at .* then 10/,
  ],
  [
    'S10',
    'a watermark that is gone',
    ({ offsets }) => ({
      offsets: [...offsets, { atMs: START + 999, partition: 1, groupOffset: null, watermark: null }],
    }),
    /^partition 1: watermark 1 at .* then null/,
  ],
  [
    'S10',
    'a row behind the last sample',
    ({ partitions }) => ({ partitions: partitions.map((one) => ({ ...one, watermark: 1 })) }),
    /^partition 0: watermark 11 at .* then 1 /,
  ],
  // S11
  [
    'S11',
    'a change under an older epoch',
    transitionMore({ id: 'd1', event: 'done', from: 'in_doubt', to: 'completed', epoch: 1 }),
    /^d1 .*done at .* under epoch 1, after one of epoch 2/,
  ],
  [
    'S11',
    'an epoch that nobody took',
    rowOf('a1', { epoch: 2 }),
    /^a1 .* under epoch 2, but partition 0 has epoch 1/,
  ],
  [
    'S11',
    'a row written by another worker',
    rowOf('a1', { worker: 'w2' }),
    /^a1 .* by w2 under epoch 1 .* of w1/,
  ],
  [
    'S11',
    'two workers in one epoch, take-overs unknown',
    (run) => ({ ...rowOf('a1', { worker: 'w2' })(run), takeOvers: [] }),
    /under epoch 1 of partition 0, which is of w1/,
  ],
  [
    'S11',
    'a change by another worker',
    transitionOf('b1', 'reversed', { worker: 'w2' }),
    /^b1 .*reversed .* by w2/,
  ],
  // S12
  [
    'S12',
    'a token that goes down in the history',
    transitionOf('b1', 'reversed', { token: '4' }),
    /^b1: token 4 after 5/,
  ],
  ['S12', 'a row with a token below its history', rowOf('b1', { token: '3' }), /^b1: token 3 after 6/],
  [
    'S12',
    'a holder with a token below the one before',
    rowOf('a2', { token: '1' }),
    /^a2 .* has token 1, before it a1 /,
  ],
  ['S12', 'compared as text', rowOf('a1', { token: '10' }), /^a2 .* has token 4, before it a1 .* had 10/],
  [
    'S12',
    'a request below the mark',
    lineMore({ event: 'call', accepted: true, token: '3' }),
    /token 3 was accepted/,
  ],
  [
    'S12',
    'a request at the mark for another key',
    lineMore({ event: 'call', accepted: true, token: '4' }),
    /token 4 was accepted .* the mark was 4 of a2:apply/,
  ],
  // S13
  [
    'S13',
    'an event that is not in the table',
    transitionOf('b1', 'refused', { event: 'vanish' }),
    /^b1 .*vanish from/,
  ],
  [
    'S13',
    'a change that is not in the table',
    transitionOf('d1', 'takeover', { from: 'received' }),
    /^d1 .*from received/,
  ],
  [
    'S13',
    'out of a final state',
    transitionMore({ id: 'd1', event: 'decide', from: 'held', to: 'in_doubt' }),
    /^d1 .*: completed, then decide from held/,
  ],
  [
    'S13',
    'a history with a hole',
    transitionOf('b1', 'reversed', { from: 'held', event: 'decide' }),
    /^b1 .*: reversing, then/,
  ],
  [
    'S13',
    'a row that is elsewhere',
    rowOf('d1', { state: 'in_doubt' }),
    /^d1 .*its history ends in completed/,
  ],
  ['S13', 'in doubt without history', rowOf('a1', { state: 'in_doubt' }), /^a1 .*its history ends in none/],
  ['S13', 'completed without a slot', rowOf('a1', { slot: null }), /^a1 .*has no slot/],
  ['S13', 'completed without a token', rowOf('a1', { token: null }), /^a1 .*has no slot, token/],
  ['S13', 'completed without a begin', rowOf('a1', { beganAtMs: null }), /^a1 .*has no slot, token or begin/],
  ['S13', 'waiting, but begun', rowOf('a1', { state: 'received' }), /^a1 .*waits and has begun/],
  // S15
  [
    'S15',
    'a conflict without dead letter',
    () => ({ deadLetters: [] }),
    /^record 0\/5: other content than a1 /,
  ],
  [
    'S15',
    'a conflict at another location without dead letter',
    ({ records }) => ({
      records: [...records, record(11, 'E', '{"id":"a1","type":"apply","data":{"n":1}}')],
    }),
    /^record 0\/11: other content than a1 /,
  ],
  [
    'S15',
    'a duplicate refused as a conflict',
    ({ deadLetters }) => ({
      deadLetters: deadLetters.map((letter) => (letter.offset === 5 ? { ...letter, offset: 4 } : letter)),
    }),
    /^record 0\/4: equal to a1 .* refused as a conflict/,
  ],
  [
    'S15',
    'a conflict executed',
    lineMore({ event: 'call', location: 'E' }),
    /^execute of a1:apply reached location E/,
  ],
  [
    'S15',
    'a duplicate not counted',
    ({ partitions }) => ({ partitions: partitions.map((one) => ({ ...one, duplicates: 0 })) }),
    /^partition 0 counts 0 duplicates, its topic has 1/,
  ],
  [
    'S15',
    'a duplicate counted twice',
    ({ partitions }) => ({
      partitions: partitions.map((one) => ({ ...one, duplicates: one.duplicates * 2 })),
    }),
    /^partition 0 counts 2 duplicates, its topic has 1/,
  ],
  // L6
  [
    'L6',
    'a begin after SIGTERM',
    workersAre({ ...sigterm, atMs: START + 490 }, exited),
    /^c1 .* was begun by w1 at .* after its SIGTERM/,
  ],
  [
    'L6',
    'a begin after SIGTERM, take-overs unknown',
    (run) => ({ ...workersAre({ ...sigterm, atMs: START + 490 }, exited)(run), takeOvers: [] }),
    /^c1 .* was begun by w1 at .* after its SIGTERM/,
  ],
  ['L6', 'no end', workersAre(sigterm), /^w1 got SIGTERM at .* and ended at never/],
  ['L6', 'a late end', workersAre(sigterm, { ...exited, atMs: START + 30_701 }), /its deadline is 30000 ms/],
  [
    'L6',
    'an end with another code',
    workersAre(sigterm, { ...exited, exitCode: 1 }),
    /^w1 ended with code 1/,
  ],
  [
    'L6',
    'an end of its next life only',
    workersAre(sigterm, { worker: 'w1', atMs: START + 701, event: 'started' }, exited),
    /ended at never/,
  ],
];

test('the good run keeps every promise', () => {
  for (const { name, kept, checked, violations } of verdicts(goodRun())) {
    assert.ok(kept && checked > 0, `${name}: ${violations.join('\n')}`);
  }
});

for (const [name, what, change, message] of breaks) {
  test(`${name} breaks: ${what}`, () => {
    const run = goodRun();
    const found = verdicts({ ...run, ...change(run) }).find((verdict) => verdict.name === name);
    assert.equal(found?.kept, false);
    assert.match(found.violations.join('\n'), new RegExp(message.source, 'm'));
  });
}

test('each checker has a way to break, a name and a promise', () => {
  const names = CHECKERS.map(({ name }) => name);
  assert.deepEqual([...names].sort(), [
    'L6',
    'S1',
    'S10',
    'S11',
    'S12',
    'S13',
    'S15',
    'S2',
    'S3',
    'S4',
    'S5',
    'S6',
    'S7',
    'S8',
    'S9',
  ]);
  assert.deepEqual(
    names.filter((name) => !breaks.some(([broken]) => broken === name)),
    [],
  );
  for (const { promise } of CHECKERS) assert.match(promise, /^.{10,}\.$/);
});

test('a check that ran on nothing fails; what a run cannot show is left out by name', () => {
  const nothing: Evidence = {
    ...goodRun(),
    records: [],
    results: [],
    transactions: [],
    transitions: [],
    deadLetters: [],
    partitions: [],
    journal: [],
    offsets: [],
    workers: [],
    takeOvers: [],
  };
  for (const { name, kept, violations } of verdicts(nothing)) {
    assert.equal(kept, false, name);
    assert.deepEqual(violations, ['nothing was checked']);
  }
  const quiet = { ...goodRun(), workers: [], offsets: [] };
  const failed = (without: readonly string[]): string[] =>
    verdicts(quiet, { without })
      .filter(({ kept }) => !kept)
      .map(({ name }) => name);
  assert.deepEqual(failed([]), ['S9', 'S10', 'L6']);
  assert.deepEqual(failed(['S9', 'S10', 'L6']), []);
  assert.throws(() => verdicts(quiet, { without: ['S99'] }), /S99/);
});

test('what is allowed', async (t) => {
  const allowed: Record<string, Change> = {
    'a person decided: the site need not have the effect': (run) => ({
      ...transitionOf('d1', 'done', { event: 'decide', from: 'held' })(run),
      transitions: run.transitions.flatMap((one) =>
        one.id === 'd1' && one.event === 'done'
          ? [
              { ...one, event: 'give_up', from: 'in_doubt', to: 'held' } as const,
              { ...one, event: 'decide', from: 'held' } as const,
            ]
          : [one],
      ),
      ...withoutLine('d1:apply', 'ended')(run),
    }),
    'rows of another topic in the same ledger': ({ transactions }) => ({
      transactions: transactions.flatMap((row) => [row, { ...row, id: `${row.id}-other`, topic: 'u' }]),
    }),
    'a request that was fenced or lost': lineMore({ event: 'call', accepted: false, token: '1' }),
    'SIGKILL after SIGTERM': workersAre(
      sigterm,
      { worker: 'w1', atMs: START + 710, event: 'sigkill' },
      { ...exited, exitCode: null },
    ),
    'a second SIGTERM ends it at once': workersAre(
      sigterm,
      { ...sigterm, atMs: START + 710 },
      { ...exited, exitCode: 143 },
    ),
    'the plain begin and finish in the history too': (run) => ({
      transitions: [
        {
          id: 'a1',
          atMs: START + 100,
          event: 'begin',
          from: 'none',
          to: 'executing',
          token: '1',
          worker: 'w1',
          epoch: 1,
        },
        {
          id: 'a1',
          atMs: START + 200,
          event: 'done',
          from: 'executing',
          to: 'completed',
          token: '1',
          worker: 'w1',
          epoch: 1,
        },
        ...run.transitions,
      ],
    }),
    'a parked row that began later': (run) => ({
      transitions: [
        {
          id: 'c1',
          atMs: START + 300,
          event: 'park',
          from: 'none',
          to: 'received',
          token: null,
          worker: 'w1',
          epoch: 1,
        },
        ...run.transitions,
      ],
    }),
  };
  for (const [what, change] of Object.entries(allowed)) {
    await t.test(what, () => {
      const run = goodRun();
      for (const { name, kept, violations } of verdicts({ ...run, ...change(run) })) {
        assert.ok(kept, `${name}: ${violations.join('\n')}`);
      }
    });
  }
});

test('violations are bounded, and all are counted', () => {
  const findings = new Findings();
  for (let index = 0; index < 250; index++) findings.expect(false, () => `number ${index}`);
  const { checked, violations } = findings.verdict();
  assert.equal(checked, 250);
  assert.deepEqual([violations.length, violations.at(-1)], [101, 'and 150 more']);
});

test('a line of the site is a journal entry', () => {
  const line: JournalLine = {
    at: START,
    event: 'call',
    key: 'a1:apply',
    kind: 'execute',
    location: 'A',
    slot: 1,
    token: '1',
    accepted: true,
  };
  const entry: JournalEntry = line;
  assert.equal(entry, line);
});
