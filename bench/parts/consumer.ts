/** A record of the consumer from its batch to the end of its handler, without Kafka. */
import { realWorld } from '../../src/adapters/node/world.ts';
import { Consumer } from '../../src/consumer/consumer.ts';
import { chains } from '../peers/chains.ts';
import { batchesOf, MemoryLog } from '../regression/in-memory.ts';
import type { Parts } from './part.ts';

const RECORDS = 100_000;
const KEYS = 2_000;
const TIMER_MS = 2;

type Work = () => void | Promise<void>;

const RETURNS: Work = () => undefined;
const PROMISE: Work = () => Promise.resolve();
const TIMER: Work = () => new Promise((resolve) => setTimeout(resolve, TIMER_MS));

export async function consumerParts(): Promise<Parts> {
  const batches = batchesOf({ records: RECORDS, locations: KEYS, distribution: 'uniform' });
  const consumer = (work: Work, limit: number) => () => consumed(batches, work, limit);
  const naive = (work: Work) => () => chained(batches, work);
  return {
    parts: [
      { name: 'handler that returns', run: consumer(RETURNS, 10_000) },
      { name: 'handler with a promise', run: consumer(PROMISE, 10_000) },
      { name: 'handler with a timer of 2 ms', run: consumer(TIMER, 10_000) },
      { name: 'handler with a timer of 2 ms, limit 1,000', run: consumer(TIMER, 1_000) },
      { name: 'naive map, handler that returns', run: naive(RETURNS) },
      { name: 'naive map, handler with a promise', run: naive(PROMISE) },
      { name: 'naive map, handler with a timer of 2 ms', run: naive(TIMER) },
    ],
    close: () => Promise.resolve(),
  };
}

async function consumed(batches: Batches, work: Work, limit: number): Promise<number> {
  const log = new MemoryLog(batches);
  const done = Promise.withResolvers<void>();
  const count = countTo(RECORDS, done.resolve);
  const handle = ({ value }: { readonly value: Buffer | null }) => {
    JSON.parse(String(value));
    return after(work(), count);
  };
  const doors = { world: realWorld(), log: log.door, deadLetters: null, keepAlive: () => () => undefined };
  const consumer = new Consumer({ topic: 'memory', group: 'memory', limit, handle }, doors);
  await consumer.start();
  const before = process.cpuUsage();
  log.deliver();
  await done.promise;
  const micros = microsSince(before);
  await consumer.close();
  return micros;
}

type Batches = ReturnType<typeof batchesOf>;

async function chained(batches: Batches, work: Work): Promise<number> {
  const chain = chains();
  const done = Promise.withResolvers<void>();
  const count = countTo(RECORDS, done.resolve);
  const before = process.cpuUsage();
  for (const { count: records, bytes, keys, values } of batches) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let index = 0; index < records; index += 1) {
      const key = bytes.toString('utf8', keys[2 * index], keys[2 * index + 1]);
      const value = bytes.toString('utf8', values[2 * index], values[2 * index + 1]);
      void chain(key, () => {
        JSON.parse(value);
        return after(work(), count);
      });
    }
  }
  await done.promise;
  return microsSince(before);
}

function after(end: void | Promise<void>, count: () => void): void | Promise<void> {
  if (end instanceof Promise) return end.then(count);
  count();
}

function countTo(max: number, reached: () => void): () => void {
  let counted = 0;
  return () => {
    counted += 1;
    if (counted === max) reached();
  };
}

function microsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / RECORDS;
}
