/**
 * A ledger on two Postgres servers, a real broker and workers: one worker is killed, one server dies and comes back, one
 * worker is stopped. The partitions of the other server go on meanwhile, and every promise is judged from what is left on
 * both.
 */
import assert from 'node:assert/strict';
import { assertKept, judge, summaryOf } from '../rig/judge.ts';
import { Marks } from '../rig/marks.ts';
import { meanSite } from '../rig/mean-site.ts';
import { resumedAfterMs } from '../rig/resumption.ts';
import { SESSION_TIMEOUT_MS, type Stage } from '../rig/stage.ts';
import { stageTest } from '../rig/stage-test.ts';
import { until } from '../rig/wait.ts';
import { makeWorkload } from '../rig/workload.ts';

const PARTITIONS = 8;
const RECORDS_PER_SECOND = 200;
const PHASE_MS = 60_000;
const SETTLE_MS = 90_000;
/** L2: a crash costs the session time-out and this. */
const RESUME_GRACE_MS = 5_000;
/** Outcomes on the healthy server while the other is away: several seconds of its load. */
const MEANWHILE_MIN = 800;

/** No conflicts: over several servers an id is unique on each of them only (docs/guarantees.md). */
const WORKLOAD = {
  seed: 4_711,
  run: 'shards',
  transactions: 8_000,
  locations: 200,
  skew: 0.5,
  shares: { duplicate: 0.03, conflict: 0, bad: 0.01, expired: 0.01, event: 0.05 },
};

const SITE = meanSite({ seed: 'shards', lostAnswers: 0.01, lostAsks: 0.02 });

stageTest(
  'two servers hold the ledger: one dies and comes back, the partitions of the other go on, each promise is kept',
  { partitions: PARTITIONS, site: SITE, shards: 2 },
  async (stage, context) => {
    const { fleet } = stage;
    const [first, second] = stage.servers;
    assert(second !== undefined);
    await fleet.start('w1', 'w2');
    await stage.ownedBy(['w1', 'w2'], PHASE_MS);
    await refusedInAnotherOrder(stage);
    const producer = stage.produce(makeWorkload(WORKLOAD), RECORDS_PER_SECOND);
    const marks = new Marks();
    await producer.reached(0.15, PHASE_MS);
    await stage.killAtWork('w1', PHASE_MS);
    marks.set('kill');
    await fleet.start('w3');
    await stage.ownedBy(['w2', 'w3'], PHASE_MS);
    await producer.reached(0.4, PHASE_MS);

    marks.set('server away');
    await second.kill();
    const before = await endedOn(stage, 0);
    const goesOn = { what: `${MEANWHILE_MIN} more outcomes on the healthy server`, timeoutMs: PHASE_MS };
    await until(goesOn, async () => (await endedOn(stage, 0)) >= before + MEANWHILE_MIN);
    const meanwhileMs = Date.now() - marks.at('server away');
    const status = (await (await fleet.get('w2', '/v1/status')).json()) as StatusAnswer;
    assert.equal(status.ledger, 'unreachable');
    assert.match(status.ledgerProblem?.detail ?? '', /^shard 1: /);
    assert.equal(fleet.running.toSorted().join(' '), 'w2 w3', 'no worker gave up');
    await second.restart();
    marks.set('server back');
    await producer.reached(0.85, PHASE_MS);
    const exit = await fleet.stop('w2');
    assert.equal(exit.code, 0, 'the worker that got SIGTERM ends by itself');
    await producer.finished();

    await stage.settle(SETTLE_MS);
    const evidence = await stage.collect(1);
    const found = judge(evidence, ['S15', 'S16']);
    const resumedMs = resumedAfterMs(evidence, { sinceMs: marks.at('server back') });
    for (const line of summaryOf(evidence, found)) context.diagnostic(line);
    context.diagnostic(marks.takeOversText(evidence));
    context.diagnostic(
      `${MEANWHILE_MIN} outcomes on the healthy server within ${(meanwhileMs / 1000).toFixed(1)} s while the other was away; ` +
        `its own went on ${(resumedMs / 1000).toFixed(1)} s after it was back`,
    );
    context.diagnostic(`problems told in the logs: ${JSON.stringify(fleet.problems())}`);
    assertKept(found);
    assert.ok(evidence.transactions.length >= WORKLOAD.transactions * 0.98);
    assert.ok(resumedMs <= SESSION_TIMEOUT_MS + RESUME_GRACE_MS, `L2: ${resumedMs} ms`);
    assert.equal(fleet.problems()['SB-5006'], undefined);
    for (const [number] of [first, second].entries()) await assertOwnPartitions(stage, number);
  },
);

interface StatusAnswer {
  readonly ledger: string;
  readonly ledgerProblem?: { readonly detail: string };
}

/** Results, dead letters and duplicates of one server. */
async function endedOn(stage: Stage, shard: number): Promise<number> {
  const [row] = await stage.serverRows<{ ended: number }>(
    shard,
    'select coalesce(sum(last_number + dead_letters + duplicates), 0)::float8 as ended from signalbox.partitions',
  );
  return row?.ended ?? 0;
}

async function refusedInAnotherOrder(stage: Stage): Promise<void> {
  const { fleet } = stage;
  const urls = stage.servers.map(({ connectionString }) => connectionString);
  const wrong = [
    ['wrong-order', { DATABASE_URLS: urls.toReversed().join(',') }, /SB-2013 .*server 0 is shard 1/s],
    ['one-of-two', { DATABASE_URLS: '', DATABASE_URL: urls[1] ?? '' }, /SB-2013 .*it is shard 1 of 2/s],
  ] as const;
  for (const [name, environment, says] of wrong) {
    fleet.launch(name, environment);
    assert.notEqual((await fleet.exited(name)).code, 0);
    assert.match(fleet.output(name), says);
  }
}

async function assertOwnPartitions(stage: Stage, shard: number): Promise<void> {
  for (const table of ['partitions', 'transactions', 'dead_letters']) {
    const rows = await stage.serverRows<{ own: boolean; count: number }>(
      shard,
      `select partition % 2 = ${shard} as own, count(*)::float8 as count from signalbox.${table} group by 1`,
    );
    assert.deepEqual(
      rows.map(({ own }) => own),
      [true],
      `shard ${shard}, ${table}: ${JSON.stringify(rows)}`,
    );
  }
}
