/**
 * The participant dies in the middle of its work and comes back: everything ends, and nothing has happened twice.
 */
import assert from 'node:assert/strict';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { assertKept, judge, summaryOf } from '../rig/judge.ts';
import type { Stage } from '../rig/stage.ts';
import { stageTest } from '../rig/stage-test.ts';
import { until } from '../rig/wait.ts';
import { makeWorkload } from '../rig/workload.ts';

const PARTITIONS = 8;
const RECORDS_PER_SECOND = 200;
const PHASE_MS = 60_000;
/** L3: no doubt stays open for longer after the participant has come back. */
const SETTLE_MS = 60_000;

const WORKLOAD = {
  seed: 31,
  run: 'away',
  transactions: 4_000,
  locations: 80,
  skew: 0.3,
  shares: { duplicate: 0.02, conflict: 0, bad: 0, expired: 0, event: 0.02 },
};

stageTest(
  'a participant that is away: killed twice under load: all doubts are resolved, no effect is doubled',
  {
    partitions: PARTITIONS,
    site: ['--delay-ms', '20-120', '--lost-answer-rate', '0.01', '--seed', 'away'],
  },
  async (stage, context) => {
    const { site, fleet } = stage;
    await fleet.start('w1', 'w2');
    const producer = stage.produce(makeWorkload(WORKLOAD), RECORDS_PER_SECOND);
    for (const share of [0.3, 0.6]) {
      await producer.reached(share, PHASE_MS);
      await site.kill();
      await untilInDoubt(stage);
      await site.restart();
    }
    await producer.finished();
    await stage.settle(SETTLE_MS);
    const evidence = await stage.collect(2);
    const found = judge(evidence, ['S16', 'L6']);
    for (const line of summaryOf(evidence, found)) context.diagnostic(line);
    const recovered = recoveredEffects(await site.journal());
    context.diagnostic(`${recovered} effects were under way when the site was killed`);
    assertKept(found);
    assert.ok(recovered > 0, 'the site was killed in the middle of effects');
    assertAllEnded(evidence);
  },
);

/** Every location that has work is stuck at a transaction whose effect nobody can ask for. */
async function untilInDoubt({ ledger }: Stage): Promise<void> {
  const what = 'as many transactions are in doubt as there are locations';
  await until({ what, timeoutMs: PHASE_MS }, async () => {
    const [row] = await ledger.rows<{ count: number }>(
      "select count(*)::float8 as count from signalbox.transactions where state = 'in_doubt'",
    );
    return (row?.count ?? 0) >= WORKLOAD.locations;
  });
}

function recoveredEffects(journal: Awaited<ReturnType<Stage['site']['journal']>>): number {
  return journal.filter(({ event, recovered }) => event === 'ended' && recovered === true).length;
}

/** Nobody refuses anything in this run, so each transaction has its effect in the end. */
function assertAllEnded({ transactions }: Evidence): void {
  assert.equal(transactions.length, WORKLOAD.transactions);
  const others = transactions.filter(({ state }) => state !== 'completed');
  assert.deepEqual(
    others.map(({ id, state, reason }) => `${id} ${state} ${reason}`),
    [],
  );
}
