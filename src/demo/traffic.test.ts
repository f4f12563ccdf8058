import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TransactionSender, World } from '../engine/ports.ts';
import { type ProducedRecord, skewedShares, Traffic, timeSortedId } from './traffic.ts';

/** A world whose timers run one after the other, each as soon as the work before it has come to rest. */
function steppedWorld() {
  let nowMs = 1_000_000;
  let seed = 1;
  const world: World = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (ms, run) => {
      setImmediate(() => {
        nowMs += ms;
        run();
      });
      return { cancel: () => undefined };
    },
    soon: (run) => queueMicrotask(run),
    random: () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
    rssBytes: () => 0,
  };
  return world;
}

type Sent = Parameters<TransactionSender['send']>[0];

function setup(more: {
  fails?: () => boolean;
  mayProduce?: () => boolean;
  until: (produced: number) => boolean;
}) {
  const world = steppedWorld();
  const sent: Sent[number][] = [];
  const produced: ProducedRecord[] = [];
  const problems: unknown[] = [];
  const done = Promise.withResolvers<void>();
  const traffic = new Traffic({
    world,
    sender: {
      send: async (records) => {
        sent.push(...records);
        if (more.fails?.()) throw new Error('away');
      },
      close: async () => undefined,
    },
    locations: ['A', 'B', 'C', 'D'],
    rate: 60,
    firstSequence: 10,
    mayProduce: more.mayProduce ?? (() => true),
    onProduced: (records) => {
      produced.push(...records);
      if (more.until(produced.length)) done.resolve();
    },
    onProblem: (error) => problems.push(error),
  });
  traffic.start();
  return { world, sent, produced, problems, traffic, done: done.promise };
}

describe('Traffic', () => {
  it('produces about the rate, in order of sequence, each id once', async () => {
    const { world, produced, sent, traffic, done } = setup({ until: (count) => count >= 3_000 });
    const startedMs = world.now();
    await done;
    await traffic.stop();
    const seconds = (world.now() - startedMs) / 1000;
    assert.ok(
      produced.length / seconds > 30 && produced.length / seconds < 90,
      `${produced.length / seconds}`,
    );
    assert.deepEqual(
      produced.map(({ sequence }) => sequence),
      produced.map((_, index) => 11 + index),
    );
    assert.equal(new Set(produced.map(({ id }) => id)).size, produced.length);
    assert.deepEqual(
      produced.map(({ id }) => id),
      produced.map(({ id }) => id).sort(),
    );
    assert.deepEqual(
      sent.map(({ key }) => key),
      produced.map(({ location }) => location),
    );
    const value = JSON.parse(String(sent[0]?.value));
    assert.equal(value.type, 'withdraw');
    assert.ok(Number.isInteger(value.data.amount) && value.data.amount % 2_000 === 0);
  });

  it('sends the same again after an error, and counts it once', async () => {
    let tries = 0;
    const { produced, sent, problems, traffic, done } = setup({
      fails: () => ++tries <= 2,
      until: (count) => count > 0,
    });
    await done;
    await traffic.stop();
    assert.equal(problems.length, 2);
    const ids = sent.map(({ value }) => JSON.parse(String(value)).id);
    const first = ids.slice(0, ids.length / 3);
    assert.deepEqual(ids.slice(0, 3 * first.length).slice(first.length, 2 * first.length), first);
    assert.deepEqual(
      produced.slice(0, first.length).map(({ id }) => id),
      first,
    );
  });

  it('produces nothing while it may not, and does not make up for it', async () => {
    let asked = 0;
    const { produced, traffic, done } = setup({
      mayProduce: () => ++asked > 100,
      until: (count) => count > 0,
    });
    await done;
    await traffic.stop();
    assert.ok(asked > 100);
    assert.ok(produced.length < 30, `${produced.length}`);
  });
});

describe('skewedShares', () => {
  it('sums to one, gives every location something, and none more than it can do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }), (count, rate) => {
        const shares = skewedShares(count, rate);
        const sum = shares.reduce((all, share) => all + share, 0);
        assert.ok(Math.abs(sum - 1) < 1e-9);
        assert.ok(shares.every((share) => share > 0));
        const cap = Math.max(1.3 / rate, 1 / count);
        assert.ok(
          shares.every((share) => share <= cap * 1.25),
          `${Math.max(...shares)} above ${cap}`,
        );
      }),
    );
  });

  it('is skewed where the rate allows it', () => {
    const shares = skewedShares(120, 60);
    assert.ok((shares[0] ?? 0) > 4 * (shares[119] ?? 1));
  });
});

describe('timeSortedId', () => {
  it('sorts as text by time, then sequence', () => {
    const time = fc.integer({ min: 0, max: 36 ** 9 - 1 });
    const sequence = fc.integer({ min: 0, max: 36 ** 5 - 1 });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(time, time, sequence, sequence, random, random, (a, b, s, t, r, q) => {
        const [first, second] = [timeSortedId(a, s, r), timeSortedId(b, t, q)];
        assert.match(first, /^[0-9A-Z]{9}-[0-9A-Z]{5}-[0-9A-Z]{4}$/);
        if (a !== b || s !== t) assert.equal(first < second, a < b || (a === b && s < t));
      }),
    );
  });
});
