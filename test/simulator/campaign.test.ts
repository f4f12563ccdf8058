/**
 * The simulator at work: thousands of worlds drawn from their seeds, and small worlds with a mishap at every named point,
 * in threads on all cores. Prints what was run; `npm run sim` runs more of the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runThreads } from '../../src/cli/sim-threads.ts';
import type { Worlds } from '../../src/cli/sim-work.ts';
import type { Totals } from '../../src/sim/campaign.ts';
import { neverReached, SOMETIMES } from '../../src/sim/sometimes.ts';

const SEEDS = 2_000;
const TRANSACTIONS_MIN = 500_000;
const FAULTS_MIN = 50_000;
const POINTS_MIN = 40;
const COMPARED_MIN = SEEDS / 100;
/** Of the pairs of mishaps one in so many. */
const PAIRS_EVERY = 60;
const THREADS = 2;

/** What befalls worlds and what people do in them, beside the points of sometimes.ts. */
const HAPPENS = [
  ...['killed', 'stopped', 'cut', 'rebalanced', 'failed-over', 'stuck', 'paused', 'limited'],
  ...['taken-over', 'drained', 'lost', 'fenced', 'parked', 'page-read'],
  ...['cancel', 'ask', 'complete', 'roll_back', 'retry'],
];

async function run(worlds: Worlds): Promise<{ totals: Totals; unhappened: readonly string[]; told: string }> {
  const startedMs = performance.now();
  const work = { worlds, untilMs: null, without: [], config: null, folder: process.cwd() };
  const result = await runThreads(work, { threads: THREADS, told: () => undefined });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { totals } = result;
  const named = totals.failures.map(({ described, plan, violations }) => {
    const how =
      plan === undefined ? `--world '${JSON.stringify(described)}'` : `--exhaustive --plan '${plan}'`;
    return `${violations[0]}\n  npx signalbox sim ${how}`;
  });
  assert.deepEqual(named, [], named.join('\n'));
  return { ...result, told: toldOf(totals, seconds) };
}

function toldOf(totals: Totals, seconds: number): string {
  const { worlds, compared, transactions, completed, rolledBack, faults, events, virtualMs, reached } =
    totals;
  const count = (number: number): string => number.toLocaleString('en-US');
  return [
    `${count(worlds)} worlds, ${compared} of them twice`,
    `${count(transactions)} transactions: ${count(completed)} completed, ${count(rolledBack)} rolled back`,
    `${count(faults)} faults, ${Object.keys(reached).length} of ${SOMETIMES.length} points`,
    `${count(events)} events in ${(virtualMs / 3_600_000).toFixed(1)} simulated hours`,
    `${seconds.toFixed(0)} s, ${count(Math.round(transactions / seconds))} transactions a second on ${THREADS} threads`,
  ].join('; ');
}

test('worlds drawn from their seeds keep every promise, and meet everything that can happen', async (context) => {
  const { totals, told } = await run({ mode: 'seeds', seed: 1, seeds: SEEDS });
  context.diagnostic(told);
  assert.equal(totals.worlds, SEEDS);
  assert.ok(totals.transactions >= TRANSACTIONS_MIN, `${totals.transactions} transactions`);
  assert.ok(totals.faults >= FAULTS_MIN, `${totals.faults} faults`);
  assert.ok(totals.compared >= COMPARED_MIN, `${totals.compared} worlds run twice`);
  assert.ok(SOMETIMES.length >= POINTS_MIN);
  assert.deepEqual(neverReached(totals.reached), []);
  for (const what of HAPPENS) assert.ok((totals.happened[what] ?? 0) > 0, `${what} never happened`);
});

test('every mishap at every named point, and pairs of them', async (context) => {
  const { unhappened, told } = await run({ mode: 'exhaustive', plans: { text: '', every: PAIRS_EVERY } });
  context.diagnostic(told);
  assert.deepEqual(unhappened, []);
});
