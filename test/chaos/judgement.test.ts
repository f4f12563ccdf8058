/** What a chaos run is judged by, and what it tells of a violation, on the small run in which every promise is kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goodRun, START } from '../fixtures/good-run.ts';
import { type FaultEntry, FaultLog } from './fault-log.ts';
import { healthyRatio, slowedDown } from './healthy.ts';
import { lateRecoveries, type RecoveryEvidence, recoveriesOf, recoveryText } from './recovery.ts';
import { storyOf, storyText } from './story.ts';
import { timelinePage } from './timeline-page.ts';

const fault = (over: Partial<FaultEntry>): FaultEntry => ({
  kind: 'slow-ledger',
  target: 'w2',
  fromMs: START,
  toMs: START,
  fired: true,
  detail: '',
  ...over,
});

describe('log of faults', () => {
  const fault = { atMs: 0, kind: 'kill', place: 0, forMs: 0, amount: 0 } as const;
  const schedule = { faults: [fault], arms: [{ point: 'called', passing: 1 }] } as const;

  it('misses a kind that never took hold, and a kill point that was hit too seldom', () => {
    const log = new FaultLog();
    log.begin('kill', 'w1')(false);
    assert.deepEqual(log.missing(schedule), [
      'the fault kill never took hold',
      'kill point called was hit 0 times of 1',
    ]);
    log.begin('kill', 'w1')(true, 'code 137');
    log.hit('called', 'w2', START);
    assert.deepEqual(log.missing(schedule), []);
    assert.deepEqual([log.fired.length, log.countsText()], [2, 'kill 1, kill-point 1']);
  });
});

describe('healthy locations', () => {
  it('their rate while others are stuck, over that of the calm before', () => {
    const ends = (location: string, ...times: number[]) =>
      times.map((ms) => ({ location, finishedAtMs: START + ms }));
    const transactions = [...ends('A', 10, 20, 30, 40, 110, 120, 130), ...ends('B', 15, 115, 116, 117)];
    const evidence = { transactions } as unknown as Parameters<typeof healthyRatio>[0];
    const windows = {
      calm: { fromMs: START, toMs: START + 100 },
      stuck: { fromMs: START + 100, toMs: START + 200 },
    };
    assert.equal(
      healthyRatio(evidence, windows, (location) => location === 'B'),
      0.75,
    );
  });
});

describe('L1', () => {
  it('is broken below 80 %, and by a run that has nothing to compare', () => {
    assert.deepEqual(slowedDown(0.8), []);
    assert.match(slowedDown(0.79)[0] ?? '', /^L1: healthy locations kept 79 %/);
    assert.equal(slowedDown(Number.NaN).length, 1);
  });
});

describe('recovery', () => {
  const begin = (partition: number, ms: number) => ({ partition, beganAtMs: START + ms });
  const evidence = {
    workers: [
      { worker: 'w1', atMs: START, event: 'started' },
      { worker: 'w1', atMs: START + 1_000, event: 'sigkill' },
    ],
    takeOvers: [
      { partition: 0, epoch: 1, worker: 'w1', atMs: START + 10 },
      { partition: 0, epoch: 2, worker: 'w2', atMs: START + 7_000 },
    ],
    transactions: [begin(0, 500), begin(0, 7_200), begin(0, 7_300)],
    records: [{ partition: 0, producedAtMs: START + 2_000 }],
  } as unknown as RecoveryEvidence;

  it('lasts from the crash to the first begin of the next owner', () => {
    const [recovery, ...others] = recoveriesOf(evidence, []);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [recovery?.worker, recovery?.tookMs, recovery?.countedMs, recovery?.clean],
      ['w1', 6_200, 6_200, true],
    );
    assert.match(recoveryText(recovery === undefined ? [] : [recovery]), /p50 6.2 s, worst 6.2 s \(1 part/);
  });

  it('breaks L2 beyond session time-out and five seconds, and where nothing was measured', () => {
    const recoveries = recoveriesOf(evidence, []);
    assert.deepEqual(lateRecoveries(recoveries, 1_200), []);
    assert.match(lateRecoveries(recoveries, 1_199)[0] ?? '', /^L2: partition 0 of w1.* after 6200 ms/);
    assert.deepEqual(lateRecoveries([], 6_000), ['L2: no recovery was measured']);
  });

  it('is counted from the end of another fault meanwhile; one of the site does not count', () => {
    const while_ = { fromMs: START + 2_000, toMs: START + 5_000 };
    const [disturbed] = recoveriesOf(evidence, [fault(while_)]);
    assert.deepEqual([disturbed?.tookMs, disturbed?.countedMs, disturbed?.clean], [6_200, 2_200, false]);
    const [clean] = recoveriesOf(evidence, [fault({ ...while_, kind: 'slow-site' })]);
    assert.equal(clean?.clean, true);
  });

  it('of a host that fell silent lasts from its silence', () => {
    const silent = fault({ kind: 'silent-host', target: 'w1', fromMs: START + 200, toMs: START + 9_000 });
    assert.equal(recoveriesOf(evidence, [silent])[0]?.tookMs, 7_000);
  });
});

describe('story', () => {
  const violation = 'S7: d1 (location D, partition 1) is completed, and no effect stands';
  const story = storyOf(violation, goodRun(), [fault({ kind: 'kill', target: 'w<1>', fromMs: START + 795 })]);

  it('tells what happened to the location that is named, in time order, with what was done around it', () => {
    assert.ok(story !== null);
    assert.equal(story.subject, 'D (partition 1)');
    const lines = storyText(story);
    assert.equal(lines[0], `story of D (partition 1): ${violation}`);
    for (const told of [
      /topic .* d1/,
      /ledger .* d1 takeover: executing → in_doubt/,
      /site .*status of d1:apply/,
    ]) {
      assert.ok(
        lines.some((line) => told.test(line)),
        `${told}\n${lines.join('\n')}`,
      );
    }
    assert.ok(lines.some((line) => /fault +kill w<1>/.test(line)));
    const times = story.moments.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(!lines.some((line) => /\ba1\b/.test(line)), 'nothing of other locations');
  });

  it('is a page of its own, safe whatever the names', () => {
    assert.ok(story !== null);
    const page = timelinePage(story, 7);
    assert.match(page, /^<!doctype html>/);
    assert.match(page, /kill w&#60;1&#62;/);
    assert.ok(!page.includes('w<1>'));
    assert.match(page, /Seed 7\./);
  });

  it('is none when the violation names nothing that is known', () => {
    assert.equal(storyOf('S3: something', goodRun(), []), null);
  });
});
