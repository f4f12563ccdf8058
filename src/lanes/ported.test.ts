/**
 * What users of p-queue and async-sema rely on, as far as lanes promise it: cases found in their public test suites, written
 * anew. docs/library/ported-cases.md says which case became which test, and which do not apply.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { Lanes, LanesClosedError, LanesFullError, RunTimeoutError } from './index.ts';

const add = (count: { n: number }) => () => {
  count.n += 1;
};
const turn = () => new Promise<void>((resume) => setImmediate(resume));
const KEY = 'k';

function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { task: () => promise, open: resolve, fail: reject };
}

describe('p-queue: running', () => {
  it('concurrency 1 and 5: never more at once, all run, in the order they were added', async () => {
    for (const concurrency of [1, 5]) {
      const lanes = new Lanes({ concurrency });
      const started: number[] = [];
      let [running, most] = [0, 0];
      const runs = Array.from({ length: 100 }, (_, index) =>
        lanes.run(KEY, async () => {
          started.push(index);
          most = Math.max(most, ++running);
          await turn();
          running -= 1;
          return index;
        }),
      );
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      assert.deepEqual(await Promise.all(runs), numbers);
      assert.deepEqual(started, numbers);
      assert.equal(most, concurrency);
    }
  });

  it('functions that answer at once and later, mixed, keep their order', async () => {
    const lanes = new Lanes();
    const order: number[] = [];
    const later = async (index: number) => {
      await turn();
      order.push(index);
    };
    await Promise.all([
      lanes.run(KEY, () => later(0)),
      lanes.run(KEY, () => void order.push(1)),
      lanes.run(KEY, () => later(2)),
      lanes.run(KEY, () => void order.push(3)),
    ]);
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  it('one that throws or rejects rejects its own run only', async () => {
    const lanes = new Lanes();
    const results = await Promise.allSettled([
      lanes.run(KEY, () => {
        throw new Error('thrown');
      }),
      lanes.run(KEY, () => Promise.reject(new Error('rejected'))),
      lanes.run(KEY, async () => 'fine'),
    ]);
    assert.deepEqual(
      results.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
      ['Error: thrown', 'Error: rejected', 'fine'],
    );
  });

  it('a function may add others while it runs; they come behind what waits', async () => {
    const lanes = new Lanes();
    const order: string[] = [];
    let inner: Promise<unknown> = Promise.resolve();
    await Promise.all([
      lanes.run(KEY, async () => {
        await turn();
        inner = lanes.run(KEY, () => void order.push('inner'));
        order.push('first');
      }),
      lanes.run(KEY, () => void order.push('second')),
    ]);
    await inner;
    assert.deepEqual(order, ['first', 'second', 'inner']);
  });

  it('what runs and waits is counted in the same turn', async () => {
    const lanes = new Lanes({ concurrency: 2 });
    const held = gate();
    const runs = Array.from({ length: 5 }, () => lanes.run(KEY, held.task));
    assert.deepEqual([lanes.running, lanes.waiting], [2, 3]);
    held.open();
    await Promise.all(runs);
    assert.deepEqual([lanes.running, lanes.waiting], [0, 0]);
  });

  it('a change of the concurrency counts from the next start', async () => {
    let concurrency = 1;
    const lanes = new Lanes({ concurrency: () => concurrency });
    const gates = Array.from({ length: 4 }, () => gate());
    const runs = gates.map(({ task }) => lanes.run(KEY, task));
    assert.equal(lanes.running, 1);
    concurrency = 3;
    gates[0]?.open();
    await runs[0];
    await turn();
    assert.equal(lanes.running, 3);
    for (const { open } of gates) open();
    await Promise.all(runs);
  });

  it('20,000 that answer at once, and 20,000 that are aborted, need no deep stack', async () => {
    const lanes = new Lanes();
    const held = gate();
    const stop = new AbortController();
    const first = lanes.run(KEY, held.task);
    const runs = Array.from({ length: 20_000 }, (_, index) => lanes.run(KEY, () => index));
    const aborted = Array.from({ length: 20_000 }, () => lanes.run(KEY, () => 0, { signal: stop.signal }));
    const ends = Promise.allSettled(aborted);
    stop.abort(new Error('enough'));
    held.open();
    await first;
    assert.equal((await Promise.all(runs)).length, 20_000);
    assert.ok((await ends).every(({ status }) => status === 'rejected'));
    assert.equal(lanes.size, 0);
  });
});

describe('p-queue: waiting for it', () => {
  it('idle: at once when nothing runs, for each of several that wait, with failures too, and again later', async () => {
    const lanes = new Lanes();
    await lanes.idle();
    for (let round = 0; round < 2; round += 1) {
      const held = gate();
      const run = lanes.run(KEY, held.task);
      const ended = { n: 0 };
      const idles = [1, 2, 3].map(() => lanes.idle().then(add(ended)));
      await turn();
      assert.equal(ended.n, 0);
      held.fail(new Error('no'));
      await assert.rejects(run, /no/);
      await Promise.all(idles);
      assert.equal(ended.n, 3);
    }
  });

  it('idle waits for what is added meanwhile', async () => {
    const lanes = new Lanes();
    const [first, second] = [gate(), gate()];
    const run = lanes.run('a', first.task);
    let idle = false;
    const waited = lanes.idle().then(() => {
      idle = true;
    });
    const added = lanes.run('b', second.task);
    first.open();
    await run;
    await turn();
    assert.equal(idle, false);
    second.open();
    await Promise.all([added, waited]);
  });

  it('room: several that wait are all told, and each looks again', async () => {
    const lanes = new Lanes({ waitingMax: 1 });
    const held = gate();
    const runs = [lanes.run(KEY, held.task), lanes.run(KEY, () => undefined)];
    const told = { n: 0 };
    const rooms = [1, 2, 3].map(() => lanes.room(KEY).then(add(told)));
    await turn();
    assert.equal(told.n, 0);
    held.open();
    await Promise.all([...runs, ...rooms]);
    assert.equal(told.n, 3);
  });

  it('room of lanes that are closed meanwhile rejects', async () => {
    const lanes = new Lanes({ waitingMax: 0 });
    const held = gate();
    const run = lanes.run(KEY, held.task);
    const room = assert.rejects(lanes.room(KEY), LanesClosedError);
    const closed = lanes.close();
    held.open();
    await Promise.all([run, closed]);
    await room.catch(() => undefined);
  });
});

describe('p-queue: time and abort', () => {
  it('a time-out is the function’s to hear; its own end counts', async () => {
    const lanes = new Lanes();
    const run = lanes.run(
      KEY,
      (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason))),
      { timeoutMs: 5 },
    );
    assert.ok((await run) instanceof RunTimeoutError);
    assert.equal(await lanes.run(KEY, async () => 'in time', { timeoutMs: 1_000 }), 'in time');
  });

  it('aborted before, while waiting, by a reason of one’s own, and several by one signal', async () => {
    const lanes = new Lanes();
    const stop = new AbortController();
    const held = gate();
    const first = lanes.run(KEY, held.task);
    const reason = { mine: true };
    const ran = { n: 0 };
    const options = { signal: stop.signal };
    const waiting = Array.from({ length: 3 }, () => lanes.run(KEY, add(ran), options));
    stop.abort(reason);
    for (const each of [...waiting, lanes.run(KEY, add(ran), options)])
      await assert.rejects(each, (error) => error === reason);
    held.open();
    await first;
    await lanes.idle();
    assert.equal(ran.n, 0);
  });

  it('of several aborted ones only those whose signal it is leave the line', async () => {
    const lanes = new Lanes();
    const held = gate();
    const first = lanes.run(KEY, held.task);
    const stops = Array.from({ length: 5 }, () => new AbortController());
    const order: number[] = [];
    const runs = stops.map(({ signal }, index) => lanes.run(KEY, () => void order.push(index), { signal }));
    const ends = Promise.allSettled(runs);
    stops[3]?.abort();
    stops[1]?.abort();
    held.open();
    await Promise.all([first, ends]);
    assert.deepEqual(order, [0, 2, 4]);
  });

  it('leaves no listener on a signal: when it starts, when it ends, when it is refused, when room was waited for', async () => {
    const lanes = new Lanes({ waitingMax: 1 });
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    const held = gate();
    const runs = [lanes.run(KEY, held.task, { signal }), lanes.run(KEY, turn, { signal })];
    const rooms = Array.from({ length: 20 }, () => lanes.room(KEY, signal));
    await assert.rejects(lanes.run(KEY, turn, { signal }), LanesFullError);
    assert.ok(listeners() > 0);
    held.open();
    await Promise.all([...runs, ...rooms]);
    assert.equal(listeners(), 0);
    for await (const _ of lanes.map(Array.from({ length: 100 }), () => KEY, turn, { signal, ahead: 2 }));
    assert.equal(listeners(), 0);
    const other = gate();
    const last = lanes.run(KEY, other.task, { signal });
    const refused = lanes.run(KEY, turn, { signal });
    const closed = lanes.close();
    await assert.rejects(refused, LanesClosedError);
    other.open();
    await Promise.all([last, closed]);
    assert.equal(listeners(), 0);
  });

  it('closing (clear) settles a deep line in order, and who waits for idle', async () => {
    const lanes = new Lanes();
    const held = gate();
    const first = lanes.run(KEY, held.task);
    const refused: number[] = [];
    const ends = Array.from({ length: 50_000 }, (_, index) =>
      lanes.run(KEY, turn).catch(() => void refused.push(index)),
    );
    const idle = lanes.idle();
    const closed = lanes.close();
    await Promise.all(ends);
    assert.ok(refused.every((index, place) => index === place));
    held.open();
    await Promise.all([first, idle, closed]);
  });
});

describe('p-queue: numbers that are none', () => {
  it('are refused where they are given', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN])
      assert.throws(() => new Lanes({ concurrency: wrong, limit: 1 }), RangeError);
    for (const wrong of [0, Number.NaN]) assert.throws(() => new Lanes({ limit: wrong }), RangeError);
    for (const wrong of [-1, 0.5]) assert.throws(() => new Lanes({ waitingMaxOfKey: wrong }), RangeError);
  });

  it('or, told by a function, reject the run: nothing is left unsettled, and run throws nothing', async () => {
    let concurrency = 1;
    const lanes = new Lanes({
      concurrency: () => {
        if (concurrency === 13) throw new Error('unlucky');
        return concurrency;
      },
    });
    concurrency = 13;
    await assert.rejects(lanes.run(KEY, turn), /unlucky/);
    concurrency = 0;
    await assert.rejects(lanes.run(KEY, turn), RangeError);
    concurrency = 1;
    const held = gate();
    const first = lanes.run(KEY, held.task);
    const behind = [lanes.run(KEY, turn), lanes.run(KEY, turn)];
    const idle = lanes.idle();
    concurrency = 13;
    held.open();
    await first;
    for (const each of behind) await assert.rejects(each, /unlucky/);
    await idle;
    concurrency = 1;
    assert.equal(await lanes.run(KEY, () => 7), 7);
  });
});

describe('async-sema', () => {
  it('says how many wait, and how many more may run', async () => {
    const lanes = new Lanes({ concurrency: 3 });
    const held = gate();
    const runs = Array.from({ length: 5 }, () => lanes.run(KEY, held.task));
    assert.deepEqual(lanes.inspect(KEY), { key: KEY, running: 3, waiting: 2, concurrency: 3 });
    held.open();
    await Promise.all(runs);
    assert.equal(lanes.inspect(KEY), null);
  });

  it('tries without waiting, when waiting is not allowed', async () => {
    const lanes = new Lanes({ concurrency: 2, waitingMaxOfKey: 0 });
    const held = gate();
    const runs = [lanes.run(KEY, held.task), lanes.run(KEY, held.task)];
    await assert.rejects(lanes.run(KEY, turn), LanesFullError);
    held.open();
    await Promise.all(runs);
    await lanes.run(KEY, turn);
  });

  it('pauses who produces above a bound, and lets them go on below it', async () => {
    const lanes = new Lanes({ concurrency: 2, waitingMaxOfKey: 3 });
    let [made, most] = [0, 0];
    const runs: Promise<unknown>[] = [];
    while (made < 50) {
      await lanes.room(KEY);
      runs.push(lanes.run(KEY, turn));
      made += 1;
      most = Math.max(most, lanes.waiting);
    }
    await Promise.all(runs);
    assert.ok(most <= 3, `${most} waited`);
  });
});
