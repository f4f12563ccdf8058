/** Heads of grouped commits, against a ledger that answers when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tally } from '../core/tally.ts';
import { Watermark } from '../core/watermark.ts';
import { Committer } from './committer.ts';
import { DEFAULT_SETTINGS, type Observer } from './options.ts';
import type { PartitionState } from './partition-state.ts';
import { type Commit, type CommitAnswer, type Ledger, LedgerError } from './ports-ledger.ts';

const nothing = (): void => undefined;

/** Time stands still: every head was written a moment ago. */
const world = {
  now: () => 0,
  monotonic: () => 0,
  after: () => ({ cancel: nothing }),
  soon: (run: () => void) => void setImmediate(run),
  random: () => 0.5,
  rssBytes: () => 0,
};

const observer: Observer = {
  problem: nothing,
  handOver: nothing,
  committed: nothing,
  called: nothing,
  finished: nothing,
  deadLetter: nothing,
};

function stateAt(position: number): PartitionState {
  return {
    partition: 0,
    watermark: new Watermark(position),
    duplicates: new Tally(),
    epoch: 1,
    lastNumber: 0,
    commits: 0,
    published: 0,
    landedWatermark: null,
    landedPublished: 0,
    headAtMs: Number.NEGATIVE_INFINITY,
    alive: true,
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('the last head of a hand-over is written in full behind a commit that has just written one', async () => {
  const sent: Commit[] = [];
  const answers: (() => void)[] = [];
  const commit = (given: Commit): Promise<CommitAnswer> => {
    sent.push(given);
    return new Promise((resolve) => {
      answers.push(() => resolve({ atMs: 0, fenced: [], answers: [] }));
    });
  };
  const committer = new Committer({
    ledger: { commit } as unknown as Ledger,
    world,
    settings: DEFAULT_SETTINGS,
    observer,
    onFenced: nothing,
    onHealth: nothing,
    onBug: (error) => assert.fail(String(error)),
  });
  const state = stateAt(5);
  committer.join(state);
  committer.writeHeads();
  await turns();
  assert.equal(sent.length, 1, 'the clockwork writes a head');

  state.watermark.advance(9);
  state.published = 3;
  const written = committer.writeHead(state);
  answers.shift()?.();
  await turns();
  answers.shift()?.();
  await written;

  assert.deepEqual(
    sent.map(({ heads }) => heads.map(({ watermark, published }) => [watermark, published])),
    [[[5, 0]], [[9, 3]]],
  );
  assert.deepEqual([state.landedWatermark, state.landedPublished], [9, 3]);
});

test('a lost commit that is settled late does not end the partition that was taken over again meanwhile', async () => {
  const lost = Promise.withResolvers<CommitAnswer>();
  const raised: number[] = [];
  const ledger = {
    commit: () => lost.promise,
    raise: (owned: readonly { readonly epoch: number }[]) => {
      raised.push(...owned.map(({ epoch }) => epoch));
      return Promise.resolve([]);
    },
    read: () => Promise.resolve([]),
  };
  const fenced: PartitionState[] = [];
  const committer = new Committer({
    ledger: ledger as unknown as Ledger,
    world,
    settings: DEFAULT_SETTINGS,
    observer,
    onFenced: (state) => fenced.push(state),
    onHealth: nothing,
    onBug: (error) => assert.fail(String(error)),
  });
  const before = stateAt(5);
  committer.join(before);
  committer.writeHeads();
  await turns();
  before.alive = false;
  committer.leave(before);
  committer.join({ ...stateAt(5), epoch: 2 });
  lost.reject(new LedgerError('lost', 'the connection was cut'));
  await turns();
  assert.deepEqual(raised, [], 'the epoch that is over is not raised');
  assert.deepEqual(fenced, []);
});
