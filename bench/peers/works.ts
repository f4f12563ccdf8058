/** The works that all peers do: how many records, over which locations, what a handler does. */

export type WorkId = 'W1' | 'W2' | 'W3' | 'W4' | 'W5' | 'W6' | 'crash';

export interface Work {
  readonly id: WorkId;
  readonly what: string;
  readonly dataset: Dataset;
  /** What a handler waits, in ms. 0: it parses the record and ends. */
  readonly handlerMs: number;
  /** A peer with a handful of handlers at once gets so many records, or its run would take minutes. */
  readonly narrowRecords?: number;
}

/** Records that are the same for everybody; two works with the same one share a topic. */
export interface Dataset {
  readonly records: number;
  readonly locations: number;
  /** `zipf`: exponent 1.0. */
  readonly distribution: 'uniform' | 'zipf';
}

export const PARTITIONS = 8;
export const SEED = 42;
/** W4: records a second, over this many seconds, the first sixth of which warms up. */
export const OPEN_LOOP = { perSecond: 1_000, seconds: 18, warmUpShare: 1 / 6 } as const;
/** W5: the location that never ends. */
export const STUCK_LOCATION = 'L0007';
/** W5: how long a run is watched, stalled or not: the slowest peer needs most of it. */
export const STUCK_WATCH_MS = 60_000;
/** The crash: how long a process works before it is killed. */
export const CRASH_AFTER_MS = 12_000;

const uniform = (records: number): Dataset => ({ records, locations: 2_000, distribution: 'uniform' });
const ZIPF: Dataset = { records: 15_000, locations: 1_000, distribution: 'zipf' };

// W2 has as many records as W1: 100,000 fit into the first two answers of a client that holds nothing back, and what it
// does before its first handler starts is not on the clock.
export const WORKS: readonly Work[] = [
  { id: 'W1', what: 'keyed, the handler parses only', dataset: uniform(500_000), handlerMs: 0 },
  {
    id: 'W2',
    what: 'keyed, a handler of 2 ms',
    dataset: uniform(500_000),
    handlerMs: 2,
    narrowRecords: 20_000,
  },
  { id: 'W3', what: 'Zipf 1.0 over 1,000 locations, a handler of 10 ms', dataset: ZIPF, handlerMs: 10 },
  {
    id: 'W4',
    what: 'open loop, 1,000 records a second, a handler of 5 ms',
    dataset: uniform(OPEN_LOOP.perSecond * OPEN_LOOP.seconds),
    handlerMs: 5,
  },
  {
    id: 'W5',
    what: 'as W2, and the first handler of one location never ends',
    dataset: uniform(500_000),
    handlerMs: 2,
  },
  {
    id: 'W6',
    what: 'begin and finish committed in Postgres with fsync',
    dataset: uniform(50_000),
    handlerMs: 0,
    narrowRecords: 10_000,
  },
  {
    id: 'crash',
    what: 'as W3; SIGKILL after 12 s of work, then the same group again',
    dataset: ZIPF,
    handlerMs: 10,
  },
];

export function work(id: string): Work {
  const found = WORKS.find((one) => one.id === id);
  if (found === undefined)
    throw new Error(`no work ${id}: there are ${WORKS.map((one) => one.id).join(', ')}`);
  return found;
}
