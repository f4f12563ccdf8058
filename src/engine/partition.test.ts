/** The drain of a partition against doors that answer when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../core/answer.ts';
import { Committer } from './committer.ts';
import { DEFAULT_SETTINGS, type WorkerDoors } from './options.ts';
import { Partition } from './partition.ts';
import type { LogHeader, RecordBatch, TransactionLog, World } from './ports.ts';
import type { Commit, EntryAnswer, Ledger } from './ports-ledger.ts';

const BUDGET_MS = 60_000;
/** More than a drain goes on beginning records below the highest one taken. */
const LATER_MS = 6_000;

/** Time stands still until the test moves it. */
class StillWorld implements World {
  #ms = 0;
  #timers: { atMs: number; run: (() => void) | null }[] = [];

  now = (): number => this.#ms;
  monotonic = (): number => this.#ms;
  soon = (run: () => void): void => void setImmediate(run);
  random = (): number => 0.5;
  rssBytes = (): number => 0;

  after = (ms: number, run: () => void): { cancel: () => void } => {
    const timer: { atMs: number; run: (() => void) | null } = { atMs: this.#ms + ms, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.run = null;
      },
    };
  };

  async pass(ms: number): Promise<void> {
    this.#ms += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#ms);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#ms);
    for (const { run } of due) run?.();
    await quiet();
  }
}

/** Lets everything run that waits for nothing but a turn of the loop. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Commits wait until the gate is open, and all succeed. */
class Scene {
  readonly world = new StillWorld();
  readonly begun: number[] = [];
  readonly groupOffsets: number[] = [];
  readonly calls: { readonly key: string; readonly answer: (answer: Answer) => void }[] = [];
  readonly partition: Partition;
  gate: Promise<void> = Promise.resolve();
  #token = 0;

  constructor() {
    const doors = this.#doors();
    const { ledger, world, settings, observer } = doors;
    const onBug = (error: unknown): void => {
      throw error;
    };
    const nothing = (): void => undefined;
    this.partition = new Partition({
      doors,
      committer: new Committer({
        ledger,
        world,
        settings,
        observer,
        onFenced: nothing,
        onHealth: nothing,
        onBug,
      }),
      partition: 0,
      owned: { outcome: 'owned', epoch: 1, watermark: 0, published: 0, lastNumber: 0, holders: [] },
      onBug,
      ownedCount: () => 1,
      onDisturbed: nothing,
    });
  }

  /** One record a location, in this order, from offset 0. */
  fetch(...locations: readonly string[]): void {
    this.partition.accept(batchOf(locations));
  }

  /** Answers every call under way, and those that follow from it, `done`. */
  async finishAll(): Promise<void> {
    for (let rounds = 0; this.calls.length > 0; rounds += 1) {
      assert.ok(rounds < 100, 'the calls never end');
      await this.finishOnce();
    }
  }

  async finishOnce(): Promise<void> {
    for (const { answer } of this.calls.splice(0)) answer({ outcome: 'done', evidence: {} });
    await quiet();
  }

  #doors(): WorkerDoors {
    const log = {
      topic: { name: 't', id: 'i', partitions: 1 },
      mayBegin: () => true,
      pause: () => undefined,
      resume: () => undefined,
      publish: async () => undefined,
      commit: (_partition: number, offset: number) => this.groupOffsets.push(offset),
    } as unknown as TransactionLog;
    const ledger = { commit: (commit: Commit) => this.#commit(commit) } as unknown as Ledger;
    const step = { name: 'apply', participant: 'p', timeoutMs: 1_000, irreversible: false };
    const plan = { type: 'x', version: 1, steps: [step], deadlineMs: 60_000 };
    const nothing = (): void => undefined;
    return {
      world: this.world,
      log,
      ledger,
      participant: () => ({
        execute: ({ key }) => new Promise((answer) => this.calls.push({ key, answer })),
        status: () => ({ outcome: 'never' }),
        reverse: () => ({ outcome: 'reversed' }),
        capabilities: async () => null,
        close: async () => undefined,
      }),
      types: { planOf: () => plan, storedPlan: () => plan, concurrencyOf: () => 1 },
      settings: DEFAULT_SETTINGS,
      observer: {
        problem: nothing,
        handOver: nothing,
        committed: nothing,
        called: nothing,
        finished: nothing,
        deadLetter: nothing,
      },
      version: 'test',
    };
  }

  async #commit({ heads, entries }: Commit): Promise<{ atMs: number; fenced: []; answers: EntryAnswer[] }> {
    await this.gate;
    let number = heads[0]?.lastNumber ?? 0;
    const answers = entries.map((entry): EntryAnswer => {
      this.#token += 1;
      const notAfterMs = 0;
      if (entry.kind === 'dead-letter') return { status: 'done' };
      if (entry.kind === 'begin') {
        this.begun.push(entry.offset);
        return { status: 'done', token: `${this.#token}`, notAfterMs };
      }
      number += 1;
      return { status: 'done', state: entry.to, step: 0, token: entry.fromToken, notAfterMs, number };
    });
    return { atMs: this.world.now(), fenced: [], answers };
  }
}

function batchOf(locations: readonly string[]): RecordBatch {
  const cells = locations.flatMap((location, offset) => [location, `{"id":"t-${offset}","type":"x"}`]);
  const bytes = Buffer.from(cells.join(''));
  const ends = cells.map((_, index) => cells.slice(0, index + 1).join('').length);
  const ranges = (which: 0 | 1): Int32Array =>
    Int32Array.from(
      locations.flatMap((_, index) => [ends[2 * index + which - 1] ?? 0, ends[2 * index + which] ?? 0]),
    );
  const none: readonly LogHeader[] = [];
  return {
    partition: 0,
    count: locations.length,
    bytes,
    offsets: Float64Array.from(locations.keys()),
    timestamps: new Float64Array(locations.length),
    keys: ranges(0),
    values: ranges(1),
    headers: () => none,
    nextOffset: locations.length,
  };
}

test('a hand-over closes the holes below a begin that is still in its commit', async () => {
  const scene = new Scene();
  const open = Promise.withResolvers<void>();
  scene.gate = open.promise;
  // A has two records; the second one is a hole below B, whose begin is not answered yet.
  scene.fetch('A', 'A', 'B', 'B');
  await quiet();
  const drained = scene.partition.drain('below', BUDGET_MS);
  open.resolve();
  await quiet();
  await scene.finishAll();
  assert.equal(await drained, true);
  assert.deepEqual(scene.begun, [0, 2, 1], 'the hole is closed, nothing above is begun');
  assert.equal(scene.groupOffsets.at(-1), 3, 'the next owner starts behind all that was begun');
});

test('a hand-over does not wait for a deep lane to its end', async () => {
  const scene = new Scene();
  scene.fetch(...Array.from({ length: 30 }, () => 'A'), 'B');
  await quiet();
  const drained = scene.partition.drain('below', BUDGET_MS);
  await quiet();
  for (let second = 0; second < 3; second += 1) await scene.finishOnce();
  assert.deepEqual(scene.begun, [0, 30, 1, 2, 3], 'goes on with what lies below');
  await scene.world.pass(LATER_MS);
  await scene.finishAll();
  assert.equal(await drained, true, 'what was under way has ended, long before the budget');
  assert.deepEqual(scene.begun, [0, 30, 1, 2, 3], 'nothing begins any more');
  assert.equal(scene.groupOffsets.at(-1), 4, 'the watermark stays below what is not accounted');
});

test('at SIGTERM nothing begins, below or above', async () => {
  const scene = new Scene();
  scene.fetch('A', 'A', 'B');
  await quiet();
  scene.partition.beginNothing();
  const drained = scene.partition.drain('none', BUDGET_MS);
  await scene.finishAll();
  assert.equal(await drained, true);
  assert.deepEqual(scene.begun, [0, 2]);
  assert.equal(scene.groupOffsets.at(-1), 1);
});
