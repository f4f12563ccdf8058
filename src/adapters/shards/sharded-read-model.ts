/**
 * What API, CLI and page ask of single things, from a ledger of several servers (src/engine/ports-read.ts says what each
 * is).
 *
 * SR1 What is about one location comes from its shard alone, whatever becomes of the others.
 * SR2 What is about the whole fleet needs every shard: without one it would be wrong, so it throws, and says which.
 */
import { isFinal, type State } from '../../core/states.ts';
import type {
  DeadLetterFilter,
  DeadLetterView,
  FleetStatus,
  LocationView,
  ReadModel,
  TransactionView,
  Why,
  WorkerStatus,
} from '../../engine/ports-read.ts';
import { type ShardOptions, Shards } from './shards.ts';

/** The worst first, as the ledger lists them. */
const WORST_FIRST: readonly (State | 'clear')[] = ['held', 'in_doubt', 'reversing', 'executing', 'received'];

export class ShardedReadModel implements ReadModel {
  readonly #shards: Shards<ReadModel>;

  constructor(options: ShardOptions<ReadModel>) {
    this.#shards = new Shards(options);
  }

  async status(): Promise<FleetStatus> {
    return fleetOf(await this.#shards.each((shard) => shard.status()));
  }

  /** An id that was used twice, for locations of different shards, is on both: the one that is open, else the later. */
  async transaction(id: string): Promise<TransactionView | null> {
    const { answers, failures } = await this.#shards.eachThatAnswers((shard) => shard.transaction(id));
    const found = answers.filter((each) => each !== null);
    if (found.length === 0 && failures.length > 0) throw failures[0];
    const order = (each: TransactionView) => (isFinal(each.state) ? 0 : Number.MAX_VALUE / 2);
    const rank = (each: TransactionView) => order(each) + Date.parse(each.changedAt);
    return found.toSorted((a, b) => rank(b) - rank(a))[0] ?? null;
  }

  async why(location: string): Promise<Why> {
    const whereIs = await this.#shards.whereIs();
    return await this.#shards.at(whereIs?.(location) ?? 0, (shard) => shard.why(location));
  }

  /** Those with nothing open come in turn from each shard, as each saw them last. */
  async locations(limit: number): Promise<LocationView[]> {
    const whereIs = await this.#shards.whereIs();
    const lists = await this.#shards.each(async (shard, number) => {
      const own = (await shard.locations(limit)).filter(
        ({ location }) => whereIs === null || whereIs(location) === number,
      );
      return own.map((each, place) => ({ each, rank: rankOf(each), place }));
    });
    return lists
      .flat()
      .sort((a, b) => a.rank - b.rank || bySince(a.each, b.each) || a.place - b.place)
      .slice(0, limit)
      .map(({ each }) => each);
  }

  async deadLetters(filter: DeadLetterFilter): Promise<DeadLetterView[]> {
    const lists = await this.#shards.each((shard) => shard.deadLetters(filter));
    return lists
      .flat()
      .sort(
        (a, b) =>
          (a.at < b.at ? 1 : a.at > b.at ? -1 : 0) || a.partition - b.partition || b.offset - a.offset,
      )
      .slice(0, filter.limit);
  }

  async close(): Promise<void> {
    await this.#shards.each((shard) => shard.close());
  }
}

/** Open ones by their state; then those paused, those with records in memory, those that are set; then the rest. */
function rankOf({ state, paused, waiting }: LocationView): number {
  const worst = WORST_FIRST.indexOf(state);
  if (worst >= 0) return worst;
  if (paused) return WORST_FIRST.length;
  return WORST_FIRST.length + (waiting > 0 ? 1 : 2);
}

function bySince(a: { readonly since: string | null }, b: { readonly since: string | null }): number {
  if (a.since === b.since) return 0;
  return (a.since ?? '~') < (b.since ?? '~') ? -1 : 1;
}

// ------------------------------------------------------------------------------------------ the fleet

type Counter = 'completed' | 'rolledBack' | 'deadLetters' | 'duplicates';
type Gauge = 'executing' | 'inDoubt' | 'reversing' | 'held' | 'parked';

/** As of the oldest of the answers. */
function fleetOf(answers: readonly FleetStatus[]): FleetStatus {
  const [first] = answers;
  if (first === undefined) throw new Error('a ledger of shards has at least two');
  const sum = (of: Counter | Gauge) => answers.reduce((total, answer) => total + answer[of], 0);
  const workers = newestOfEach(answers.flatMap((answer) => answer.workers));
  const parked = sum('parked');
  return {
    topic: first.topic,
    group: first.group,
    asOf: answers.map(({ asOf }) => asOf).sort()[0] ?? first.asOf,
    completed: sum('completed'),
    rolledBack: sum('rolledBack'),
    deadLetters: sum('deadLetters'),
    duplicates: sum('duplicates'),
    executing: sum('executing'),
    inDoubt: sum('inDoubt'),
    reversing: sum('reversing'),
    held: sum('held'),
    parked,
    waiting: workers.reduce((total, worker) => total + (worker.alive ? worker.waiting : 0), parked),
    workers,
    partitions: answers.flatMap((answer) => answer.partitions).sort((a, b) => a.partition - b.partition),
  };
}

/** A worker speaks of all its partitions to each shard: what it said last counts. */
function newestOfEach(said: readonly WorkerStatus[]): WorkerStatus[] {
  const newest = new Map<string, WorkerStatus>();
  for (const worker of said) {
    const before = newest.get(worker.worker);
    if (before === undefined || before.heartbeatAt < worker.heartbeatAt) newest.set(worker.worker, worker);
  }
  return [...newest.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
}
