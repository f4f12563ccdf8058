import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from '../../core/murmur2.ts';
import {
  type Commit,
  type Heartbeat,
  type Ledger,
  LedgerError,
  type LocationLimit,
  type PartitionHead,
  type SeriesSpan,
} from '../../engine/ports-ledger.ts';
import { ShardedLedger } from './sharded-ledger.ts';

const PARTITIONS = 8;
const OWNED = {
  outcome: 'owned',
  epoch: 1,
  watermark: null,
  published: 0,
  lastNumber: 0,
  commits: 0,
  holders: [],
  parked: [],
} as const;

/** A shard that notes what it was asked; away or silent when told so. */
class Shard {
  state: 'up' | 'away' | 'silent' = 'up';
  noted: number | null = null;
  clockMs = 1_000;
  limitRows: LocationLimit[] = [];
  readonly asked: string[] = [];
  readonly heartbeats: (readonly SeriesSpan[])[] = [];

  readonly ledger = {
    commit: (commit: Commit) =>
      this.#answer(`commit ${commit.heads.map(({ partition }) => partition)}`, {
        atMs: 1,
        fenced: [],
        answers: [],
      }),
    takeOver: (partition: number) => this.#answer(`take over ${partition}`, OWNED),
    notePartitions: async (count: number) => {
      const before = this.noted;
      await this.#answer(`note ${count}`, null);
      this.noted ??= count;
      return before;
    },
    raise: (owned: readonly { partition: number; epoch: number }[]) =>
      this.#answer(
        `raise ${owned.map(({ partition }) => partition)}`,
        owned.map(({ partition, epoch }) => ({ ...OWNED, partition, epoch: epoch + 1 })),
      ),
    read: (ids: readonly string[]) => this.#answer(`read ${ids}`, []),
    commits: (partitions: readonly number[]) =>
      this.#answer(`commits ${partitions}`, new Map(partitions.map((partition) => [partition, 7]))),
    commands: (partitions: readonly number[]) => this.#answer(`commands ${partitions}`, []),
    limits: (sinceMs: number | null) =>
      this.#answer(`limits ${sinceMs}`, { atMs: this.clockMs, limits: this.limitRows }),
    heartbeat: async (_: Heartbeat, series: readonly SeriesSpan[]) => {
      await this.#answer('heartbeat', null);
      this.heartbeats.push(series);
    },
    close: async () => undefined,
  } as unknown as Ledger;

  async #answer<T>(what: string, answer: T): Promise<T> {
    this.asked.push(what);
    if (this.state === 'away') throw new LedgerError('refused', 'no route');
    if (this.state === 'silent') await new Promise(() => undefined);
    return answer;
  }
}

function scene() {
  const shards = [new Shard(), new Shard()] as const;
  const topic = { partitions: PARTITIONS };
  const ledger = new ShardedLedger({
    shards: shards.map((shard) => shard.ledger),
    topicPartitions: () => topic.partitions,
  });
  return { shards, topic, ledger };
}

function head(partition: number): PartitionHead {
  return {
    partition,
    epoch: 1,
    watermark: null,
    published: null,
    duplicates: 0,
    lastNumber: 0,
    commits: null,
  };
}

const HEARTBEAT: Heartbeat = {
  version: '1',
  startedAtMs: 0,
  draining: false,
  partitions: [0],
  waiting: 0,
  parked: 0,
  lanes: 0,
  rssBytes: 0,
  lag: {},
  deepest: {},
};

/** A location whose key falls in a partition of this shard. */
function locationOn(shard: number): string {
  const names = Array.from({ length: 100 }, (_, index) => `atm-${index}`);
  const name = names.find((each) => partitionOf(each, PARTITIONS) % 2 === shard);
  assert(name !== undefined);
  return name;
}

test('SL1: what is of a partition goes to its shard alone, while the other is away', async () => {
  const { shards, ledger } = scene();
  shards[0].state = 'away';
  await ledger.takeOver(3);
  await ledger.commit({ heads: [head(1), head(3)], entries: [] });
  await ledger.raise([{ partition: 3, epoch: 1 }]);
  await ledger.read(['a'], [3, 5]);
  assert.deepEqual(shards[1].asked, ['note 8', 'note 8', 'take over 3', 'commit 1,3', 'raise 3', 'read a']);
  assert.deepEqual(shards[0].asked, []);
  await assert.rejects(ledger.takeOver(2), /^LedgerError: shard 0: no route$/);
});

test('SL2: a commit over two shards is a defect', async () => {
  const { ledger } = scene();
  await assert.rejects(ledger.commit({ heads: [head(1), head(2)], entries: [] }), /SB-5006/);
});

test('SL3: with another number of partitions nothing is taken over', async () => {
  const { shards, topic, ledger } = scene();
  shards[1].noted = 12;
  const refused = await ledger.takeOver(1);
  assert.deepEqual(refused, {
    outcome: 'refused',
    code: 'SB-2014',
    detail: '12 when they were noted, 8 now',
  });
  assert.equal((await ledger.takeOver(2)).outcome, 'owned');
  topic.partitions = 12;
  assert.equal((await ledger.takeOver(2)).outcome, 'refused', 'it grew meanwhile');
});

test('SL3: a record whose location is on another shard is misplaced, by the number that was noted', async () => {
  const { topic, ledger } = scene();
  await ledger.takeOver(0);
  assert.equal(ledger.misplaced(locationOn(0), 0), null);
  assert.match(
    ledger.misplaced(locationOn(1), 0) ?? '',
    /^of 8 partitions \d is that of the location, on shard 1$/,
  );
  topic.partitions = 9;
  assert.equal(ledger.misplaced(locationOn(0), 0), null);
});

test('SL4: the first look at the limits needs every shard, later ones take what there is', async () => {
  const { shards, ledger } = scene();
  shards[1].state = 'away';
  await assert.rejects(ledger.limits(null), /shard 1: no route/);
  shards[1].state = 'up';
  shards[1].clockMs = 900;
  assert.equal((await ledger.limits(null)).atMs, 900, 'the earliest of the clocks');
  shards[1].state = 'away';
  shards[0].clockMs = 2_000;
  assert.equal((await ledger.limits(900)).atMs, 900, 'asked again from there until it answers');
  shards[0].state = 'away';
  await assert.rejects(ledger.limits(900), /no route/);
});

test('SL5: the limit of a location counts on its shard, one by pattern on shard 0', async () => {
  const { shards, ledger } = scene();
  const limit = (location: string, concurrency: number) => ({ location, concurrency, paused: false });
  const [own, other] = [locationOn(0), locationOn(1)];
  shards[0].limitRows = [limit(own, 1), limit(other, 2), limit('atm-*', 3)];
  shards[1].limitRows = [limit(own, 4), limit(other, 5), limit('atm-*', 6)];
  const { limits } = await ledger.limits(null);
  assert.deepEqual(limits, [limit(own, 1), limit('atm-*', 3), limit(other, 5)]);
});

test('questions at the same time are all answered', async () => {
  const { ledger } = scene();
  const answers = await Promise.all([1, 2, 3].map(() => ledger.limits(null)));
  assert.deepEqual(
    answers.map(({ atMs }) => atMs),
    [1_000, 1_000, 1_000],
  );
});

test('a shard that is silent delays the questions of each second once, and no longer than two seconds', async () => {
  const { shards, ledger } = scene();
  shards[1].state = 'silent';
  const startedMs = performance.now();
  const [commits, commands] = await Promise.all([ledger.commits([0, 1]), ledger.commands([0, 1])]);
  assert.ok(performance.now() - startedMs < 3_000);
  assert.deepEqual(
    [...commits],
    [
      [0, 7],
      [1, Number.POSITIVE_INFINITY],
    ],
    'nothing can be concluded of it',
  );
  assert.deepEqual(commands, []);
  const againMs = performance.now();
  await ledger.commits([0, 1]);
  assert.ok(performance.now() - againMs < 500, 'it is not waited for again');
  assert.equal(shards[1].asked.length, 2, 'nor asked again before it has answered');
});

test('every shard hears the heartbeat, the home of the series alone the outcomes', async () => {
  const { shards, ledger } = scene();
  const series = [{ atMs: 10_000, completed: 3, rolledBack: 1, latency: [4] }];
  await ledger.heartbeat(HEARTBEAT, series);
  assert.deepEqual(shards[0].heartbeats, [series]);
  assert.deepEqual(shards[1].heartbeats, [[{ atMs: 10_000, completed: 0, rolledBack: 0, latency: [] }]]);
  shards[1].state = 'away';
  await ledger.heartbeat(HEARTBEAT, series);
  await assert.rejects(ledger.heartbeat({ ...HEARTBEAT, partitions: [0, 1] }, series), /shard 1: no route/);
  shards[0].state = 'away';
  await assert.rejects(ledger.heartbeat(HEARTBEAT, series), /shard 0: no route/);
});
