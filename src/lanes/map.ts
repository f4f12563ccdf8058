/** Lanes over an iterable, results as they come. Its promises are in `Lanes.map`. */
import type { RunOptions, Task } from './options.ts';

export interface MapOptions<Item, Result> extends RunOptions {
  readonly items: Iterable<Item> | AsyncIterable<Item>;
  readonly keyOf: (item: Item) => string;
  readonly task: (item: Item, signal: AbortSignal) => Result | PromiseLike<Result>;
  readonly ahead?: number;
}

/** Enough to keep the keys of a usual process busy; an item is held in memory for each. */
const AHEAD = 64;

interface Runner {
  run<T>(key: string, task: Task<T>, options: RunOptions): Promise<T>;
  room(key: string, signal: AbortSignal): Promise<void>;
}

interface Landed<Result> {
  readonly flight: Promise<Landed<Result>>;
  readonly value: Result;
}

export async function* mapped<Item, Result>(
  lanes: Runner,
  { items, keyOf, task, ahead = AHEAD, signal: outer, ...options }: MapOptions<Item, Result>,
): AsyncGenerator<Result, void, undefined> {
  const left = new AbortController();
  const signal = outer === undefined ? left.signal : AbortSignal.any([outer, left.signal]);
  const flying = new Set<Promise<Landed<Result>>>();
  const next = async (): Promise<Result> => {
    const { flight, value } = await Promise.race(flying);
    flying.delete(flight);
    return value;
  };
  try {
    for await (const item of items) {
      while (flying.size >= ahead) yield await next();
      const key = keyOf(item);
      await lanes.room(key, signal);
      const flight: Promise<Landed<Result>> = lanes
        .run(key, (own) => task(item, own), { ...options, signal })
        .then((value) => ({ flight, value }));
      flight.catch(() => undefined); // told by the race, or nobody waits for it any more
      flying.add(flight);
    }
    while (flying.size > 0) yield await next();
  } finally {
    left.abort(new Error('the loop over these results has ended'));
    await Promise.allSettled(flying);
  }
}
