/** The consumer over a log that a test turns, in virtual time: order, retries, bounds, hand-over, and a model of it all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { batchOf } from '../../test/fixtures/still-partition.ts';
import { VirtualWorld } from '../../test/fixtures/virtual-world.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { LogListener } from '../engine/ports.ts';
import { Consumer, type ConsumerDoors } from './consumer.ts';
import type { ConsumerEvent, ConsumerOptions, ConsumerRecord } from './options.ts';

/** One partition of a topic, as the log would tell of it. */
class Stage {
  readonly world = new VirtualWorld();
  readonly committed: { offset: number; metadata: string }[] = [];
  readonly sent: {
    key: string | Buffer | null;
    value: Buffer | null;
    headers?: Readonly<Record<string, string | Buffer>>;
  }[] = [];
  readonly events: ConsumerEvent[] = [];
  mayBegin = true;
  paused = false;
  sendFails = 0;
  listener: LogListener | null = null;

  readonly #log: ConsumerDoors['log'] = {
    topic: { name: 't', id: 'i', partitions: 1, retentionMs: null },
    open: async (listener) => {
      this.listener = listener;
    },
    start: () => undefined,
    pause: () => {
      this.paused = true;
    },
    resume: () => {
      this.paused = false;
    },
    mayBegin: () => this.mayBegin,
    commit: (_partition, offset, metadata = '') => void this.committed.push({ offset, metadata }),
    endOffsets: async () => new Map([[0, 100]]),
    health: () => ({ connected: true, joined: true, problem: null }),
    close: async (budgetMs) => {
      await this.listener?.revoked(0, budgetMs);
    },
  };

  async open<Key = string | null, Value = Buffer | null>(
    options: Partial<ConsumerOptions<Key, Value>> & Record<string, unknown>,
    { deadLetters = false, offset = 0 as number | null, metadata = '' } = {},
  ): Promise<Consumer<Key, Value>> {
    const consumer = new Consumer<Key, Value>(
      { topic: 't', group: 'g', ...options } as ConsumerOptions<Key, Value>,
      {
        world: this.world,
        log: this.#log,
        keepAlive: () => () => undefined,
        deadLetters: deadLetters
          ? {
              send: async (records) => {
                if (this.sendFails-- > 0) throw new SignalboxError('SB-3001', 'away');
                this.sent.push(...records);
              },
              close: async () => undefined,
            }
          : null,
      },
    );
    const read = consumer.events();
    void (async () => {
      for await (const event of read) this.events.push(event);
    })();
    await consumer.start();
    this.listener?.assigned(0, offset, metadata);
    return consumer;
  }

  records(keys: readonly string[], first: number): void {
    this.listener?.records(batchOf(keys, first));
  }

  get last() {
    return this.committed.at(-1);
  }
}

/** A handler whose records end when the test says so. */
class Gates {
  readonly started: number[] = [];
  readonly #open = new Map<number, PromiseWithResolvers<void>>();

  readonly handle = (record: ConsumerRecord): Promise<void> => {
    this.started.push(record.offset);
    const gate = Promise.withResolvers<void>();
    this.#open.set(record.offset, gate);
    return gate.promise;
  };

  end(offset: number): void {
    this.#open.get(offset)?.resolve();
  }

  fail(offset: number, error: unknown = new Error('no')): void {
    this.#open.get(offset)?.reject(error);
  }
}

describe('order and concurrency', () => {
  it('records of a key one after the other, keys side by side', async () => {
    const stage = new Stage();
    const gates = new Gates();
    const consumer = await stage.open({ handle: gates.handle });
    stage.records(['a', 'a', 'b', 'a'], 0);
    assert.deepEqual(gates.started, [0, 2]);
    gates.end(0);
    await stage.world.settle();
    assert.deepEqual(gates.started, [0, 2, 1]);
    const { running, waiting, keys } = consumer.health();
    assert.deepEqual([running, waiting, keys], [2, 1, 2]);
    gates.end(1);
    await stage.world.settle();
    assert.deepEqual(gates.started, [0, 2, 1, 3]);
  });

  it('N of a key, by number or by key, and a limit over all', async () => {
    const stage = new Stage();
    const gates = new Gates();
    await stage.open({ handle: gates.handle, concurrency: (key: string) => (key === 'a' ? 2 : 1), limit: 3 });
    stage.records(['a', 'a', 'a', 'b', 'c'], 0);
    assert.deepEqual(gates.started, [0, 1, 3]);
    gates.end(3);
    await stage.world.settle();
    assert.deepEqual(gates.started, [0, 1, 3, 4], 'what only the limit held back starts when there is room');
  });

  it('order by partition, or none', async () => {
    for (const [order, expected] of [
      ['partition', [0]],
      ['none', [0, 1, 2]],
    ] as const) {
      const stage = new Stage();
      const gates = new Gates();
      await stage.open({ handle: gates.handle, order });
      stage.records(['a', 'a', 'b'], 0);
      assert.deepEqual(gates.started, expected);
    }
  });

  it('a line of its own choosing', async () => {
    const stage = new Stage();
    const gates = new Gates();
    await stage.open({ handle: gates.handle, keyOf: ({ key }: ConsumerRecord) => key?.slice(0, 1) ?? '' });
    stage.records(['a1', 'a2', 'b1'], 0);
    assert.deepEqual(gates.started, [0, 2]);
  });

  it('a handler that answers at once enters no lane', async () => {
    const stage = new Stage();
    const seen: string[] = [];
    const consumer = await stage.open({
      handle: ({ key, value }: ConsumerRecord) => void seen.push(`${key} ${value}`),
    });
    stage.records(['a', 'b'], 0);
    assert.equal(seen.length, 2);
    assert.equal(consumer.health().keys, 0);
    await stage.world.advance(300);
    assert.deepEqual(stage.last, { offset: 2, metadata: '' });
  });

  it('batches of a key: what waits when its turn comes', async () => {
    const stage = new Stage();
    const batches: number[][] = [];
    const gates: PromiseWithResolvers<void>[] = [];
    await stage.open({
      batchMax: 3,
      handleBatch: (records: readonly ConsumerRecord[]) => {
        batches.push(records.map(({ offset }) => offset));
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        return gate.promise;
      },
    });
    stage.records(['a', 'a', 'a', 'a', 'a', 'b'], 0);
    assert.deepEqual(batches, [[0], [5]]);
    gates[0]?.resolve();
    await stage.world.settle();
    assert.deepEqual(batches, [[0], [5], [1, 2, 3]]);
    gates[2]?.resolve();
    await stage.world.advance(300);
    assert.equal(stage.last?.offset, 4);
  });
});

describe('failures', () => {
  it('a failing head is tried again with growing waits, and its key waits behind it', async () => {
    const stage = new Stage();
    const attempts: [number, number][] = [];
    await stage.open({
      handle: async ({ offset }: ConsumerRecord, { attempt }: { attempt: number }) => {
        attempts.push([offset, attempt]);
        if (offset === 0 && attempt < 3) throw new Error('not yet');
      },
    });
    stage.records(['a', 'a', 'b'], 0);
    await stage.world.settle();
    assert.deepEqual(attempts, [
      [0, 1],
      [2, 1],
    ]);
    await stage.world.advance(60_000);
    assert.deepEqual(attempts.slice(2), [
      [0, 2],
      [0, 3],
      [1, 1],
    ]);
    assert.equal(stage.last?.offset, 3);
    assert.deepEqual(
      stage.events
        .filter(({ type }) => type === 'failed')
        .map((event) => 'againMs' in event && event.againMs !== null),
      [true, true],
    );
  });

  it('a handler that throws at once is a failure like any other', async () => {
    const stage = new Stage();
    let calls = 0;
    await stage.open({
      handle: () => {
        calls += 1;
        if (calls === 1) throw new Error('at once');
      },
    });
    stage.records(['a', 'a'], 0);
    await stage.world.advance(1_000);
    assert.equal(calls, 3);
    assert.equal(stage.last?.offset, 2);
  });

  it('after so many attempts to the dead-letter topic, with where it came from and why; its key goes on', async () => {
    const stage = new Stage();
    stage.sendFails = 1;
    await stage.open(
      {
        retry: { attemptsMax: 2 },
        handle: async ({ offset }: ConsumerRecord) => {
          if (offset === 0) throw new TypeError('bad data');
        },
      },
      { deadLetters: true },
    );
    stage.records(['a', 'a'], 0);
    await stage.world.advance(5_000);
    assert.equal(stage.sent.length, 1);
    assert.equal(stage.sent[0]?.headers?.['signalbox-dead-letter-of'], 't/0/0');
    assert.equal(stage.sent[0]?.headers?.['signalbox-error'], 'TypeError: bad data');
    assert.equal(stage.last?.offset, 2);
    assert.deepEqual(
      stage.events.filter(({ type }) => type === 'dead-letter' || type === 'problem').map(({ type }) => type),
      ['problem', 'dead-letter'],
    );
  });

  it('without a dead-letter topic the key is held, the others go on, and a person lets it go on', async () => {
    const stage = new Stage();
    let mended = false;
    const done: number[] = [];
    const consumer = await stage.open({
      retry: { attemptsMax: 1 },
      handle: async ({ offset }: ConsumerRecord) => {
        if (offset === 0 && !mended) throw new Error('broken');
        done.push(offset);
      },
    });
    stage.records(['a', 'a', 'b'], 0);
    await stage.world.advance(60_000);
    assert.deepEqual(done, [2]);
    assert.equal(stage.last?.offset, 0, 'what is not completed is not passed');
    assert.ok(stage.events.some((event) => event.type === 'held' && event.key === 'a'));
    mended = true;
    consumer.resume('a');
    await stage.world.advance(1_000);
    assert.deepEqual(done, [2, 0, 1]);
    assert.equal(stage.last?.offset, 3);
  });

  it('a record that cannot be deserialized is poison: no attempt is made', async () => {
    const stage = new Stage();
    let calls = 0;
    await stage.open<string | null, { id: string }>(
      {
        deserializers: {
          value: (bytes: Buffer | null) => {
            const text = String(bytes);
            if (text.includes('t-1"')) throw new SyntaxError('not ours');
            return JSON.parse(text) as { id: string };
          },
        },
        handle: ({ value }: ConsumerRecord<string | null, { id: string }>) => {
          assert.match(value.id, /^t-\d$/);
          calls += 1;
        },
      },
      { deadLetters: true },
    );
    stage.records(['a', 'b', 'a'], 0);
    await stage.world.advance(1_000);
    assert.equal(calls, 2);
    assert.equal(stage.sent.length, 1);
    assert.equal(stage.last?.offset, 3);
  });
});

describe('offsets', () => {
  it('what completed beyond the committed offset rides beside it, and is not repeated', async () => {
    const stage = new Stage();
    const gates = new Gates();
    await stage.open({ handle: gates.handle });
    stage.records(['a', 'b', 'c', 'd'], 0);
    for (const offset of [1, 3]) gates.end(offset);
    await stage.world.advance(300);
    const { offset = -1, metadata = '' } = stage.last ?? {};
    assert.equal(offset, 0);
    assert.notEqual(metadata, '');
    const next = new Stage();
    const again = new Gates();
    await next.open({ handle: again.handle }, { offset, metadata });
    next.records(['a', 'b', 'c', 'd', 'e'], 0);
    assert.deepEqual(again.started, [0, 2, 4]);
    assert.ok(next.events.every((event) => event.type !== 'assigned' || event.completed === 2));
  });

  it('a hand-over lets handlers end, commits what they did, and starts nothing more', async () => {
    const stage = new Stage();
    const gates = new Gates();
    await stage.open({ handle: gates.handle });
    stage.records(['a', 'a', 'b'], 0);
    const revoked = stage.listener?.revoked(0, 5_000);
    gates.end(0);
    gates.end(2);
    await revoked;
    await stage.world.settle();
    assert.deepEqual(gates.started, [0, 2]);
    assert.equal(stage.last?.offset, 1);
    assert.deepEqual(stage.events.at(-1), { type: 'revoked', partition: 0, drained: true });
  });

  it('what does not end within the budget is told by its signal, and is repeated elsewhere', async () => {
    const stage = new Stage();
    let signal: AbortSignal | null = null;
    await stage.open({
      handle: (_: ConsumerRecord, context: { signal: AbortSignal }) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    });
    stage.records(['a'], 0);
    const revoked = stage.listener?.revoked(0, 1_000);
    await stage.world.advance(1_000);
    await revoked;
    assert.equal((signal as AbortSignal | null)?.aborted, true);
    await stage.world.settle();
    assert.deepEqual(stage.events.at(-1), { type: 'revoked', partition: 0, drained: false });
    assert.equal(stage.last?.offset, 0);
  });

  it('a lost partition commits nothing any more, whatever its handlers do', async () => {
    const stage = new Stage();
    const gates = new Gates();
    const consumer = await stage.open({ handle: gates.handle });
    stage.records(['a', 'b'], 0);
    stage.listener?.lost(0);
    const before = stage.committed.length;
    gates.end(0);
    gates.fail(1);
    await stage.world.advance(60_000);
    assert.equal(stage.committed.length, before);
    assert.equal(consumer.health().running, 0);
  });

  it('starts nothing while its membership is not proven, and goes on when it is', async () => {
    const stage = new Stage();
    const gates = new Gates();
    stage.mayBegin = false;
    await stage.open({ handle: gates.handle });
    stage.records(['a', 'b'], 0);
    assert.deepEqual(gates.started, []);
    stage.mayBegin = true;
    stage.listener?.resumed();
    assert.deepEqual(gates.started, [0, 1]);
  });
});

describe('bounds and people', () => {
  it('the fetch pauses above the share of the partition and goes on below half of it', async () => {
    const stage = new Stage();
    const gates = new Gates();
    await stage.open({ handle: gates.handle, waitingMax: 10 });
    stage.records(new Array<string>(12).fill('a'), 0);
    assert.equal(stage.paused, true);
    for (let offset = 0; offset < 8; offset += 1) {
      gates.end(offset);
      await stage.world.settle();
    }
    await stage.world.advance(300);
    assert.equal(stage.paused, false);
  });

  it('a paused key starts nothing, the others go on', async () => {
    const stage = new Stage();
    const gates = new Gates();
    const consumer = await stage.open({ handle: gates.handle });
    consumer.pause('a');
    stage.records(['a', 'b'], 0);
    assert.deepEqual(gates.started, [1]);
    consumer.resume('a');
    assert.deepEqual(gates.started, [1, 0]);
  });

  it('lag is what is not completed, by partition', async () => {
    const stage = new Stage();
    const gates = new Gates();
    const consumer = await stage.open({ handle: gates.handle });
    stage.records(['a', 'b'], 0);
    gates.end(0);
    await stage.world.settle();
    assert.deepEqual(await consumer.lag(), new Map([[0, 99]]));
  });

  it('close drains, commits, and ends the events', async () => {
    const stage = new Stage();
    const gates = new Gates();
    const consumer = await stage.open({ handle: gates.handle });
    stage.records(['a'], 0);
    const closed = consumer.close();
    gates.end(0);
    await closed;
    assert.equal(stage.last?.offset, 1);
    assert.equal(consumer.health().ready, false);
  });
});

describe('any run', () => {
  it('order per key, at most N at once, nothing passed that is not completed, and after a crash only unfinished ones again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(fc.nat(30), fc.constantFrom('end', 'end', 'end', 'fail')), { maxLength: 120 }),
        fc.integer({ min: 1, max: 3 }),
        async (keys, acts, concurrency) => {
          const completed = new Set<number>();
          let start = { offset: 0, metadata: '' };
          for (let life = 0; life < 2; life += 1) {
            const stage = new Stage();
            const running = new Map<number, PromiseWithResolvers<void>>();
            const order: number[] = [];
            await stage.open(
              {
                concurrency,
                handle: ({ offset }: ConsumerRecord, { attempt }: { attempt: number }) => {
                  assert.ok(
                    !completed.has(offset) || life === 0,
                    `${offset} again although it was completed`,
                  );
                  if (attempt === 1) order.push(offset);
                  const gate = Promise.withResolvers<void>();
                  running.set(offset, gate);
                  const same = [...running.keys()].filter((each) => keys[each] === keys[offset]).length;
                  assert.ok(same <= concurrency);
                  return gate.promise;
                },
              },
              start,
            );
            stage.records(keys.slice(start.offset), start.offset);
            for (const [pick, what] of life === 0 ? acts : acts.map(([each]) => [each, 'end'] as const)) {
              const [offset, gate] = [...running][pick % Math.max(1, running.size)] ?? [];
              if (offset === undefined || gate === undefined) break;
              running.delete(offset);
              if (what === 'end') {
                gate.resolve();
                completed.add(offset);
              } else gate.reject(new Error('no'));
              await stage.world.advance(20_000);
            }
            await stage.world.advance(1_000);
            const at = stage.last ?? start;
            for (let offset = 0; offset < at.offset; offset += 1)
              assert.ok(completed.has(offset), `${offset} was passed`);
            for (const key of ['a', 'b', 'c', 'd']) {
              const own = order.filter((offset) => keys[offset] === key);
              assert.deepEqual(
                own,
                own.toSorted((x, y) => x - y),
              );
            }
            start = at;
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
