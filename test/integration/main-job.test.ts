/**
 * The main job on a real broker, a real Postgres and a simulated site that misbehaves, through the death of a
 * worker, a stop, and restarts of broker and ledger: every promise is judged from what is left behind.
 */
import assert from 'node:assert/strict';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { assertKept, judge, summaryOf } from '../rig/judge.ts';
import { Marks } from '../rig/marks.ts';
import { meanSite } from '../rig/mean-site.ts';
import { ownedBy, resumedAfterMs } from '../rig/resumption.ts';
import { SESSION_TIMEOUT_MS } from '../rig/stage.ts';
import { stageTest } from '../rig/stage-test.ts';
import { makeWorkload } from '../rig/workload.ts';

const PARTITIONS = 24;
/** 96 s of load on any machine: the faults are spread over them. */
const RECORDS_PER_SECOND = 220;
const PHASE_MS = 60_000;
const SETTLE_MS = 90_000;
/** L2: a crash costs the session time-out and this. */
const RESUME_GRACE_MS = 5_000;

const WORKLOAD = {
  seed: 20_261,
  run: 'main',
  transactions: 20_000,
  locations: 300,
  skew: 0.5,
  shares: { duplicate: 0.03, conflict: 0.01, bad: 0.01, expired: 0.01, event: 0.05 },
};

const SITE = meanSite({ seed: 'main-job', lostAnswers: 0.02, lostAsks: 0.05 });

stageTest(
  'the main job: keeps every promise through a kill, a stop, and restarts of broker and Postgres',
  { partitions: PARTITIONS, site: SITE },
  async (stage, context) => {
    const { fleet, kafka, postgres } = stage;
    await fleet.start('w1', 'w2', 'w3');
    const producer = stage.produce(makeWorkload(WORKLOAD), RECORDS_PER_SECOND);
    const marks = new Marks();

    await stage.ownedBy(['w1', 'w2', 'w3'], PHASE_MS);
    await producer.reached(0.1, PHASE_MS);
    await stage.killAtWork('w1', PHASE_MS);
    marks.set('kill');
    await stage.ownedBy(['w2', 'w3'], PHASE_MS);
    await producer.reached(0.25, PHASE_MS);
    marks.set('join');
    await fleet.start('w4');
    await stage.ownedBy(['w2', 'w3', 'w4'], PHASE_MS);
    await producer.reached(0.4, PHASE_MS);
    marks.set('stop');
    const exit = await fleet.stop('w2');
    assert.equal(exit.code, 0, 'the worker that got SIGTERM ends by itself');
    await stage.ownedBy(['w3', 'w4'], PHASE_MS);
    await producer.reached(0.55, PHASE_MS);
    marks.set('broker away');
    await kafka.broker.kill();
    await kafka.broker.restart();
    marks.set('broker back');
    await producer.reached(0.8, PHASE_MS);
    marks.set('Postgres away');
    await postgres.kill();
    await postgres.restart();
    marks.set('Postgres back');
    await producer.finished();

    await stage.settle(SETTLE_MS);
    const evidence = await stage.collect(2);
    const found = judge(evidence, ['S16']);
    const killedMs = marks.at('kill');
    const resumed = {
      kill: resumedAfterMs(evidence, {
        sinceMs: killedMs,
        partitions: ownedBy(evidence, 'w1', killedMs),
        newOwner: true,
      }),
      broker: resumedAfterMs(evidence, { sinceMs: marks.at('broker back') }),
      Postgres: resumedAfterMs(evidence, { sinceMs: marks.at('Postgres back') }),
    };
    for (const line of summaryOf(evidence, found)) context.diagnostic(line);
    context.diagnostic(marks.takeOversText(evidence));
    const waits = Object.entries(resumed).map(([fault, ms]) => `${fault} ${(ms / 1000).toFixed(1)} s`);
    context.diagnostic(`work resumed at the latest after: ${waits.join(', ')}`);
    context.diagnostic(`problems told in the logs: ${JSON.stringify(fleet.problems())}`);
    assertKept(found);
    assertWorthIt(evidence);
    const boundMs = SESSION_TIMEOUT_MS + RESUME_GRACE_MS;
    for (const [fault, ms] of Object.entries(resumed)) {
      assert.ok(ms <= boundMs, `L2: after ${fault} work resumed in ${Math.round(ms)} ms, bound ${boundMs}`);
    }
  },
);

/** The run was what it claims to be: each of the things that may go wrong did happen. */
function assertWorthIt({ transactions, deadLetters, transitions, journal }: Evidence): void {
  const answers = (outcome: string): number =>
    journal.filter((line) => line.event === 'answer' && line.outcome === outcome).length;
  const events = (event: string): number => transitions.filter((change) => change.event === event).length;
  const state = (name: string): number => transactions.filter((row) => row.state === name).length;
  const facts: readonly (readonly [name: string, count: number, atLeast: number])[] = [
    ['transactions', transactions.length, WORKLOAD.transactions * 0.99],
    ['completed', state('completed'), WORKLOAD.transactions * 0.9],
    ['rolled back', state('rolled_back'), WORKLOAD.transactions * 0.02],
    ['expired', transactions.filter(({ reason }) => reason === 'expired').length, 100],
    ['dead letters', deadLetters.length, WORKLOAD.transactions * 0.015],
    ['answers lost', answers('lost'), WORKLOAD.transactions * 0.015],
    ['found done by status', events('done'), WORKLOAD.transactions * 0.01],
    ['doubts by take-over', events('takeover'), 1],
    ['never, proven by a fencing status', events('never'), 1],
    ['requests that came too late', journal.filter(({ event }) => event === 'fenced').length, 1],
  ];
  for (const [name, count, atLeast] of facts) {
    assert.ok(count >= atLeast, `${name}: ${count}, expected at least ${atLeast}`);
  }
}
