/**
 * Keyed concurrency in one process: Lanes beside what one would otherwise take, in the same process, each in turn.
 *
 *   npm run bench -- lanes [--runs 200000] [--keys 2000] [--rounds 3] [--json]
 *
 * Each run is an async function that ends in the next microtask. Of each contender the median of the rounds counts, as a
 * ratio to Lanes; every round checks that no two of a key overlapped, and that all ran in order.
 */
import { parseArgs } from 'node:util';
import { Mutex } from 'async-mutex';
import { Sema } from 'async-sema';
import Bottleneck from 'bottleneck';
import pLimit from 'p-limit';
import { Lanes } from '../src/lanes/index.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200000' },
    keys: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const RUNS = Number(values.runs);
const KEYS = Number(values.keys);
/** It is two orders of magnitude slower and makes a limiter with timers for each key: with more it does not end in time. */
const BOTTLENECK_KEYS_MAX = 10_000;

type Run = (key: string, task: () => Promise<void>) => Promise<unknown>;

/** A map of one thing a key: what one writes when one has no lanes. None of them ever leaves the map. */
function map<T>(make: () => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    let found = made.get(key);
    if (found === undefined) {
      found = make();
      made.set(key, found);
    }
    return found;
  };
}

const CONTENDERS: Readonly<Record<string, () => { run: Run; kept: () => number }>> = {
  Lanes: () => {
    const lanes = new Lanes();
    return { run: (key, task) => lanes.run(key, task), kept: () => lanes.size };
  },
  'p-limit, one a key': () => {
    const of = map(() => pLimit(1));
    return { run: (key, task) => of(key)(task), kept: () => KEYS };
  },
  'async-mutex, one a key': () => {
    const of = map(() => new Mutex());
    return { run: (key, task) => of(key).runExclusive(task), kept: () => KEYS };
  },
  'async-sema, one a key': () => {
    const of = map(() => new Sema(1));
    const run: Run = async (key, task) => {
      const sema = of(key);
      await sema.acquire();
      try {
        await task();
      } finally {
        sema.release();
      }
    };
    return { run, kept: () => KEYS };
  },
  'Bottleneck.Group': () => {
    const group = new Bottleneck.Group({ maxConcurrent: 1 });
    return { run: (key, task) => group.key(key).schedule(task), kept: () => group.keys().length };
  },
};

async function round(
  make: () => { run: Run; kept: () => number },
): Promise<{ perSecond: number; kept: number }> {
  const { run, kept } = make();
  const running = new Set<string>();
  const last = new Map<string, number>();
  const startedMs = performance.now();
  const ends: Promise<unknown>[] = [];
  for (let number = 0; number < RUNS; number += 1) {
    const key = `key-${(number * 7_919) % KEYS}`;
    ends.push(
      run(key, async () => {
        if (running.has(key)) throw new Error(`two of ${key} at once`);
        if (number < (last.get(key) ?? -1)) throw new Error(`${key} out of order`);
        running.add(key);
        last.set(key, number);
        await undefined;
        running.delete(key);
      }),
    );
  }
  await Promise.all(ends);
  return { perSecond: (RUNS * 1_000) / (performance.now() - startedMs), kept: kept() };
}

const found = new Map<string, { rates: number[]; kept: number }>();
// In turns, so that a noisy moment meets all of them.
for (let each = 0; each < Number(values.rounds); each += 1) {
  for (const [name, make] of Object.entries(CONTENDERS)) {
    if (name.startsWith('Bottleneck') && KEYS > BOTTLENECK_KEYS_MAX) continue;
    const { perSecond, kept } = await round(make);
    const seen = found.get(name) ?? { rates: [], kept };
    found.set(name, { rates: [...seen.rates, perSecond], kept });
  }
}
const median = (rates: readonly number[]) =>
  rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
const base = median(found.get('Lanes')?.rates ?? []);
const rows = [...found].map(([name, { rates, kept }]) => ({
  name,
  perSecond: Math.round(median(rates)),
  ratio: Number((median(rates) / base).toFixed(2)),
  keysKept: kept,
}));
if (values.json) console.log(JSON.stringify({ machine: machine(), runs: RUNS, keys: KEYS, rows }, null, 2));
else {
  console.log(`${RUNS.toLocaleString('en-US')} runs over ${KEYS.toLocaleString('en-US')} keys`);
  console.table(rows);
  if (KEYS > BOTTLENECK_KEYS_MAX) console.log(`Bottleneck.Group: left out above ${BOTTLENECK_KEYS_MAX} keys`);
}
