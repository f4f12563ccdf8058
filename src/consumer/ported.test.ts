/**
 * What users of Confluent Parallel Consumer and Decaton rely on, as far as the consumer promises it: cases found in their
 * public test suites, written anew. docs/library/ported-cases.md says which case became which test here or elsewhere, and
 * which do not apply.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualWorld } from '../../test/fixtures/virtual-world.ts';
import type { LogListener, RecordBatch } from '../engine/ports.ts';
import { createConsumer } from '../index-consumer.ts';
import { Consumer, type ConsumerDoors } from './consumer.ts';
import type { ConsumerEvent, ConsumerOptions, ConsumerRecord, HandlerContext } from './options.ts';

interface Given {
  readonly key?: string | Buffer | null;
  readonly value?: string;
  /** The one behind the record before, if not given. */
  readonly offset?: number;
}

/** As the log gives it out. Offsets may have holes; `next` is where the partition goes on. */
function batchOf(partition: number, first: number, given: readonly Given[], next?: number): RecordBatch {
  const offsets: number[] = [];
  const ranges: { keys: number[]; values: number[] } = { keys: [], values: [] };
  const parts: Buffer[] = [];
  let length = 0;
  const put = (ends: number[], bytes: string | Buffer | null): void => {
    if (bytes === null) {
      ends.push(-1, -1);
      return;
    }
    const part = Buffer.from(bytes as string);
    parts.push(part);
    ends.push(length, length + part.length);
    length += part.length;
  };
  for (const { key = null, value = 'v', offset = (offsets.at(-1) ?? first - 1) + 1 } of given) {
    offsets.push(offset);
    put(ranges.keys, key);
    put(ranges.values, value);
  }
  return {
    partition,
    count: given.length,
    bytes: Buffer.concat(parts),
    offsets: Float64Array.from(offsets),
    timestamps: new Float64Array(given.length),
    keys: Int32Array.from(ranges.keys),
    values: Int32Array.from(ranges.values),
    headers: () => [],
    nextOffset: next ?? (offsets.at(-1) ?? first - 1) + 1,
  };
}

const keyed = (...keys: readonly string[]): Given[] => keys.map((key) => ({ key }));

interface Sent {
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
}

/** A topic of several partitions, as the log would tell of it, and handlers that end when the test says so. */
class Stage {
  readonly world = new VirtualWorld();
  readonly committed = new Map<number, { offset: number; metadata: string }[]>();
  readonly paused = new Set<number>();
  readonly sent: Sent[] = [];
  readonly events: ConsumerEvent[] = [];
  /** `partition/offset` of each start, in order. */
  readonly started: string[] = [];
  readonly signals = new Map<string, AbortSignal>();
  listener: LogListener | null = null;
  opened = 0;
  /** What `open` of the log rejects with. */
  refusal: Error | null = null;
  /** What holds the process. */
  alive = 0;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  readonly #log: ConsumerDoors['log'] = {
    topic: { name: 't', id: 'i', partitions: 4, retentionMs: null },
    open: async (listener) => {
      this.opened += 1;
      if (this.refusal !== null) throw this.refusal;
      this.listener = listener;
    },
    start: () => undefined,
    pause: (partition) => void this.paused.add(partition),
    resume: (partition) => void this.paused.delete(partition),
    mayBegin: () => true,
    commit: (partition, offset, metadata = '') => {
      this.committed.set(partition, [...(this.committed.get(partition) ?? []), { offset, metadata }]);
    },
    endOffsets: async () => new Map(),
    health: () => ({ connected: true, joined: true, problem: null }),
    close: async (budgetMs) => {
      await Promise.all([...this.#assigned].map((partition) => this.listener?.revoked(partition, budgetMs)));
    },
  };
  readonly #assigned = new Set<number>();

  readonly handle = ({ partition, offset }: ConsumerRecord, { signal }: HandlerContext): Promise<void> => {
    const name = `${partition}/${offset}`;
    const gate = Promise.withResolvers<void>();
    this.started.push(name);
    this.signals.set(name, signal);
    this.#gates.set(name, gate);
    return gate.promise;
  };

  async open<Key = string | null, Value = Buffer | null>(
    options: Partial<ConsumerOptions<Key, Value>> & Record<string, unknown> = {},
    deadLetters = false,
  ): Promise<Consumer<Key, Value>> {
    const consumer = new Consumer<Key, Value>(
      { topic: 't', group: 'g', handle: this.handle, ...options } as ConsumerOptions<Key, Value>,
      {
        world: this.world,
        log: this.#log,
        keepAlive: () => {
          let held = true;
          this.alive += 1;
          return () => {
            if (held) this.alive -= 1;
            held = false;
          };
        },
        deadLetters: deadLetters
          ? { send: async (records) => void this.sent.push(...records), close: async () => undefined }
          : null,
      },
    );
    const read = consumer.events();
    void (async () => {
      for await (const event of read) this.events.push(event);
    })();
    await consumer.start();
    return consumer;
  }

  assign(partition: number, offset: number | null = 0, metadata = ''): void {
    this.#assigned.add(partition);
    this.listener?.assigned(partition, offset, metadata);
  }

  async revoke(partition: number, budgetMs = 1_000): Promise<void> {
    this.#assigned.delete(partition);
    await this.listener?.revoked(partition, budgetMs);
  }

  records(partition: number, first: number, given: readonly Given[], next?: number): void {
    this.listener?.records(batchOf(partition, first, given, next));
  }

  /** Ends the handlers of these, and lets what follows from it happen. */
  async end(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      assert.ok(this.#gates.has(name), `${name} has not been started`);
      this.#gates.get(name)?.resolve();
    }
    await this.world.settle();
  }

  async fail(name: string): Promise<void> {
    this.#gates.get(name)?.reject(new Error('no'));
    await this.world.settle();
  }

  /** What the group would have after the next commit. */
  async commit(partition = 0): Promise<{ offset: number; metadata: string }> {
    await this.world.advance(300);
    return this.last(partition);
  }

  last(partition = 0): { offset: number; metadata: string } {
    const last = this.committed.get(partition)?.at(-1);
    assert.ok(last !== undefined, `nothing of partition ${partition} is committed`);
    return last;
  }

  /** Another process takes over from what was committed: it is given the same records again. */
  static async next(
    from: { readonly offset: number; readonly metadata: string },
    options: Record<string, unknown> = {},
  ): Promise<Stage> {
    const stage = new Stage();
    await stage.open(options);
    stage.assign(0, from.offset, from.metadata);
    return stage;
  }
}

describe('Parallel Consumer: what is committed', () => {
  it('nothing is passed while every record fails', async () => {
    const stage = new Stage();
    await stage.open({ handle: () => Promise.reject(new Error('no')) });
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'b', 'a'));
    await stage.world.advance(60_000);
    assert.ok(stage.committed.get(0)?.every(({ offset, metadata }) => offset === 0 && metadata === ''));
  });

  it('step by step: never above one that is in flight, and up to the next one when it ends', async () => {
    const stage = new Stage();
    await stage.open({ order: 'none' });
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'a', 'a', 'a', 'a', 'a'));
    const steps: readonly (readonly [string, number])[] = [
      ['0/1', 0],
      ['0/2', 0],
      ['0/0', 3],
      ['0/5', 3],
      ['0/3', 4],
      ['0/4', 6],
    ];
    for (const [name, offset] of steps) {
      await stage.end(name);
      assert.equal((await stage.commit()).offset, offset, `after ${name}`);
    }
    assert.equal(stage.last().metadata, '', 'nothing is beyond');
  });

  it('each partition for itself', async () => {
    const stage = new Stage();
    await stage.open();
    for (const partition of [0, 1]) {
      stage.assign(partition);
      stage.records(partition, 0, keyed('a', 'b'));
    }
    await stage.end('0/1', '1/0');
    await stage.commit();
    assert.deepEqual([stage.last(0).offset, stage.last(1).offset], [0, 1]);
    await stage.end('0/0', '1/1');
    await stage.commit();
    assert.deepEqual([stage.last(0).offset, stage.last(1).offset], [2, 2]);
  });

  it('nothing before something is known: a partition without offset, revoked before it was fetched from', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0, null);
    await stage.world.advance(1_000);
    await stage.revoke(0);
    assert.equal(stage.committed.get(0), undefined);
  });

  it('one record a life: the next life begins with the next one', async () => {
    let from = { offset: 0, metadata: '' };
    for (let offset = 0; offset < 4; offset += 1) {
      const stage = await Stage.next(from);
      stage.records(0, offset, keyed(`key-${offset}`));
      assert.deepEqual(stage.started, [`0/${offset}`]);
      await stage.end(`0/${offset}`);
      await stage.revoke(0);
      from = stage.last();
      assert.deepEqual(from, { offset: offset + 1, metadata: '' });
    }
  });

  it('of thousands only the few that had not completed are repeated', async () => {
    const given = Array.from({ length: 5_000 }, (_, index) => ({ key: `${index}` }));
    const open = ['0/0', '0/17', '0/4242'];
    const stage = new Stage();
    await stage.open({
      limit: 10_000,
      handle: (record: ConsumerRecord, context: HandlerContext) =>
        open.includes(`0/${record.offset}`) ? stage.handle(record, context) : undefined,
    });
    stage.assign(0);
    stage.records(0, 0, given);
    const next = await Stage.next(await stage.commit());
    next.records(0, 0, given);
    assert.deepEqual(next.started, open);
  });

  it('and so it is in the life after that, however short the one between was', async () => {
    const given = keyed('a', 'b', 'c', 'd', 'e', 'f');
    const first = new Stage();
    await first.open();
    first.assign(0);
    first.records(0, 0, given);
    await first.end('0/1', '0/3', '0/5');
    const from = await first.commit();

    const unread = await Stage.next(from);
    await unread.world.advance(1_000);
    await unread.revoke(0);
    const read = await Stage.next(unread.committed.get(0)?.at(-1) ?? from);
    read.records(0, 0, given.slice(0, 3));
    await read.world.advance(1_000);
    const last = await Stage.next(read.last());
    last.records(0, 0, given);
    assert.deepEqual(last.started, ['0/0', '0/2', '0/4']);
  });

  it('an offset set by a person, back or ahead, is where it begins', async () => {
    for (const offset of [25, 75]) {
      const stage = await Stage.next({ offset, metadata: '' });
      stage.records(0, offset, keyed('a', 'b'));
      assert.deepEqual(stage.started, [`0/${offset}`, `0/${offset + 1}`]);
      await stage.end(...stage.started);
      assert.equal((await stage.commit()).offset, offset + 2);
    }
  });

  it('what retention has deleted below the first record is passed', async () => {
    const stage = await Stage.next({ offset: 10, metadata: '' });
    stage.records(0, 50, keyed('a'));
    assert.equal((await stage.commit()).offset, 50);
    await stage.end('0/50');
    assert.equal((await stage.commit()).offset, 51);
  });

  it('markers of transactions and other holes are passed, also behind the last record', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0);
    stage.records(0, 0, [{ key: 'a' }, { key: 'b', offset: 2 }, { key: 'c', offset: 6 }], 9);
    await stage.end('0/2', '0/6');
    const { offset, metadata } = await stage.commit();
    assert.equal(offset, 0);
    const next = await Stage.next({ offset, metadata });
    next.records(0, 0, [{ key: 'a' }, { key: 'b', offset: 2 }, { key: 'c', offset: 6 }], 9);
    assert.deepEqual(next.started, ['0/0']);
    await next.end('0/0');
    assert.deepEqual(await next.commit(), { offset: 9, metadata: '' });
  });

  it('a batch of nothing but holes moves it on', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0);
    stage.records(0, 0, [], 40);
    assert.equal((await stage.commit()).offset, 40);
  });
});

describe('Parallel Consumer: order and turns', () => {
  it('the same key in two partitions is two lines; records without a key are one line of their partition', async () => {
    const stage = new Stage();
    await stage.open();
    for (const partition of [0, 1]) {
      stage.assign(partition);
      stage.records(partition, 0, [{ key: 'a' }, { key: 'a' }, { key: null }, { key: null }]);
    }
    assert.deepEqual(stage.started, ['0/0', '0/2', '1/0', '1/2']);
  });

  it('order by partition: each in one line, partitions side by side', async () => {
    const stage = new Stage();
    await stage.open({ order: 'partition' });
    for (const partition of [0, 1, 2]) {
      stage.assign(partition);
      stage.records(partition, 0, keyed('a', 'b', 'c'));
    }
    for (const offset of [0, 1, 2]) {
      const now = [0, 1, 2].map((partition) => `${partition}/${offset}`);
      assert.deepEqual(stage.started.slice(3 * offset), now);
      await stage.end(...now);
    }
  });

  it('under the limit keys and partitions take turns: a deep one starves nobody', async () => {
    const stage = new Stage();
    await stage.open({ limit: 2 });
    for (const partition of [0, 1]) stage.assign(partition);
    stage.records(0, 0, [...keyed('deep'), ...Array.from({ length: 50 }, () => ({ key: 'deep' }))]);
    stage.records(1, 0, keyed('a', 'b', 'c', 'd'));
    const waiting = new Set(['1/0', '1/1', '1/2', '1/3']);
    let ended = 0;
    for (; waiting.size > 0; ended += 1) {
      const name = stage.started[ended] ?? 'none';
      waiting.delete(name);
      await stage.end(name);
    }
    assert.ok(ended <= 10, `${ended} ended before all keys had their turn`);
  });

  it('a thousand keys of ten records each: one of each at once, and each in order', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0);
    const given = Array.from({ length: 10_000 }, (_, index) => ({ key: `${index % 1_000}` }));
    stage.records(0, 0, given);
    for (let round = 0; round < 10; round += 1) {
      const now = stage.started.slice(1_000 * round);
      assert.deepEqual(
        now,
        Array.from({ length: 1_000 }, (_, index) => `0/${1_000 * round + index}`),
      );
      await stage.end(...now);
    }
    assert.equal((await stage.commit()).offset, 10_000);
  });

  it('the concurrency of a key may change while it works', async () => {
    let concurrency = 1;
    const stage = new Stage();
    await stage.open({ concurrency: () => concurrency });
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'a', 'a', 'a', 'a'));
    assert.deepEqual(stage.started, ['0/0']);
    concurrency = 3;
    await stage.end('0/0');
    assert.deepEqual(stage.started, ['0/0', '0/1', '0/2', '0/3']);
  });
});

describe('Parallel Consumer: failures', () => {
  it('as many keys that fail for ever as the limit allows at once do not stop the others', async () => {
    const stage = new Stage();
    const done = new Set<string>();
    await stage.open({
      limit: 4,
      handle: async ({ key }: ConsumerRecord) => {
        if (key?.startsWith('bad') === true) throw new Error('no');
        done.add(`${key}`);
      },
    });
    stage.assign(0);
    const bad = Array.from({ length: 12 }, (_, index) => `bad-${index}`);
    const good = Array.from({ length: 12 }, (_, index) => `good-${index}`);
    stage.records(0, 0, keyed(...bad, ...good));
    await stage.world.advance(1_000);
    assert.deepEqual(done, new Set(good));
  });

  it('while many wait to be tried again, no more handlers run at once than the limit says, and all come back', async () => {
    const stage = new Stage();
    let [running, most] = [0, 0];
    const attempts = new Map<string, number>();
    const consumer = await stage.open({
      limit: 3,
      handle: async ({ key }: ConsumerRecord, { attempt }: HandlerContext) => {
        running += 1;
        most = Math.max(most, running);
        await stage.world.settle();
        running -= 1;
        attempts.set(`${key}`, attempt);
        if (attempt < 3) throw new Error('not yet');
      },
    });
    stage.assign(0);
    stage.records(0, 0, keyed(...Array.from({ length: 20 }, (_, index) => `key-${index}`)));
    for (let round = 0; round < 200 && attempts.size < 20; round += 1) await stage.world.advance(100);
    await stage.world.advance(60_000);
    assert.equal(most, 3);
    assert.ok([...attempts.values()].every((attempt) => attempt === 3));
    assert.deepEqual(await stage.commit(), { offset: 20, metadata: '' });
    assert.deepEqual(
      [consumer.health().running, consumer.health().waiting, consumer.health().keys],
      [0, 0, 0],
    );
  });

  it('thousands that fail at once while others wait for room need no deep stack', async () => {
    const stage = new Stage();
    let attempts = 0;
    await stage.open({
      limit: 1,
      handle: (record: ConsumerRecord, context: HandlerContext) => {
        if (record.key === 'first') return stage.handle(record, context);
        attempts += 1;
        throw new Error('at once');
      },
    });
    stage.assign(0);
    stage.records(0, 0, keyed('first', ...Array.from({ length: 5_000 }, (_, index) => `key-${index}`)));
    assert.equal(attempts, 0);
    await stage.end('0/0');
    assert.equal(attempts, 5_000);
  });

  it('without order one that fails holds nobody up, and comes back after its wait', async () => {
    const stage = new Stage();
    await stage.open({ order: 'none' });
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'a', 'a'));
    await stage.fail('0/1');
    await stage.end('0/0', '0/2');
    assert.equal((await stage.commit()).offset, 1);
    assert.deepEqual(stage.started, ['0/0', '0/1', '0/2', '0/1']);
    await stage.end('0/1');
    assert.equal((await stage.commit()).offset, 3);
  });

  it('a batch that fails is tried again as it was, and counts when it succeeds', async () => {
    const stage = new Stage();
    const batches: (readonly [readonly number[], number])[] = [];
    await stage.open({
      batchMax: 5,
      order: 'partition',
      handleBatch: async (records: readonly ConsumerRecord[], { attempt }: HandlerContext) => {
        batches.push([records.map(({ offset }) => offset), attempt]);
        if (records.some(({ offset }) => offset === 5) && attempt < 3) throw new Error('no');
      },
    });
    stage.assign(0);
    stage.records(0, 0, keyed(...Array.from({ length: 11 }, (_, index) => `${index}`)));
    await stage.world.advance(30_000);
    assert.deepEqual(batches, [
      [[0], 1],
      [[1, 2, 3, 4, 5], 1],
      [[1, 2, 3, 4, 5], 2],
      [[1, 2, 3, 4, 5], 3],
      [[6, 7, 8, 9, 10], 1],
    ]);
    assert.equal(stage.last().offset, 11);
  });
});

describe('Parallel Consumer: pause, hand-over, close', () => {
  it('what is in flight when its key is paused ends and is committed; the rest begins when it is resumed', async () => {
    const stage = new Stage();
    const consumer = await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'a'));
    consumer.pause('a');
    await stage.end('0/0');
    assert.equal((await stage.commit()).offset, 1);
    assert.deepEqual(stage.started, ['0/0']);
    consumer.resume('a');
    assert.deepEqual(stage.started, ['0/0', '0/1']);
  });

  it('close: what is in flight ends and counts, what waits and what still comes does not begin', async () => {
    const stage = new Stage();
    const consumer = await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('0', '0', '1', '0'));
    await stage.end('0/2');
    const closed = consumer.close();
    stage.records(0, 4, keyed('2'));
    await stage.end('0/0');
    await closed;
    assert.deepEqual(stage.started, ['0/0', '0/2']);
    const next = await Stage.next(stage.last());
    assert.equal(stage.last().offset, 1);
    next.records(0, 1, keyed('0', '1', '0', '2'));
    assert.deepEqual(next.started, ['0/1', '0/4']);
  });

  it('close waits no longer than it may: what still runs hears it by its signal, and is not passed', async () => {
    const stage = new Stage();
    const consumer = await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('a'));
    const closed = consumer.close({ drainMs: 1_000 });
    assert.equal(stage.signals.get('0/0')?.aborted, false);
    await stage.world.advance(1_000);
    await closed;
    assert.equal(stage.signals.get('0/0')?.aborted, true);
    await stage.end('0/0');
    assert.equal(stage.last().offset, 0);
  });

  it('one that waits to be tried again does not hold up a hand-over, and is repeated elsewhere', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'b'));
    await stage.fail('0/0');
    await stage.end('0/1');
    await stage.revoke(0, 60_000);
    const next = await Stage.next(stage.last());
    next.records(0, 0, keyed('a', 'b'));
    assert.deepEqual(next.started, ['0/0']);
  });

  it('close when nothing has happened, when it was never started, and twice', async () => {
    const idle = await new Stage().open();
    await Promise.all([idle.close(), idle.close()]);
    const never = createConsumer({
      brokers: ['127.0.0.1:1'],
      topic: 't',
      group: 'g',
      deadLetterTopic: 'd',
      handle: () => undefined,
    });
    await never.close();
    assert.equal(never.health().ready, false);
  });

  it('started twice it joins once; closed, and refused, it does not hold the process', async () => {
    const stage = new Stage();
    const consumer = await stage.open();
    await Promise.all([consumer.start(), consumer.start()]);
    assert.deepEqual([stage.opened, stage.alive], [1, 1]);
    await consumer.close();
    assert.equal(stage.alive, 0);
    const refused = new Stage();
    refused.refusal = new Error('there is no such topic');
    await assert.rejects(refused.open(), /no such topic/);
    assert.equal(refused.alive, 0);
  });

  it('assigned again while a handler of before still runs: its end counts for nothing, and the record is repeated', async () => {
    const stage = new Stage();
    await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'b'));
    stage.listener?.lost(0);
    stage.assign(0);
    stage.records(0, 0, keyed('a', 'b'));
    assert.deepEqual(stage.started, ['0/0', '0/1', '0/0', '0/1']);
    assert.equal((await stage.commit()).offset, 0);
    await stage.end('0/0', '0/1');
    assert.equal((await stage.commit()).offset, 2);
  });
});

describe('Decaton', () => {
  it('keys that are no text: whole in their deserializer, each a line of its own, unchanged on the dead-letter topic', async () => {
    const stage = new Stage();
    const seen: bigint[] = [];
    const int64 = (number: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(number);
      return bytes;
    };
    const numbers = [200n, 201n, -1n];
    await stage.open<bigint, Buffer | null>(
      {
        retry: { attemptsMax: 1 },
        deserializers: { key: (bytes: Buffer | null) => bytes?.readBigInt64BE() ?? 0n },
        handle: ({ key }: ConsumerRecord<bigint, Buffer | null>) => {
          seen.push(key);
          return new Promise((_, reject) => stage.world.after(1_000, () => reject(new Error('no'))));
        },
      },
      true,
    );
    stage.assign(0);
    stage.records(
      0,
      0,
      numbers.map((number) => ({ key: int64(number) })),
    );
    assert.deepEqual(seen, numbers);
    await stage.world.advance(2_000);
    assert.deepEqual(
      stage.sent.map(({ key }) => Buffer.from(key ?? '')),
      numbers.map(int64),
    );
  });

  it('a record that cannot be read takes nothing else with it, and no handler sees it', async () => {
    const stage = new Stage();
    const seen: unknown[] = [];
    await stage.open<string | null, unknown>(
      {
        deserializers: { value: async (bytes: Buffer | null) => JSON.parse(String(bytes)) },
        handle: ({ value }: ConsumerRecord<string | null, unknown>) => void seen.push(value),
      },
      true,
    );
    stage.assign(0);
    stage.records(0, 0, [
      { key: 'a', value: '1' },
      { key: 'a', value: '{' },
      { key: 'a', value: '3' },
    ]);
    await stage.world.advance(1_000);
    assert.deepEqual(seen, [1, 3]);
    assert.deepEqual(
      stage.sent.map(({ value }) => String(value)),
      ['{'],
    );
    assert.equal(stage.last().offset, 3);
  });

  it('what waits for long lets go of the bytes it was fetched with', async () => {
    const stage = new Stage();
    const values: (Buffer | null)[] = [];
    await stage.open({
      handle: (record: ConsumerRecord, context: HandlerContext) => {
        values.push(record.value);
        return stage.handle(record, context);
      },
    });
    stage.assign(0);
    const fetched = batchOf(0, 0, [
      { key: 'a', value: 'first' },
      { key: 'a', value: 'second' },
      { key: 'b', value: 'x'.repeat(1_000_000) },
    ]);
    stage.listener?.records(fetched);
    await stage.world.advance(1_000);
    await stage.end('0/0');
    assert.deepEqual(
      [values[0], values[2]].map((value) => String(value)),
      ['first', 'second'],
    );
    assert.equal(values[0]?.buffer, fetched.bytes.buffer);
    assert.notEqual(values[2]?.buffer, fetched.bytes.buffer);
  });

  it('a handler that never ends: told by its signal at its time-out, it keeps its key, and nothing above is lost', async () => {
    const stage = new Stage();
    await stage.open({ timeoutMs: 10 });
    stage.assign(0);
    stage.records(0, 0, keyed('stuck', 'stuck', 'b'));
    await stage.end('0/2');
    const signal = stage.signals.get('0/0');
    assert.ok(signal !== undefined);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    assert.equal(signal.reason?.name, 'TimeoutError');
    assert.deepEqual(stage.started, ['0/0', '0/2']);
    const next = await Stage.next(await stage.commit());
    next.records(0, 0, keyed('stuck', 'stuck', 'b'));
    assert.deepEqual(next.started, ['0/0']);
  });

  it('what waits is bounded for each partition; the others go on being fetched', async () => {
    const stage = new Stage();
    await stage.open({ waitingMax: 20 });
    for (const partition of [0, 1]) stage.assign(partition);
    stage.records(0, 0, keyed(...new Array<string>(12).fill('stuck')));
    stage.records(1, 0, keyed('a', 'b'));
    assert.deepEqual([...stage.paused], [0]);
  });

  it('what lies above a stuck record is bounded too: the fetch pauses long before the watermark is full', async () => {
    const stage = new Stage();
    await stage.open({
      handle: (record: ConsumerRecord, context: HandlerContext) =>
        record.key === 'stuck' ? stage.handle(record, context) : undefined,
    });
    stage.assign(0);
    stage.records(0, 0, keyed('stuck'));
    const many = Array.from({ length: 10_000 }, () => ({ key: 'a' }));
    let first = 1;
    while (!stage.paused.has(0)) {
      assert.ok(first < 1_000_000, 'it was never paused');
      stage.records(0, first, many);
      first += many.length;
    }
    assert.equal(first, 530_001);
    await stage.end('0/0');
    assert.equal((await stage.commit()).offset, first);
    assert.equal(stage.paused.size, 0);
  });

  it('a partition whose fetch was paused is given back and taken again: it is fetched, and can be paused anew', async () => {
    const stage = new Stage();
    await stage.open({ waitingMax: 10 });
    stage.assign(0);
    stage.records(0, 0, keyed(...new Array<string>(12).fill('a')));
    assert.ok(stage.paused.has(0));
    await Promise.all([stage.revoke(0), stage.world.advance(1_000)]);
    stage.paused.clear(); // the log forgets it with the partition
    await stage.world.advance(1_000);
    assert.equal(stage.paused.size, 0, 'nothing is asked of the log for a partition that is gone');
    stage.assign(0, 0);
    stage.records(0, 0, keyed(...new Array<string>(12).fill('a')));
    assert.ok(stage.paused.has(0));
  });

  it('each life is told of: assigned, failed, revoked, and the events end with the consumer', async () => {
    const stage = new Stage();
    const consumer = await stage.open();
    stage.assign(0);
    stage.records(0, 0, keyed('a'));
    await stage.fail('0/0');
    await stage.world.advance(1_000);
    await stage.end('0/0');
    await consumer.close();
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      ['assigned', 'failed', 'revoked'],
    );
    for await (const event of consumer.events()) assert.fail(`${event.type} after the end`);
  });
});
