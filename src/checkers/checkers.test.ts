/**
 * Every checker passes on a good run, and fails on each way in which its promise can break: a good run with one
 * thing changed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROKEN_LANES } from '../../test/fixtures/broken-lanes.ts';
import { BROKEN_LEDGER } from '../../test/fixtures/broken-ledger.ts';
import { BROKEN_OPERATIONS } from '../../test/fixtures/broken-operations.ts';
import { goodRun, START } from '../../test/fixtures/good-run.ts';
import {
  type Change,
  exited,
  lineMore,
  sigterm,
  transitionOf,
  withoutLine,
  workersAre,
} from '../../test/fixtures/run-changes.ts';
import type { JournalLine } from '../site/journal.ts';
import { Findings } from './checker.ts';
import type { Evidence, JournalEntry } from './evidence.ts';
import { CHECKERS, verdicts } from './verdicts.ts';

const BREAKS = [...BROKEN_LANES, ...BROKEN_LEDGER, ...BROKEN_OPERATIONS];

test('the good run keeps every promise', () => {
  for (const { name, kept, checked, violations } of verdicts(goodRun())) {
    assert.ok(kept && checked > 0, `${name}: ${violations.join('\n')}`);
  }
});

for (const [name, what, change, message] of BREAKS) {
  test(`${name} BREAKS: ${what}`, () => {
    const run = goodRun();
    const found = verdicts({ ...run, ...change(run) }).find((verdict) => verdict.name === name);
    assert.equal(found?.kept, false);
    assert.match(found.violations.join('\n'), new RegExp(message.source, 'm'));
  });
}

test('each checker has a way to break, a name and a promise', () => {
  const names = CHECKERS.map(({ name }) => name);
  assert.deepEqual([...names].sort(), [
    'L3',
    'L4',
    'L5',
    'L6',
    'S1',
    'S10',
    'S11',
    'S12',
    'S13',
    'S14',
    'S15',
    'S16',
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
    names.filter((name) => !BREAKS.some(([broken]) => broken === name)),
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
    audit: [],
    commands: [],
    memory: [],
  };
  for (const { name, kept, violations } of verdicts(nothing)) {
    assert.equal(kept, false, name);
    assert.deepEqual(violations, ['nothing was checked']);
  }
  const quiet = { ...goodRun(), workers: [], offsets: [], disturbances: 3 };
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
