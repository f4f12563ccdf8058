/**
 * Lanes as a user sees them: each promise, what p-queue and async-sema are relied on for, and a simple model under any
 * sequence of calls.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Lanes, LanesClosedError, LanesFullError, RunTimeoutError } from './index.ts';

const turn = () => new Promise<void>((resume) => setImmediate(resume));

/** A function that runs until it is told how to end. */
function gate<T = void>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let signal: AbortSignal | null = null;
  const task = (given: AbortSignal): Promise<T> => {
    signal = given;
    return promise;
  };
  return { task, resolve, reject, started: () => signal !== null, signal: () => signal };
}

describe('one at a time for each key', () => {
  it('gives back what the function gives, and rejects as it does', async () => {
    const lanes = new Lanes();
    assert.equal(await lanes.run('a', () => 7), 7);
    assert.equal(await lanes.run('a', async () => 'x'), 'x');
    await assert.rejects(
      lanes.run('a', async () => {
        throw new TypeError('mine');
      }),
      TypeError,
    );
    await assert.rejects(
      lanes.run('a', () => {
        throw new RangeError('at once');
      }),
      RangeError,
    );
    assert.equal(await lanes.run('a', () => 8), 8, 'a failure does not stop the key');
    assert.equal(lanes.size, 0);
  });

  it('starts at once when nothing is before it, in order behind what is', async () => {
    const lanes = new Lanes();
    const order: number[] = [];
    const first = gate();
    const runs = [first.task, () => void order.push(1), () => void order.push(2)].map((task) =>
      lanes.run('a', task),
    );
    assert.ok(first.started(), 'in the same turn');
    await turn();
    assert.deepEqual(order, []);
    assert.deepEqual(lanes.inspect('a'), { key: 'a', running: 1, waiting: 2, concurrency: 1 });
    first.resolve();
    await Promise.all(runs);
    assert.deepEqual(order, [1, 2]);
    assert.equal(lanes.inspect('a'), null);
  });

  it('keys do not wait for each other', async () => {
    const lanes = new Lanes();
    const stuck = gate();
    const waits = lanes.run('a', stuck.task);
    assert.equal(await lanes.run('b', () => 1), 1);
    stuck.resolve();
    await waits;
  });

  it('N at once by number or by key', async () => {
    const lanes = new Lanes({ concurrency: (key) => (key === 'wide' ? 3 : 1) });
    const gates = Array.from({ length: 5 }, () => gate());
    const runs = gates.map(({ task }) => lanes.run('wide', task));
    assert.deepEqual(
      gates.map(({ started }) => started()),
      [true, true, true, false, false],
    );
    gates[1]?.resolve();
    await runs[1];
    await turn();
    assert.ok(gates[3]?.started());
    for (const { resolve } of gates) resolve();
    await Promise.all(runs);
    assert.throws(() => new Lanes({ concurrency: 0 }), RangeError);
    assert.throws(() => new Lanes({ concurrency: 1.5 }), RangeError);
    assert.throws(() => new Lanes({ waitingMax: -1 }), RangeError);
  });
});

describe('bounds', () => {
  it('refuses what cannot wait, with a code, and drops nothing that waits', async () => {
    const lanes = new Lanes({ waitingMaxOfKey: 1, waitingMax: 2 });
    const first = gate();
    const runs = [lanes.run('a', first.task), lanes.run('a', () => 2)];
    await assert.rejects(
      lanes.run('a', () => 3),
      (error: unknown) => {
        assert.ok(error instanceof LanesFullError);
        assert.deepEqual([error.code, error.key, error.waiting], ['SB-7001', 'a', 1]);
        return true;
      },
    );
    const other = gate();
    runs.push(
      lanes.run('b', other.task),
      lanes.run('b', () => 4),
    );
    const third = gate();
    runs.push(lanes.run('c', third.task));
    await assert.rejects(
      lanes.run('c', () => 5),
      LanesFullError,
      'two wait in all',
    );
    for (const each of [first, other, third]) each.resolve();
    assert.deepEqual((await Promise.all(runs)).filter(Boolean), [2, 4]);
  });

  it('with no room to wait it still runs what can start', async () => {
    const lanes = new Lanes({ waitingMax: 0 });
    assert.equal(await lanes.run('a', () => 1), 1);
    const held = gate();
    const run = lanes.run('a', held.task);
    await assert.rejects(
      lanes.run('a', () => 2),
      LanesFullError,
    );
    held.resolve();
    await run;
  });

  it('room is back-pressure: it resolves when one more can wait', async () => {
    const lanes = new Lanes({ waitingMaxOfKey: 1 });
    const first = gate();
    const runs = [lanes.run('a', first.task), lanes.run('a', () => 1)];
    let room = false;
    const waited = lanes.room('a').then(() => {
      room = true;
    });
    await turn();
    assert.equal(room, false);
    first.resolve();
    await waited;
    await Promise.all(runs);
    const stop = new AbortController();
    const held = gate();
    const more = [lanes.run('a', held.task), lanes.run('a', () => 2)];
    const never = lanes.room('a', stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(never, /enough/);
    held.resolve();
    await Promise.all(more);
  });

  it('a limit over all keys: no more at once, and a deep key does not starve others', async () => {
    const lanes = new Lanes({ limit: 2, concurrency: 10 });
    const order: string[] = [];
    let running = 0;
    const task = (name: string) => async () => {
      running += 1;
      assert.ok(running <= 2);
      order.push(name);
      await turn();
      running -= 1;
    };
    const deep = Array.from({ length: 20 }, () => lanes.run('deep', task('deep')));
    const others = ['x', 'y', 'z'].map((key) => lanes.run(key, task(key)));
    await Promise.all([...deep, ...others]);
    const places = ['x', 'y', 'z'].map((name) => order.indexOf(name));
    assert.ok(Math.max(...places) < 10, order.join(' '));
    assert.equal(lanes.running, 0);
  });
});

describe('ending early', () => {
  it('an abort while waiting takes it out of the line, and what is behind moves up', async () => {
    const lanes = new Lanes();
    const first = gate();
    const stop = new AbortController();
    const runs = [lanes.run('a', first.task)];
    const ran: number[] = [];
    const aborted = lanes.run('a', () => void ran.push(1), { signal: stop.signal });
    runs.push(lanes.run('a', () => undefined));
    stop.abort(new Error('gone away'));
    await assert.rejects(aborted, /gone away/);
    assert.equal(lanes.waiting, 1);
    first.resolve();
    await Promise.all(runs);
    assert.deepEqual(ran, []);
    await assert.rejects(
      lanes.run('a', () => 1, { signal: stop.signal }),
      /gone away/,
      'aborted before',
    );
  });

  it('an abort while running is told to the function, which keeps its slot until it has ended', async () => {
    const lanes = new Lanes();
    const first = gate<string>();
    const stop = new AbortController();
    const run = lanes.run('a', first.task, { signal: stop.signal });
    const next = gate();
    const behind = lanes.run('a', next.task);
    stop.abort(new Error('stop'));
    assert.ok(first.signal()?.aborted);
    await turn();
    assert.equal(next.started(), false, 'the effect may still be under way');
    first.resolve('ended in order');
    assert.equal(await run, 'ended in order');
    await turn();
    assert.ok(next.started());
    next.resolve();
    await behind;
  });

  it('times: to wait, and to run', async () => {
    const lanes = new Lanes();
    const first = gate();
    const run = lanes.run('a', first.task, { timeoutMs: 5 });
    await assert.rejects(
      lanes.run('a', () => 1, { waitTimeoutMs: 5 }),
      (error: unknown) => {
        assert.ok(error instanceof RunTimeoutError && error.code === 'SB-7003');
        return true;
      },
    );
    while (first.signal()?.aborted !== true) await turn();
    assert.ok(first.signal()?.reason instanceof RunTimeoutError);
    first.reject(new Error('gave up'));
    await assert.rejects(run, /gave up/);
    assert.equal(await lanes.run('a', () => 2, { timeoutMs: 1_000, waitTimeoutMs: 1_000 }), 2);
  });

  it('close refuses what waits, leaves what runs to end, and starts nothing more', async () => {
    const lanes = new Lanes();
    const first = gate<number>();
    const run = lanes.run('a', first.task);
    const waiting = lanes.run('a', () => 2);
    const closed = lanes.close();
    await assert.rejects(waiting, LanesClosedError);
    await assert.rejects(
      lanes.run('b', () => 3),
      LanesClosedError,
    );
    assert.equal(first.signal()?.aborted, false);
    first.resolve(1);
    assert.equal(await run, 1);
    await closed;
    assert.equal(lanes.size, 0);
  });

  it('close with abort tells what runs', async () => {
    const lanes = new Lanes();
    const runs = ['a', 'b'].map((key) =>
      lanes.run(
        key,
        (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
    );
    const closed = lanes.close({ abort: true });
    for (const run of runs) await assert.rejects(run, LanesClosedError);
    await closed;
  });

  it('await using closes', async () => {
    let kept: Lanes;
    {
      await using lanes = new Lanes();
      kept = lanes;
      void lanes.run('a', turn);
    }
    assert.equal(kept.running, 0);
    await assert.rejects(
      kept.run('a', () => 1),
      LanesClosedError,
    );
  });
});

describe('idle, and looking in', () => {
  it('idle resolves when nothing waits and nothing runs', async () => {
    const lanes = new Lanes();
    await lanes.idle();
    const ends: string[] = [];
    for (const key of ['a', 'b', 'a'])
      void lanes.run(key, async () => void ends.push(await turn().then(() => key)));
    assert.deepEqual(
      [...lanes].map(({ key, running, waiting }) => [key, running, waiting]),
      [
        ['a', 1, 1],
        ['b', 1, 0],
      ],
    );
    await lanes.idle();
    assert.equal(ends.length, 3);
    assert.deepEqual([lanes.size, lanes.running, lanes.waiting], [0, 0, 0]);
  });

  it('a function may run others, of its own key behind it too', async () => {
    const lanes = new Lanes();
    const order: string[] = [];
    let inner: Promise<unknown> = Promise.resolve();
    await lanes.run('a', async () => {
      inner = lanes.run('a', () => void order.push('inner'));
      await lanes.run('b', () => void order.push('b'));
      order.push('outer');
    });
    await inner;
    assert.deepEqual(order, ['b', 'outer', 'inner']);
  });
});

describe('map', () => {
  it('results come as they come, keys in order, and an endless source is read only as far as needed', async () => {
    const lanes = new Lanes();
    let read = 0;
    function* source() {
      for (;;) yield { key: `k${read % 5}`, number: read++ };
    }
    const seen = new Map<string, number>();
    let taken = 0;
    for await (const { key, number } of lanes.map(
      source(),
      ({ key }) => key,
      async (item) => {
        await turn();
        return item;
      },
      { ahead: 8 },
    )) {
      assert.ok(number > (seen.get(key) ?? -1));
      seen.set(key, number);
      taken += 1;
      if (taken === 100) break;
    }
    assert.ok(read <= 120, `${read} were read`);
    assert.equal(lanes.size, 0, 'what was begun has ended');
  });

  it('the first failure ends it, and aborts what it began', async () => {
    const lanes = new Lanes();
    const signals: AbortSignal[] = [];
    const walk = async () => {
      for await (const _ of lanes.map([1, 2, 3], String, async (number, signal) => {
        signals.push(signal);
        if (number === 2) throw new Error('two');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }));
    };
    await assert.rejects(walk(), /two/);
    assert.ok(signals.every(({ aborted }) => aborted));
  });

  it('takes async iterables', async () => {
    async function* source() {
      yield 'a';
      await turn();
      yield 'b';
    }
    const found: string[] = [];
    for await (const each of new Lanes().map(
      source(),
      (item) => item,
      (item) => item.toUpperCase(),
    ))
      found.push(each);
    assert.deepEqual(found.sort(), ['A', 'B']);
  });
});

/** One line of a key as anybody would write it down. */
interface ModelKey {
  readonly line: number[];
  readonly running: Set<number>;
}

describe('against a simple model', () => {
  it('any calls, ends, failures and aborts: the same runs start, in the same order', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('run' as const), key: fc.integer({ min: 0, max: 3 }) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constantFrom('end' as const, 'fail' as const), pick: fc.nat(50) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), pick: fc.nat(50) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 80 }),
        async (concurrency, steps) => {
          const lanes = new Lanes({ concurrency });
          const model = new Map<number, ModelKey>();
          const modelStarts: number[][] = [[], [], [], []];
          const starts: number[][] = [[], [], [], []];
          const open: {
            number: number;
            key: number;
            gate: ReturnType<typeof gate<void>>;
            stop: AbortController;
          }[] = [];
          const settled: Promise<unknown>[] = [];
          const pump = (key: number, of: ModelKey) => {
            while (of.running.size < concurrency && of.line.length > 0) {
              const number = of.line.shift() ?? 0;
              of.running.add(number);
              modelStarts[key]?.push(number);
            }
          };
          for (const [number, each] of steps.entries()) {
            if (each.kind === 'run') {
              const { key } = each;
              const of = model.get(key) ?? { line: [], running: new Set<number>() };
              model.set(key, of);
              of.line.push(number);
              pump(key, of);
              const made = gate<void>();
              const stop = new AbortController();
              const task = (signal: AbortSignal) => {
                starts[key]?.push(number);
                return made.task(signal);
              };
              settled.push(lanes.run(String(key), task, { signal: stop.signal }).catch(() => undefined));
              open.push({ number, key, gate: made, stop });
            } else {
              const chosen = open[each.pick % Math.max(1, open.length)];
              if (chosen === undefined) continue;
              const of = model.get(chosen.key);
              const waits = of?.line.includes(chosen.number) ?? false;
              if (each.kind === 'abort') {
                chosen.stop.abort();
                if (waits && of !== undefined) of.line.splice(of.line.indexOf(chosen.number), 1);
              } else if (!waits && of?.running.delete(chosen.number) === true) {
                if (each.kind === 'end') chosen.gate.resolve();
                else chosen.gate.reject(new Error('fails'));
                pump(chosen.key, of);
              }
            }
            await turn();
            assert.deepEqual(starts, modelStarts);
            for (const [key, of] of model) {
              const view = lanes.inspect(String(key));
              assert.deepEqual([view?.running ?? 0, view?.waiting ?? 0], [of.running.size, of.line.length]);
            }
          }
          // Those that start while others end have to end too.
          for (let left = 1; left > 0; left = lanes.running) {
            for (const each of open) each.gate.resolve();
            await turn();
          }
          await Promise.all(settled);
          assert.equal(lanes.size, 0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a million runs over 100,000 keys leave nothing behind', async () => {
    const lanes = new Lanes({ concurrency: 2, limit: 500 });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const round = async (runs: number) => {
      let next = 0;
      const walk = async () => {
        while (next < runs) {
          const number = next++;
          await lanes.run(`key-${(number * 7_919) % 100_000}`, () =>
            number % 3 === 0 ? undefined : Promise.resolve(),
          );
        }
      };
      await Promise.all(Array.from({ length: 1_000 }, walk));
    };
    await round(100_000);
    collect();
    const before = process.memoryUsage().heapUsed;
    await round(1_000_000);
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    assert.deepEqual([lanes.size, lanes.running, lanes.waiting], [0, 0, 0]);
    assert.ok(grown < 5e6, `${Math.round(grown / 1e6)} MB more`);
  });
});
