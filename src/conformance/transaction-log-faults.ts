/** The contract of TransactionLog: members die, networks break, the server restarts. */
import assert from 'node:assert/strict';
import type { Check } from './transaction-log-records.ts';
import { numbered, type Scene, until } from './transaction-log-scene.ts';

const SESSION_MS = 4_000;
/** Promise L2: work resumes within the session time-out and this. */
const RESUME_MS = 5_000;
/** A rebalance of the survivors on a machine under load. */
const LOADED_MS = 5_000;

async function deathIsNoticed(scene: Scene): Promise<void> {
  const sessionTimeoutMs = SESSION_MS;
  const dies = await scene.join({ sessionTimeoutMs });
  const lives = await scene.join({ sessionTimeoutMs });
  await scene.balanced(dies, lives);
  const mine = lives.owned;
  await scene.fixture.killLog?.(dies.log);
  const diedAt = performance.now();
  await scene.produce(mine[0] ?? -1, numbered('goes on', 10));
  await scene.received(lives, 10);
  await scene.balanced(lives);
  const tookMs = performance.now() - diedAt;
  assert.ok(tookMs < SESSION_MS + RESUME_MS + LOADED_MS, `taken over after ${tookMs} ms`);
  assert.ok(tookMs > SESSION_MS / 3, `not before the session can have ended: ${tookMs} ms`);
  assert.deepEqual(lives.lostPartitions, []);
  for (const partition of [0, 1, 2, 3]) await scene.produce(partition, ['after the death']);
  await scene.received(lives, 14);
}

async function fenceCloses(scene: Scene): Promise<void> {
  // Long enough that the cut is healed well before the session ends.
  const sessionTimeoutMs = 12_000;
  const member = await scene.join({ sessionTimeoutMs });
  await scene.balanced(member);
  assert.ok(member.log.mayBegin());
  const heal = await scene.fixture.cutOff?.(member.log);
  const cutAt = performance.now();
  await until('the fence closes', () => !member.log.mayBegin());
  const closedMs = performance.now() - cutAt;
  assert.ok(closedMs < (sessionTimeoutMs * 2) / 3 + 500, `closed after ${closedMs} ms`);
  assert.deepEqual(member.owned.sort(), [0, 1], 'nothing is lost by time alone');
  await heal?.();
  await until('the fence opens', () => member.log.mayBegin());
  await until('resumed is told', () => member.resumedCount === 1);
  await until('healthy again', () => member.log.health().connected);
  assert.deepEqual(member.lostPartitions, []);
  await scene.produce(0, numbered('after', 5));
  await scene.received(member, 5);
  assert.ok(member.problems.length > 0, 'a person is told');
}

async function cutOffIsLost(scene: Scene): Promise<void> {
  const sessionTimeoutMs = SESSION_MS;
  const cut = await scene.join({ sessionTimeoutMs });
  const other = await scene.join({ sessionTimeoutMs });
  await scene.balanced(cut, other);
  const mine = cut.owned;
  const heal = await scene.fixture.cutOff?.(cut.log);
  await until('the other takes over', () => other.owned.length === 4);
  assert.ok(!cut.log.mayBegin(), 'the fence is closed before anybody takes over');
  await heal?.();
  await until('the loss is told', () => cut.lostPartitions.length === mine.length);
  assert.deepEqual([...cut.lostPartitions].sort(), [...mine].sort());
  await scene.balanced(cut, other);
  assert.ok(cut.log.mayBegin());
  for (const partition of [0, 1, 2, 3]) await scene.produce(partition, ['back']);
  await until('all four', () => cut.received.length + other.received.length >= 4);
}

async function serverRestarts(scene: Scene): Promise<void> {
  // Kafka starts the sessions anew when it has loaded the group, which on a busy machine is long before its port opens.
  const sessionTimeoutMs = 30_000;
  const first = await scene.join({ sessionTimeoutMs });
  const second = await scene.join({ sessionTimeoutMs });
  await scene.balanced(first, second);
  await scene.produce(0, numbered('before', 10));
  await until('all before', () => first.received.length + second.received.length >= 10);
  await scene.fixture.restartBroker?.();
  await until('produced after', async () => {
    return scene.produce(0, ['after']).then(
      () => true,
      () => false,
    );
  });
  const all = (): string[] => [...first.valuesOf(0), ...second.valuesOf(0)];
  await until('the one after', () => all().includes('after'));
  const owner = first.owned.includes(0) ? first : second;
  await until('the owner may begin', () => owner.log.mayBegin());
  const position = owner.position(0);
  assert.ok(position !== null);
  owner.log.commit(0, position);
  await scene.committed(0, position);
  const result = { key: 'atm-1', value: '{}', headers: [] };
  await until('a result is published', () =>
    owner.log.publish(0, [result]).then(
      () => true,
      () => false,
    ),
  );
  await until('both are healthy', () => [first, second].every(({ log }) => log.health().connected));
  for (const { lostPartitions } of [first, second]) assert.deepEqual(lostPartitions, []);
  assert.deepEqual([...new Set(all())], all(), 'nothing came twice');
}

export const FAULT_CHECKS: readonly Check[] = [
  {
    name: 'a member that vanishes is replaced within session time-out + 5 s, and the others go on',
    partitions: 4,
    needs: 'killLog',
    run: deathIsNoticed,
  },
  {
    name: 'cut off, it may begin nothing after two thirds of the session; healed in time it has lost nothing',
    partitions: 2,
    needs: 'cutOff',
    run: fenceCloses,
  },
  {
    name: 'cut off for longer than the session it hears of the loss when it is back',
    partitions: 4,
    needs: 'cutOff',
    run: cutOffIsLost,
  },
  {
    name: 'goes on after the server behind it was killed and restarted',
    partitions: 4,
    needs: 'restartBroker',
    run: serverRestarts,
  },
];
