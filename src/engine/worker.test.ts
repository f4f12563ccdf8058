/** What a worker does before the first record, against doors that answer at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchOf, quiet, StillWorld } from '../../test/fixtures/still-partition.ts';
import { DEFAULT_SETTINGS, type Observer } from './options.ts';
import type { LogListener, TransactionLog } from './ports.ts';
import { type Commit, type Ledger, LedgerError } from './ports-ledger.ts';
import { Worker } from './worker.ts';

const OWNED = {
  outcome: 'owned',
  epoch: 1,
  watermark: 0,
  published: 0,
  lastNumber: 0,
  commits: 0,
  holders: [],
  parked: [],
} as const;

test('a pattern that is paused stays so over a restart: limits are known before a partition is taken over', async () => {
  const world = new StillWorld();
  const asked: string[] = [];
  const begun: string[] = [];
  let listener: LogListener | undefined;
  let refusals = 1;
  const ledger = {
    limits: async () => {
      asked.push('limits');
      if (refusals-- > 0) throw new LedgerError('refused', 'the server is starting up');
      return { atMs: 1, limits: [{ location: 'atm-*', concurrency: null, paused: true }] };
    },
    takeOver: async () => {
      asked.push('take-over');
      return OWNED;
    },
    notePartitions: async () => null,
    commit: async ({ entries }: Commit) => {
      const answers = entries.map((entry) => {
        if (entry.kind === 'begin') begun.push(entry.location);
        return { status: 'done', token: '1', notAfterMs: 0 };
      });
      return { atMs: 0, fenced: [], answers };
    },
  } as unknown as Ledger;
  const log = {
    topic: { name: 't', id: 'i', partitions: 1, retentionMs: null },
    open: async (given: LogListener) => {
      listener = given;
    },
    start: () => undefined,
    lastPublished: async () => 0,
    mayBegin: () => true,
  } as unknown as TransactionLog;
  const step = { name: 'apply', participant: 'p', timeoutMs: 1_000, irreversible: false };
  const plan = { type: 'x', version: 1, steps: [step], deadlineMs: 60_000 };
  const nothing = (): void => undefined;
  const events = ['problem', 'handOver', 'committed', 'called', 'finished', 'deadLetter'];
  const worker = new Worker({
    world,
    log,
    ledger,
    participant: () => {
      const never = new Promise<never>(nothing);
      return { execute: () => never, status: () => never, reverse: () => never } as never;
    },
    types: { planOf: () => plan, storedPlan: () => plan, concurrencyOf: () => 1 },
    settings: DEFAULT_SETTINGS,
    observer: Object.fromEntries(events.map((event) => [event, nothing])) as unknown as Observer,
    version: 'test',
  });
  await worker.start();
  listener?.assigned(0, null);
  await quiet();
  assert.deepEqual(asked, ['limits'], 'without the limits nothing is taken over');
  await world.pass(DEFAULT_SETTINGS.retryFirstMs);
  assert.deepEqual(asked, ['limits', 'limits', 'take-over']);
  listener?.records(batchOf(['atm-1', 'depot-1'], 0));
  await quiet();
  assert.deepEqual(begun, ['depot-1']);
});
