/**
 * Planned hand-over under load: workers join and leave, and nothing is in doubt, nothing begins twice, nothing
 * overlaps at the site.
 */
import assert from 'node:assert/strict';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { assertKept, judge, summaryOf } from '../rig/judge.ts';
import { Marks } from '../rig/marks.ts';
import type { Stage } from '../rig/stage.ts';
import { stageTest } from '../rig/stage-test.ts';
import { type NotedTakeOver, takeOversOf } from '../rig/take-over-probe.ts';
import { until } from '../rig/wait.ts';
import { makeWorkload } from '../rig/workload.ts';

const PARTITIONS = 8;
const RECORDS_PER_SECOND = 1_000;
/** On a machine that is too busy for the rate the workers are kept under load, a record a location, without a backlog. */
const BACKLOG_MAX = 400;
const PHASE_MS = 40_000;
/** A hand-over must leave nothing in doubt; that a busy machine answers late is another matter. */
const STEP_TIMEOUT_MS = 30_000;
const SETTLE_MS = 60_000;
/** So many transactions of a worker that joined show that it works. */
const SHARE_OF_JOINED = 200;

const WORKLOAD = {
  seed: 8_001,
  run: 'hand-over',
  /** More than is produced: it ends when the last worker has left. */
  transactions: 100_000,
  locations: 400,
  skew: 0,
  shares: { duplicate: 0, conflict: 0, bad: 0, expired: 0, event: 0 },
};

stageTest(
  'planned hand-over: two workers join and leave, twice: no doubt, no repeated begin, no overlap',
  {
    partitions: PARTITIONS,
    site: ['--delay-ms', '5-40', '--seed', 'hand-over'],
    environment: { SIGNALBOX_STEP_TIMEOUT_MS: `${STEP_TIMEOUT_MS}` },
  },
  async (stage, context) => {
    await stage.fleet.start(...STAYING);
    const producer = stage.produceNotAhead(makeWorkload(WORKLOAD), RECORDS_PER_SECOND, BACKLOG_MAX);
    const marks = new Marks();
    await producer.reached(0.02, PHASE_MS);
    for (const round of [1, 2]) await joinAndLeave(stage, marks, round);
    assert.ok(producer.acknowledged < WORKLOAD.transactions, 'under load to the end');
    await producer.stop();
    await stage.settle(SETTLE_MS);

    const evidence = await stage.collect(0);
    const found = judge(evidence, ['S16', 'L3']);
    const takeOvers = await takeOversOf(stage.ledger);
    for (const line of summaryOf(evidence, found)) context.diagnostic(line);
    context.diagnostic(marks.takeOversText(evidence));
    context.diagnostic(`seen again at take-overs: ${repeatsText(takeOvers)}`);
    assertKept(found);
    assertNoDoubt(evidence, producer.acknowledged);
    assertNothingAgain(takeOvers);
  },
);

const STAYING = ['stays-1', 'stays-2'];
const joining = (round: number): string[] => [`comes-${round}a`, `comes-${round}b`];

async function joinAndLeave(stage: Stage, marks: Marks, round: number): Promise<void> {
  const { fleet, ledger } = stage;
  const names = joining(round);
  marks.set(`join ${round}`);
  await fleet.start(...names);
  await stage.ownedBy([...STAYING, ...names], PHASE_MS);
  const what = `${names.join(' and ')} have each ended ${SHARE_OF_JOINED} transactions`;
  await until({ what, timeoutMs: PHASE_MS, pollMs: 500 }, async () => {
    const rows = await ledger.rows<{ worker: string; count: number }>(
      'select worker, count(*)::float8 as count from signalbox.transactions where worker = any($1) group by worker',
      [names],
    );
    return rows.filter(({ count }) => count >= SHARE_OF_JOINED).length === names.length;
  });
  marks.set(`leave ${round}`);
  const exits = await Promise.all(names.map((name) => fleet.stop(name)));
  assert.deepEqual(
    exits.map(({ code }) => code),
    [0, 0],
    'each ends by itself with code 0',
  );
  await stage.ownedBy(STAYING, PHASE_MS);
}

/** Every change but the plain begin and finish has a row in the history: there must be none. */
function assertNoDoubt({ transitions, transactions, results }: Evidence, produced: number): void {
  const told = transitions.slice(0, 5).map(({ id, event, from, to }) => `${id} ${event} ${from} → ${to}`);
  assert.equal(
    transitions.length,
    0,
    `${transitions.length} changes besides begin and finish: ${told.join('; ')}`,
  );
  assert.equal(transactions.length, produced);
  assert.equal(results.length, produced, 'no result is published again');
  assert.ok(
    transactions.every(({ state }) => state === 'completed'),
    'each is completed',
  );
}

/**
 * A partition that moves to a worker that joined starts behind everything begun before. At SIGTERM nothing begins
 * any more, not even what is queued below the highest offset begun, so there some records are seen again: they are
 * recognised, and begin nothing.
 */
function assertNothingAgain(takeOvers: readonly NotedTakeOver[]): void {
  for (const round of [1, 2]) {
    const joins = takeOvers.filter(({ worker }) => joining(round).includes(worker));
    assert.ok(joins.length > 0, `no partition moved at join ${round}`);
    const again = joins.filter(({ repeated }) => repeated > 0);
    assert.deepEqual(again, [], `records begun before join ${round} are seen again`);
  }
}

function repeatsText(takeOvers: readonly NotedTakeOver[]): string {
  const seen = takeOvers.filter(({ repeated }) => repeated > 0);
  const texts = seen.map(
    ({ partition, worker, repeated }) => `${repeated} of partition ${partition} by ${worker}`,
  );
  return texts.length === 0 ? 'none' : texts.join(', ');
}
