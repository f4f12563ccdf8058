/** What people read, over a ledger with many finals: the first time, and the median of five more. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresLists } from '../../src/adapters/postgres/lists.ts';
import { PostgresReadModel } from '../../src/adapters/postgres/read-model.ts';
import type { TransactionFilter } from '../../src/engine/ports-lists.ts';
import { median } from '../median.ts';

export interface Read {
  readonly read: string;
  readonly firstMs: number;
  readonly medianMs: number;
}

export interface ReadsOptions {
  readonly connectionString: string;
  readonly topic: string;
  readonly group: string;
  /** Ids are final-0 … */
  readonly finals: number;
  /** A location with outcomes only, one that is in doubt too, and fifty with outcomes. */
  readonly quiet: string;
  readonly doubtful: string;
  readonly fifty: readonly string[];
  /** Half the finals are before it. */
  readonly middleMs: number;
  /** What Postgres logs. */
  readonly log: string;
  /** Where each read's plan goes, as it ran; null: nowhere. */
  readonly plansDirectory: string | null;
}

interface Readers {
  readonly lists: PostgresLists;
  readonly model: PostgresReadModel;
}

type Run = (readers: Readers) => Promise<unknown>;

const REPEATS = 5;
const ANY: TransactionFilter = {
  states: [],
  location: null,
  type: null,
  code: null,
  fromMs: null,
  toMs: null,
  limit: 100,
  cursor: null,
};
const AUTO_EXPLAIN = [
  'session_preload_libraries=auto_explain',
  'auto_explain.log_min_duration=0',
  'auto_explain.log_analyze=on',
  'auto_explain.log_buffers=on',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

export async function timedReads(options: ReadsOptions): Promise<Read[]> {
  const readers = readersOf(options, options.connectionString);
  // Connected: a service keeps its connections.
  await Promise.all([readers.lists.limits(), readers.model.transaction('none')]);
  const reads: Read[] = [];
  for (const [read, run] of Object.entries(readsOf(options))) reads.push(await timed(read, readers, run));
  await close(readers);
  if (options.plansDirectory !== null) await writePlans(options, options.plansDirectory);
  return reads;
}

function readersOf({ topic, group }: ReadsOptions, connectionString: string): Readers {
  const options = { connectionString, topic, group };
  return { lists: new PostgresLists(options), model: new PostgresReadModel(options) };
}

async function close({ lists, model }: Readers): Promise<void> {
  await Promise.all([lists.close(), model.close()]);
}

async function timed(read: string, readers: Readers, run: Run): Promise<Read> {
  const times: number[] = [];
  for (let time = 0; time <= REPEATS; time += 1) {
    const startedMs = performance.now();
    await run(readers);
    times.push(performance.now() - startedMs);
  }
  const [first = 0, ...more] = times;
  return { read, firstMs: Math.round(first), medianMs: Math.round(10 * median(more)) / 10 };
}

async function writePlans(options: ReadsOptions, plansDirectory: string): Promise<void> {
  await mkdir(plansDirectory, { recursive: true });
  const url = new URL(options.connectionString);
  url.searchParams.set('options', AUTO_EXPLAIN);
  for (const [read, run] of Object.entries(readsOf(options))) {
    const before = (await readFile(options.log)).length;
    const readers = readersOf(options, url.href);
    await run(readers);
    await close(readers);
    const plans = (await readFile(options.log)).subarray(before);
    await writeFile(join(plansDirectory, `${read.replaceAll(/[^a-z0-9]+/g, '-')}.txt`), plans);
  }
}

function readsOf({ finals, quiet, doubtful, fifty, middleMs }: ReadsOptions): Record<string, Run> {
  const search =
    (filter: Partial<TransactionFilter>): Run =>
    ({ lists }) =>
      lists.transactions({ ...ANY, ...filter });
  return {
    'search: anything': search({}),
    'search: completed, newest first': search({ states: ['completed'] }),
    'search: rolled back': search({ states: ['rolled_back'] }),
    'search: a code': search({ code: 'SB-4104' }),
    'search: a type that none has': search({ type: 'none' }),
    'search: completed, before half the history': search({ states: ['completed'], toMs: middleMs }),
    'search: rolled back, before half the history': search({ states: ['rolled_back'], toMs: middleMs }),
    'search: a location': search({ location: quiet }),
    'search: a location, rolled back': search({ location: quiet, states: ['rolled_back'] }),
    'search: in doubt': search({ states: ['in_doubt'] }),
    'search: parked': search({ states: ['received'] }),
    'a transaction by id': ({ model }) => model.transaction(`final-${Math.floor(finals / 3)}`),
    'why a location': ({ model }) => model.why(quiet),
    'why a location that is in doubt': ({ model }) => model.why(doubtful),
    status: ({ model }) => model.status(),
    'locations, worst first': ({ model }) => model.locations(1_000),
    'open locations': ({ lists }) => lists.openLocations(),
    'names of 200 locations': ({ lists }) => lists.locationNames(quiet, 200),
    'recent outcomes of 50 locations': ({ lists }) => lists.recent(fifty),
    'page of a location': ({ lists }) => lists.locationDetail(quiet),
    attention: ({ lists }) => lists.attention(100),
  };
}
