import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { behaviourOf, QUIET, withBehaviours, within } from './behaviours.ts';

const KEYS = Array.from({ length: 4_000 }, (_, n) => `order-${n}:apply`);

describe('behaviours', () => {
  it('B1 the same seed and key choose the same, another seed chooses otherwise', () => {
    const behaviours = withBehaviours(QUIET, { refusalRate: 0.3, lostAnswerRate: 0.3 });
    const chosen = (seed: string) => KEYS.map((key) => behaviourOf(behaviours, seed, 'execute', key)).join();
    assert.equal(chosen('1'), chosen('1'));
    assert.notEqual(chosen('1'), chosen('2'));
  });

  it('come as often as their rates say', () => {
    const rates = { refusalRate: 0.1, slowRate: 0.2, garbageRate: 0.3, pendingRate: 0.4 };
    const behaviours = withBehaviours(QUIET, rates);
    const counts = new Map<string, number>();
    for (const key of KEYS) {
      const behaviour = behaviourOf(behaviours, '1', 'execute', key);
      counts.set(behaviour, (counts.get(behaviour) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].toSorted(), ['garbage', 'pending', 'refuse', 'slow']);
    const shares = [...counts].map(([behaviour, count]) => [behaviour, count / KEYS.length] as const);
    for (const [behaviour, rate] of [
      ['refuse', 0.1],
      ['slow', 0.2],
      ['garbage', 0.3],
      ['pending', 0.4],
    ] as const) {
      const share = new Map(shares).get(behaviour) ?? 0;
      assert.ok(Math.abs(share - rate) < 0.03, `${behaviour} ${share}`);
    }
  });

  it('are chosen for each kind of call by its own rates', () => {
    const executes = withBehaviours(QUIET, { refusalRate: 1 });
    assert.equal(behaviourOf(executes, '1', 'status', 'a:apply'), 'plain');
    assert.equal(behaviourOf(executes, '1', 'reverse', 'a:apply'), 'plain');
    const asks = withBehaviours(QUIET, { askLostRate: 1 });
    assert.equal(behaviourOf(asks, '1', 'execute', 'a:apply'), 'plain');
    assert.equal(behaviourOf(asks, '1', 'status', 'a:apply'), 'lose answer');
    assert.equal(behaviourOf(asks, '1', 'reverse', 'a:apply'), 'lose answer');
  });

  it('times lie within their range', () => {
    for (const key of KEYS) {
      const ms = within([50, 800], '1', key);
      assert.ok(ms >= 50 && ms < 800);
    }
    assert.equal(within([7, 7], '1', 'a'), 7);
  });

  it('refuse fields and values that make no sense, naming the field', () => {
    for (const [over, name] of [
      [{ refusalRat: 0.1 }, /refusalRat/],
      [{ refusalRate: 1.1 }, /refusalRate/],
      [{ refusalRate: [0, 1] }, /refusalRate/],
      [{ delayMs: 5 }, /delayMs/],
      [{ delayMs: [5, 1] }, /delayMs/],
      [{ slowMs: [0, 2 ** 31] }, /slowMs/],
      [{ refusalRate: 0.6, retryRate: 0.6 }, /add up/],
    ] as const) {
      assert.throws(() => withBehaviours(QUIET, over), { name: 'TypeError', message: name });
    }
  });
});
