/** The contract of TransactionLog: members come, share, hand over and leave. */
import assert from 'node:assert/strict';
import type { Check } from './transaction-log-records.ts';
import { numbered, type Scene, until } from './transaction-log-scene.ts';

/** Fails as soon as two members hold one partition, until it is stopped. */
function watchOwners(scene: Scene): () => void {
  const seen: string[] = [];
  const timer = setInterval(() => {
    const held = scene.members.flatMap((member) => member.held);
    if (new Set(held).size < held.length)
      seen.push(JSON.stringify(scene.members.map((member) => member.held)));
  }, 2);
  timer.unref();
  return () => {
    clearInterval(timer);
    assert.deepEqual(seen, [], 'a partition had two owners');
  };
}

/** Every value once over all members. */
function assertOnce(scene: Scene, expected: readonly string[]): void {
  const values = scene.members.flatMap((member) => member.received.map(({ value }) => String(value)));
  assert.deepEqual(values.sort(), [...expected].sort());
}

async function sharesBalanced(scene: Scene): Promise<void> {
  const stop = watchOwners(scene);
  const first = await scene.join();
  await scene.balanced(first);
  const second = await scene.join();
  await scene.balanced(first, second);
  const third = await scene.join();
  await scene.balanced(first, second, third);
  await scene.close(second);
  await scene.balanced(first, third);
  stop();
  for (const member of scene.members) assert.deepEqual(member.lostPartitions, []);
}

async function joinsTogether(scene: Scene): Promise<void> {
  const stop = watchOwners(scene);
  const members = await Promise.all([scene.join(), scene.join(), scene.join()]);
  await scene.balanced(...members);
  stop();
}

async function handOverWaits(scene: Scene): Promise<void> {
  const released = Promise.withResolvers<void>();
  const first = await scene.join({ drain: () => released.promise });
  await scene.balanced(first);
  const second = await scene.join();
  await until('the first is asked to hand over', () => first.held.length > first.owned.length);
  const asked = first.held.filter((partition) => !first.owned.includes(partition));
  await scene.produce(first.owned[0] ?? -1, numbered('goes on', 20));
  await scene.received(first, 20);
  // Several heartbeats long nothing moves, and the membership stays proven.
  const waited = performance.now() + 3_000;
  await until('three seconds have gone by', () => {
    assert.deepEqual(second.held, [], 'nothing is handed over before the drain ends');
    assert.ok(first.log.mayBegin());
    return performance.now() > waited;
  });
  released.resolve();
  await scene.balanced(first, second);
  assert.deepEqual(second.owned.sort(), asked.sort(), 'what was drained moved, the rest stayed');
  assert.ok(first.budgets.every((budgetMs) => budgetMs > 0));
}

async function commitsBeforeHandOver(scene: Scene): Promise<void> {
  for (const partition of [0, 1, 2, 3]) await scene.produce(partition, numbered(`p${partition}`, 25));
  const first = await scene.join();
  await scene.received(first, 100);
  const second = await scene.join();
  await scene.balanced(first, second);
  for (const partition of second.owned) {
    assert.equal(second.groupOffsets.get(partition), first.position(partition), `partition ${partition}`);
  }
  await scene.close(first);
  await scene.balanced(second);
  for (const partition of [0, 1, 2, 3]) {
    assert.equal(second.groupOffsets.get(partition), first.position(partition), `partition ${partition}`);
  }
  assertOnce(
    scene,
    [0, 1, 2, 3].flatMap((partition) => numbered(`p${partition}`, 25)),
  );
}

/** Produces to eight partitions until stopped; resolves to everything that was produced. */
function produceOn(scene: Scene): () => Promise<string[]> {
  const produced: string[] = [];
  let producing = true;
  const producer = (async () => {
    for (let round = 0; producing; round += 1) {
      const values = numbered(`round ${round} record`, 8);
      await scene.fixture.produce(
        scene.topic,
        values.map((value, index) => ({ partition: index, key: 'atm-1', value })),
      );
      produced.push(...values);
    }
  })();
  // Its failure is told by the one who stops it.
  producer.catch(() => undefined);
  return async () => {
    producing = false;
    await producer;
    return produced;
  };
}

async function movesUnderLoad(scene: Scene): Promise<void> {
  const stopProducing = produceOn(scene);
  const stopWatching = watchOwners(scene);
  let produced: string[] = [];
  try {
    const first = await scene.join();
    await scene.balanced(first);
    const second = await scene.join();
    await scene.balanced(first, second);
    const third = await scene.join();
    await scene.balanced(first, second, third);
    await scene.close(first);
    await scene.balanced(second, third);
  } finally {
    produced = await stopProducing();
    stopWatching();
  }
  const total = (): number => scene.members.reduce((sum, member) => sum + member.received.length, 0);
  await until(`${produced.length} records over all members`, () => total() >= produced.length, {
    state: total,
  });
  assertOnce(scene, produced);
}

async function budgetRunsOut(scene: Scene): Promise<void> {
  const budgetMs = 1_500;
  const never = new Promise<void>(() => undefined);
  const first = await scene.join({ drain: () => never, drainBudgetMs: budgetMs });
  await scene.balanced(first);
  const second = await scene.join({ drainBudgetMs: budgetMs });
  await until('the first is asked to hand over', () => first.held.length > first.owned.length);
  const askedAt = performance.now();
  const kept = first.owned;
  await until('the second has its share', () => second.owned.length === 2);
  assert.ok(performance.now() - askedAt > budgetMs * 0.8, 'not before the budget is used up');
  assert.ok(first.budgets.every((budget) => budget === budgetMs));
  assert.deepEqual(first.owned, kept, 'the rest stays');
  assert.deepEqual(first.lostPartitions, []);
  await scene.produce(kept[0] ?? -1, ['still fetched']);
  await scene.received(first, 1);
}

async function closeLeaves(scene: Scene): Promise<void> {
  const drained: [number, number][] = [];
  const first = await scene.join({
    drain: async (partition, budgetMs) => void drained.push([partition, budgetMs]),
  });
  await scene.balanced(first);
  const second = await scene.join();
  await scene.balanced(first, second);
  const mine = first.owned;
  drained.length = 0;
  await scene.close(first, 1_234);
  const closedAt = performance.now();
  assert.deepEqual(
    drained.sort(),
    mine.map((partition) => [partition, 1_234]),
    'each partition is drained with the budget of close',
  );
  await scene.balanced(second);
  const tookMs = performance.now() - closedAt;
  assert.ok(tookMs < 4_000, `the others need not wait for the session: ${tookMs} ms`);
  const heard = first.received.length;
  for (const partition of [0, 1, 2, 3]) await scene.produce(partition, ['after the close']);
  await scene.received(second, 4);
  assert.equal(first.received.length, heard, 'nothing is heard after close');
  assert.equal(first.log.health().connected, false);
  await first.log.close(0);
}

async function closeDoesNotHang(scene: Scene): Promise<void> {
  const first = await scene.join({ drain: () => new Promise(() => undefined) });
  await scene.balanced(first);
  const startedAt = performance.now();
  await scene.close(first, 300);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 250 && tookMs < 5_000, `${tookMs} ms`);
}

async function healthSays(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.balanced(member);
  assert.deepEqual(member.log.health(), { connected: true, joined: true, problem: null });
  assert.equal(member.log.topic.name, scene.topic);
  assert.equal(member.log.topic.partitions, 4);
  assert.ok(member.log.topic.id.length > 0);
  assert.ok(member.log.mayBegin());
}

export const GROUP_CHECKS: readonly Check[] = [
  { name: 'health, topic and fence of a member at work', partitions: 4, run: healthSays },
  { name: 'members share the partitions evenly as they come and go', partitions: 8, run: sharesBalanced },
  { name: 'members that join together share evenly', partitions: 7, run: joinsTogether },
  { name: 'a hand-over waits for the drain, and the rest goes on', partitions: 4, run: handOverWaits },
  {
    name: 'what was committed in the drain is written before the next owner begins',
    partitions: 4,
    run: commitsBeforeHandOver,
  },
  {
    name: 'under load every record is seen once while members come and go',
    partitions: 8,
    run: movesUnderLoad,
  },
  { name: 'a drain that does not end is over with its budget', partitions: 4, run: budgetRunsOut },
  { name: 'close drains, commits, leaves at once and is silent after', partitions: 4, run: closeLeaves },
  {
    name: 'close with a drain that does not end takes its budget and no more',
    partitions: 2,
    run: closeDoesNotHang,
  },
];
