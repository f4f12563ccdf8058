/** When lanes are parked, in which order parked rows come back, and what a hand-over and a cancelling make of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quiet, StillPartition } from '../../test/fixtures/still-partition.ts';
import type { ParkedRow } from './ports-ledger.ts';

const BUDGET_MS = 60_000;

function rowAt(offset: number): ParkedRow {
  const id = `t-${offset}`;
  const payload = `{"id":"${id}","type":"x"}`;
  return {
    id,
    offset,
    type: 'x',
    plan: '1:apply',
    payload,
    expiresAtMs: null,
    traceparent: null,
    recordTimeMs: 0,
  };
}

function idsOf(scene: StillPartition, location: string): string[] {
  return (scene.parkedRows.get(location) ?? []).map(({ id }) => id);
}

test('a lane that stands still for a second is parked, others are not', async () => {
  const scene = new StillPartition();
  scene.fetch('A', 'A', 'A', 'B', 'B');
  await scene.wait(750);
  await scene.finish('t-3');
  await scene.wait(500);
  assert.deepEqual(idsOf(scene, 'A'), ['t-1', 't-2']);
  assert.equal(scene.parkedRows.get('B'), undefined, 'B began one meanwhile');
  assert.equal(scene.partition.state.watermark.ready, 5, 'parked records are accounted');
  assert.equal(scene.partition.lanes.waiting, 0);
});

test('parked rows begin before what came later, in order', async () => {
  const scene = new StillPartition();
  scene.fetch('A', 'A', 'A');
  await scene.wait(1_500);
  await scene.finish('t-0');
  scene.fetch('A', 'A');
  await quiet();
  await scene.finishAll();
  assert.deepEqual(scene.begun, [0, 1, 2, 3, 4]);
  assert.equal(scene.partition.lanes.size, 0, 'the lane is gone');
});

test('a deep parked lane is read a page at a time, and goes back to memory', async () => {
  const scene = new StillPartition();
  scene.fetch(...Array.from({ length: 301 }, () => 'A'));
  await scene.wait(1_500);
  assert.equal(idsOf(scene, 'A').length, 300);
  assert.equal(scene.pagesRead, 0, 'nothing is read while the slot is in use');
  scene.fetch('A');
  for (let rounds = 0; scene.calls.length > 0 && rounds < 400; rounds += 1) await scene.finishOnce();
  assert.deepEqual(
    scene.begun,
    Array.from({ length: 302 }, (_, offset) => offset),
  );
  assert.ok(scene.pagesRead >= 5 && scene.pagesRead <= 8, `${scene.pagesRead} pages`);
  assert.equal(scene.disturbed, 0);
});

test('more rows than are parked here: somebody else writes in the partition, so it is taken over again', async () => {
  const scene = new StillPartition({ parked: [{ location: 'A', row: rowAt(0) }] });
  scene.parkedRows.get('A')?.push(rowAt(1));
  scene.partition.pumpAll();
  await quiet();
  assert.equal(scene.disturbed, 1);
  assert.deepEqual(scene.begun, [], 'none of them begins here');
});

test('a page that is not full is not read again and again while its lane stands still', async () => {
  const scene = new StillPartition();
  scene.fetch('A', 'A', 'A', 'A');
  await scene.wait(1_500);
  await scene.finish('t-0'); // t-1 is stuck, t-2 and t-3 are in the page
  const open = Promise.withResolvers<void>();
  scene.gate = open.promise;
  scene.fetch('A');
  await scene.wait(1_500);
  assert.equal(scene.partition.lanes.waiting, 0, 't-4 is on its way to the ledger');
  const before = scene.pagesRead;
  scene.partition.pumpAll();
  await scene.wait(2_000);
  assert.ok(scene.pagesRead - before <= 2, `${scene.pagesRead - before} reads`);
  open.resolve();
  await scene.finishAll();
  assert.deepEqual(scene.begun, [0, 1, 2, 3, 4]);
});

test('what a take-over finds parked begins first', async () => {
  const scene = new StillPartition({
    parked: [
      { location: 'A', row: rowAt(1_001) },
      { location: 'A', row: rowAt(1_002) },
    ],
  });
  scene.fetch('A', 'B');
  await quiet();
  await scene.finishAll();
  assert.deepEqual(scene.begun, [1, 1_001, 1_002, 0]);
});

test('rows that are not where the take-over counted them: the partition is taken over again', async () => {
  const scene = new StillPartition({ parked: [{ location: 'A', row: rowAt(7) }] });
  await quiet();
  await scene.finishAll();
  assert.equal(scene.disturbed, 0);
  const short = new StillPartition();
  short.partition.lanes.foundParked('A', 1);
  short.partition.pumpAll();
  await quiet();
  assert.equal(short.disturbed, 1);
});

test('nothing is parked while a commit does not come back, nor at once after it', async () => {
  const scene = new StillPartition();
  scene.fetch('A', 'A', 'B');
  await quiet();
  const open = Promise.withResolvers<void>();
  scene.gate = open.promise;
  await scene.finish('t-2');
  await scene.wait(5_000);
  open.resolve();
  await quiet();
  await scene.wait(500);
  assert.equal(scene.parkedRows.size, 0);
  await scene.wait(1_000);
  assert.deepEqual(idsOf(scene, 'A'), ['t-1']);
});

test('at most so many rows of a partition are parked, and it is told once', async () => {
  const scene = new StillPartition({ settings: { parkedMax: 2 } });
  scene.fetch('A', 'A', 'A', 'A', 'B', 'B');
  await scene.wait(3_000);
  assert.deepEqual(idsOf(scene, 'A'), ['t-1', 't-2']);
  assert.deepEqual(scene.problems, ['SB-2012']);
  await scene.finishAll();
  assert.deepEqual([...scene.begun].sort(), [0, 1, 2, 3, 4, 5]);
});

test('a lane that fills the memory while the others are dry is parked, and with growing waits', async () => {
  const scene = new StillPartition({ settings: { waitingRecordsPerPartitionMax: 20, parkAfterMs: 1e9 } });
  scene.fetch(...Array.from({ length: 30 }, () => 'A'), 'B');
  await scene.wait(250);
  assert.equal(idsOf(scene, 'A').length, 29);
  scene.fetch(...Array.from({ length: 30 }, () => 'A'));
  await scene.wait(1_750);
  assert.equal(idsOf(scene, 'A').length, 29, 'not again at once');
  await scene.wait(500);
  assert.equal(idsOf(scene, 'A').length, 59);
});

test('many lanes that fill the memory together are not parked', async () => {
  const scene = new StillPartition({ settings: { waitingRecordsPerPartitionMax: 20, parkAfterMs: 1e9 } });
  scene.fetch(...Array.from({ length: 60 }, (_, index) => ['A', 'B', 'C'][index % 3] ?? ''));
  await scene.wait(10_000);
  assert.equal(scene.parkedRows.size, 0);
});

test('a hand-over parks what waits behind parked rows, so that the watermark passes it', async () => {
  const scene = new StillPartition();
  scene.fetch('A', 'A');
  await scene.wait(1_500);
  scene.fetch('A', 'B');
  await quiet();
  assert.equal(scene.partition.state.watermark.ready, 2);
  const drained = scene.partition.drain('below', BUDGET_MS);
  await quiet();
  assert.deepEqual(idsOf(scene, 'A'), ['t-1', 't-2']);
  await scene.finish('t-0');
  await scene.finish('t-3');
  assert.equal(await drained, true);
  assert.deepEqual(scene.begun, [0, 3], 'parked rows are left to the next owner');
  assert.equal(scene.groupOffsets.at(-1), 4);
});

test('a paused location is parked, and begins when it is resumed', async () => {
  const scene = new StillPartition();
  scene.limit({ location: 'A*', concurrency: null, paused: true });
  scene.fetch('A1', 'A1', 'B');
  await scene.wait(1_500);
  assert.deepEqual(scene.begun, [2]);
  assert.deepEqual(idsOf(scene, 'A1'), ['t-0', 't-1']);
  scene.limit({ location: 'A*', concurrency: null, paused: false });
  await quiet();
  await scene.finishAll();
  assert.deepEqual(scene.begun, [2, 0, 1]);
});

test('a parked row that is cancelled is left out, wherever its copy is', async (context) => {
  const command = (id: string) => ({
    sequence: 1,
    partition: 0,
    id,
    location: 'A',
    action: 'cancel' as const,
    expectedState: 'received' as const,
    expectedToken: null,
    evidence: null,
    reason: 'not needed any more',
    actor: 'ops',
  });
  const scene = async (): Promise<StillPartition> => {
    const made = new StillPartition();
    made.fetch('A', 'A', 'A', 'A');
    await made.wait(1_500);
    assert.deepEqual(idsOf(made, 'A'), ['t-1', 't-2', 't-3']);
    return made;
  };
  const cancel = (made: StillPartition, id: string): void => {
    const row = { id, partition: 0, location: 'A', type: 'x', state: 'received', traceparent: null };
    made.partition.commands.take(command(id), row as never);
  };
  const finishes = async (made: StillPartition, begun: readonly number[]): Promise<void> => {
    await quiet();
    await made.finishAll();
    assert.deepEqual(made.begun, begun);
    assert.equal(made.partition.lanes.size, 0);
    assert.equal(made.disturbed, 0);
  };
  await context.test('in the ledger only', async () => {
    const made = await scene();
    cancel(made, 't-2');
    await finishes(made, [0, 1, 3]);
  });
  await context.test('in a page that was read', async () => {
    const made = await scene();
    await made.finish('t-0'); // t-1 begins; t-2 and t-3 are in the page
    cancel(made, 't-2');
    await finishes(made, [0, 1, 3]);
  });
  await context.test('on its way to its begin', async () => {
    const made = await scene();
    const open = Promise.withResolvers<void>();
    made.gate = open.promise;
    cancel(made, 't-1'); // waits for the gate, and the finish of t-0 with the begin of t-1 behind it
    await made.finish('t-0');
    open.resolve();
    await finishes(made, [0, 2, 3]);
  });
});
