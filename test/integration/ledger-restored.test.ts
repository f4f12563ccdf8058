/**
 * The database is restored to an older point while a worker runs: it is noticed, what the ledger has forgotten is
 * settled by the records of the participant, and no consumer of results that removes duplicates loses one.
 */
import assert from 'node:assert/strict';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { assertKept, judge } from '../rig/judge.ts';
import { stageTest } from '../rig/stage-test.ts';
import { until } from '../rig/wait.ts';
import { makeWorkload } from '../rig/workload.ts';

const PARTITIONS = 4;
const RECORDS_PER_SECOND = 300;
const PHASE_MS = 60_000;
const SETTLE_MS = 60_000;
const TRANSACTIONS = 3_000;
const FORGOTTEN_MIN = 500;

const WORKLOAD = {
  seed: 37,
  run: 'restored',
  transactions: TRANSACTIONS,
  locations: 60,
  skew: 0.3,
  shares: { duplicate: 0, conflict: 0, bad: 0, expired: 0, event: 0 },
};
/** What cannot hold of a ledger that forgot: watermark, numbers and tokens went back, begins came twice. */
const NOT_JUDGED = ['S5', 'S8', 'S9', 'S10', 'S11', 'S12', 'S16', 'L5', 'L6'];

stageTest(
  'a ledger that was restored to an older point: nothing is done twice, and each result reaches a consumer that removes duplicates',
  {
    partitions: PARTITIONS,
    site: ['--delay-ms', '5-30', '--refusal-rate', '0.05', '--seed', 'restored'],
  },
  async (stage, context) => {
    const { fleet, postgres } = stage;
    await fleet.start('w1');
    const producer = stage.produce(makeWorkload(WORKLOAD), RECORDS_PER_SECOND);
    await producer.reached(0.2, PHASE_MS);
    const ended = stage.ended.bind(stage);
    const kept = await ended();
    await postgres.keepCopy();
    const forgets = { what: 'the ledger holds what it will forget', timeoutMs: PHASE_MS };
    await until(forgets, async () => (await ended().catch(() => 0)) > kept + FORGOTTEN_MIN);
    await postgres.putCopyBack();
    await producer.finished();
    await stage.settle(SETTLE_MS);
    const problems = fleet.problems();
    assert.ok((problems['SB-2007'] ?? 0) > 0, `noticed: ${JSON.stringify(problems)}`);
    assert.equal(problems['SB-5006'], undefined, JSON.stringify(problems));
    const evidence = await stage.collect(2);
    assertKept(judge(evidence, NOT_JUDGED));
    assertNoResultIsLost(evidence);
    context.diagnostic(JSON.stringify(problems));
  },
);

function assertNoResultIsLost({ results, transactions }: Evidence): void {
  const seen = new Map<string, { id: string; outcome: string }>();
  for (const { headers, value } of results) {
    const name = headers['signalbox-result-id'] ?? '';
    const result = JSON.parse(value) as { id: string; outcome: string };
    const before = seen.get(name);
    assert.ok(
      before === undefined || before.id === result.id,
      `${name} names ${before?.id} and ${result.id}`,
    );
    seen.set(name, result);
  }
  const told = new Map([...seen.values()].map(({ id, outcome }) => [id, outcome]));
  assert.equal(transactions.length, TRANSACTIONS);
  for (const { id, state } of transactions) assert.equal(told.get(id), state, id);
}
