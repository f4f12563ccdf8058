/**
 * The hot paths that need nothing outside, each with a fixed baseline that does the same without Signalbox. A baseline is never
 * made faster or slower: the committed ratios are against it.
 */
import { realWorld } from '../../src/adapters/node/world.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { Watermark } from '../../src/core/watermark.ts';
import type { RecordBatch } from '../../src/engine/ports.ts';
import { Lanes } from '../../src/lanes/index.ts';
import { batchesOf, MemoryLog } from './in-memory.ts';

/** Both give back what they did in a second of CPU. */
export interface HotPath {
  readonly name: string;
  readonly ours: () => Promise<number>;
  readonly baseline: () => Promise<number>;
}

const KEYS = 2_000;
const RECORDS = 40_000;
const RUNS = 200_000;
/** Of them, how many are waited for together. */
const RUNS_AT_ONCE = 5_000;
const OFFSETS = 400_000;
/** Records that are open at once in the watermark, ended in another order than they came. */
const OPEN = 1_024;

export function hotPaths(): HotPath[] {
  const batches = batchesOf({ records: RECORDS, locations: KEYS, distribution: 'uniform' });
  return [
    {
      name: 'consumer, handler that returns',
      ours: () => consume(batches, () => undefined),
      baseline: () => chained(batches, () => undefined),
    },
    {
      name: 'consumer, handler with a promise',
      ours: () => consume(batches, () => Promise.resolve()),
      baseline: () => chained(batches, () => Promise.resolve()),
    },
    { name: 'lanes', ours: lanes, baseline: chainedRuns },
    { name: 'watermark', ours: watermark, baseline: setOfOffsets },
  ];
}

async function consume(
  batches: readonly RecordBatch[],
  work: () => undefined | Promise<void>,
): Promise<number> {
  const log = new MemoryLog(batches);
  const done = Promise.withResolvers<void>();
  let left = RECORDS;
  const handle = ({ value }: { readonly value: Buffer | null }): undefined | Promise<void> => {
    JSON.parse(String(value));
    left -= 1;
    if (left === 0) done.resolve();
    return work();
  };
  const doors = { world: realWorld(), log: log.door, deadLetters: null, keepAlive: () => () => undefined };
  const consumer = new Consumer({ topic: 'memory', group: 'memory', handle }, doors);
  await consumer.start();
  const before = process.cpuUsage();
  log.deliver();
  await done.promise;
  const perSecond = perCpuSecond(RECORDS, before);
  await consumer.close();
  return perSecond;
}

/** A promise chain a key in a map, over the same batches. */
async function chained(
  batches: readonly RecordBatch[],
  work: () => undefined | Promise<void>,
): Promise<number> {
  const chains = new Map<string, Promise<void>>();
  const before = process.cpuUsage();
  for (const { count, bytes, keys, values } of batches) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let index = 0; index < count; index += 1) {
      const key = bytes.toString('utf8', keys[2 * index], keys[2 * index + 1]);
      const value = bytes.toString('utf8', values[2 * index], values[2 * index + 1]);
      const before = chains.get(key) ?? Promise.resolve();
      chains.set(
        key,
        before.then(() => {
          JSON.parse(value);
          return work();
        }),
      );
    }
  }
  await Promise.all(chains.values());
  return perCpuSecond(RECORDS, before);
}

async function lanes(): Promise<number> {
  const all = new Lanes();
  const before = process.cpuUsage();
  await inRuns((run) => all.run(keyOf(run), () => Promise.resolve()));
  return perCpuSecond(RUNS, before);
}

async function chainedRuns(): Promise<number> {
  const chains = new Map<string, Promise<void>>();
  const before = process.cpuUsage();
  await inRuns((run) => {
    const key = keyOf(run);
    const end = (chains.get(key) ?? Promise.resolve()).then(() => Promise.resolve());
    chains.set(key, end);
    return end;
  });
  return perCpuSecond(RUNS, before);
}

function keyOf(run: number): string {
  return `key-${(run * 7_919) % KEYS}`;
}

async function inRuns(start: (run: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < RUNS; first += RUNS_AT_ONCE) {
    const ends: Promise<unknown>[] = [];
    for (let run = first; run < first + RUNS_AT_ONCE; run += 1) ends.push(start(run));
    await Promise.all(ends);
  }
}

async function watermark(): Promise<number> {
  const mark = new Watermark(0);
  const tickets = new Int32Array(OPEN);
  const before = process.cpuUsage();
  for (let from = 0; from < OFFSETS; from += OPEN) {
    for (let index = 0; index < OPEN; index += 1) tickets[index] = mark.open(from + index);
    for (let index = 0; index < OPEN; index += 1) mark.close(tickets[(index * 7) % OPEN] ?? 0);
    mark.advance(from + OPEN);
    if (mark.ready !== from + OPEN) throw new Error(`the watermark is at ${mark.ready}`);
  }
  return perCpuSecond(OFFSETS, before);
}

/** The open offsets in a Set, the lowest one looked for when it ends. */
async function setOfOffsets(): Promise<number> {
  const open = new Set<number>();
  let ready = 0;
  const before = process.cpuUsage();
  for (let from = 0; from < OFFSETS; from += OPEN) {
    for (let index = 0; index < OPEN; index += 1) open.add(from + index);
    for (let index = 0; index < OPEN; index += 1) {
      open.delete(from + ((index * 7) % OPEN));
      while (ready < from + OPEN && !open.has(ready)) ready += 1;
    }
    if (ready !== from + OPEN) throw new Error(`the lowest open offset is ${ready}`);
  }
  return perCpuSecond(OFFSETS, before);
}

/** Of this process: what else the machine does weighs less than in seconds of a clock. */
function perCpuSecond(count: number, before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (1e6 * count) / (user + system);
}
