/** The drain of a partition against doors that answer when the test says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quiet, StillPartition } from '../../test/fixtures/still-partition.ts';

const BUDGET_MS = 60_000;
/** More than a drain goes on beginning records below the highest one taken. */
const LATER_MS = 6_000;

test('a hand-over closes the holes below a begin that is still in its commit', async () => {
  const scene = new StillPartition();
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
  const scene = new StillPartition();
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
  const scene = new StillPartition();
  scene.fetch('A', 'A', 'B');
  await quiet();
  scene.partition.beginNothing();
  const drained = scene.partition.drain('none', BUDGET_MS);
  await scene.finishAll();
  assert.equal(await drained, true);
  assert.deepEqual(scene.begun, [0, 2]);
  assert.equal(scene.groupOffsets.at(-1), 1);
});

test('a record that belongs on another server of the ledger is a dead letter, and its lane goes on', async () => {
  const misplaced = (location: string) => (location.startsWith('far') ? 'on shard 1' : null);
  const scene = new StillPartition({ misplaced });
  scene.fetch('A', 'far-1', 'far-2', 'far-2', 'A');
  await scene.finishAll();
  await quiet();
  await scene.finishAll();
  assert.deepEqual(scene.begun, [0, 4]);
  assert.deepEqual(scene.deadLetters.toSorted(), ['1 SB-1118', '2 SB-1118', '3 SB-1118']);
  assert.deepEqual([...scene.parkedRows], []);
});
