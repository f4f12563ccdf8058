/** What a user of `signalbox/lanes` relies on, tried on whatever runtime this is. Throws when it is not so. */
import assert from 'node:assert/strict';
import { Lanes, LanesFullError, RunTimeoutError } from 'signalbox/lanes';

const KEYS = 200;
const RUNS = 20_000;

const lanes = new Lanes();
const last = new Map<string, number>();
const running = new Set<string>();
await Promise.all(
  Array.from({ length: RUNS }, (_, number) => {
    const key = `${number % KEYS}`;
    return lanes.run(key, async () => {
      assert.ok(!running.has(key), `two of ${key} at once`);
      assert.ok((last.get(key) ?? -1) < number, `${key}: ${number} after ${last.get(key)}`);
      running.add(key);
      await null;
      running.delete(key);
      last.set(key, number);
    });
  }),
);
assert.equal(lanes.size, 0, 'keys are left in memory');

const narrow = new Lanes({ waitingMaxOfKey: 1 });
const stop = new AbortController();
const held = Promise.withResolvers<void>();
const first = narrow.run('a', () => held.promise);
const waiting = narrow.run('a', () => undefined, { signal: stop.signal });
await assert.rejects(
  narrow.run('a', () => undefined),
  LanesFullError,
);
stop.abort(new Error('enough'));
await assert.rejects(waiting, /enough/);
await assert.rejects(
  narrow.run('a', () => undefined, { waitTimeoutMs: 5 }),
  RunTimeoutError,
);
held.resolve();
await first;
const reason = await narrow.run(
  'a',
  (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason))),
  { timeoutMs: 5 },
);
assert.ok(reason instanceof RunTimeoutError);

let taken = 0;
for await (const _ of narrow.map(
  [1, 2, 3, 4],
  (each) => `${each % 2}`,
  (each) => each,
))
  taken += 1;
assert.equal(taken, 4);
await narrow.close();
console.log(`${RUNS} runs over ${KEYS} keys in order; bound, abort, time-outs, map`);
