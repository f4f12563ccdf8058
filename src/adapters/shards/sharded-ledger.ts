/**
 * A ledger of several servers as one (src/engine/ports-ledger.ts says what each method promises).
 *
 * SL1 What belongs to a partition goes to its shard alone: another one that is away delays nothing of it.
 * SL2 A commit speaks for partitions of one shard: the engine commits partition p on connection p mod connections, and
 *     there is a multiple of the shards of them.
 * SL3 The topic has as many partitions as when the first worker noted them; with another number locations would move to
 *     other shards, where nobody knows what holds them (SB-2014).
 * SL4 Whoever begins without having read the limits might begin at a paused location: the first read needs every shard.
 *     Later ones take what there is; what was read before stays in force.
 * SL5 A limit of a location counts on the shard of the location, one by pattern on shard 0.
 */
import { assert } from '../../core/errors/catalogue.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { isPattern } from '../../core/pattern.ts';
import type {
  Command,
  Commit,
  CommitAnswer,
  Heartbeat,
  Ledger,
  LocationLimit,
  ParkedRow,
  RaisedPartition,
  Row,
  SeriesSpan,
  StoredResult,
  TakeOver,
} from '../../engine/ports-ledger.ts';
import { Patient } from './patient.ts';
import { named } from './shards.ts';

export interface ShardedLedgerOptions {
  /** In their order, at least two. Partition p commits on connection p mod connections on each of them too. */
  readonly shards: readonly Ledger[];
  /** Of the topic, as it has them now. */
  readonly topicPartitions: () => number;
}

/** Where the series of a worker is kept: once, or its counts would be added up. */
const HOME = 0;

export class ShardedLedger implements Ledger {
  readonly #shards: readonly Ledger[];
  readonly #topicPartitions: () => number;
  /** Shards that hold the number of partitions that the topic has. */
  readonly #noted = new Map<number, number>();
  readonly #heartbeats = new Patient();
  readonly #limits = new Patient();
  readonly #commands = new Patient();
  readonly #commits = new Patient();

  constructor({ shards, topicPartitions }: ShardedLedgerOptions) {
    assert(shards.length > 1, 'a ledger of shards has at least two');
    this.#shards = shards;
    this.#topicPartitions = topicPartitions;
  }

  // ------------------------------------------------------------------------------------------ of a partition

  async commit(commit: Commit): Promise<CommitAnswer> {
    const numbers = this.#numbersOf(commit.heads.map(({ partition }) => partition));
    const [number] = numbers;
    assert(number !== undefined && numbers.length === 1, 'a commit has heads, all of one shard'); // SL2
    return await this.#at(number, (shard) => shard.commit(commit));
  }

  /** SL3 is looked at first, while nothing of the partition is known. */
  async takeOver(partition: number): Promise<TakeOver> {
    const number = this.#numberOf(partition);
    const now = this.#topicPartitions();
    if (this.#noted.get(number) !== now) {
      const before = await this.#at(number, (shard) => shard.notePartitions(now));
      // Somebody else may have been first.
      const noted = before ?? (await this.#at(number, (shard) => shard.notePartitions(now)));
      if (noted !== now) {
        const detail = `${noted} when they were noted, ${now} now`;
        return { outcome: 'refused', code: 'SB-2014', detail };
      }
      this.#noted.set(number, now);
    }
    return await this.#at(number, (shard) => shard.takeOver(partition));
  }

  async raise(
    owned: readonly { readonly partition: number; readonly epoch: number }[],
  ): Promise<RaisedPartition[]> {
    const numbers = this.#numbersOf(owned.map(({ partition }) => partition));
    const raised = await Promise.all(
      numbers.map((number) =>
        this.#at(number, (shard) =>
          shard.raise(owned.filter(({ partition }) => this.#numberOf(partition) === number)),
        ),
      ),
    );
    return raised.flat();
  }

  async read(ids: readonly string[], partitions?: readonly number[]): Promise<Row[]> {
    const numbers = partitions === undefined ? this.#all() : this.#numbersOf(partitions);
    const rows = await Promise.all(numbers.map((number) => this.#at(number, (shard) => shard.read(ids))));
    return rows.flat();
  }

  async results(partition: number, after: number, limit: number): Promise<StoredResult[]> {
    return await this.#of(partition, (shard) => shard.results(partition, after, limit));
  }

  async skipNumbers(partition: number, epoch: number, number: number): Promise<boolean> {
    return await this.#of(partition, (shard) => shard.skipNumbers(partition, epoch, number));
  }

  async parked(lane: Parameters<Ledger['parked']>[0]): Promise<ParkedRow[]> {
    return await this.#of(lane.partition, (shard) => shard.parked(lane));
  }

  async prune(partition: number, olderThanMs: number, limit: number): Promise<number> {
    return await this.#of(partition, (shard) => shard.prune(partition, olderThanMs, limit));
  }

  misplaced(location: string, partition: number): string | null {
    const partitions = this.#noted.get(this.#numberOf(partition));
    assert(partitions !== undefined, `partition ${partition} has not been taken over`);
    const home = partitionOf(location, partitions);
    if (this.#numberOf(home) === this.#numberOf(partition)) return null;
    return `of ${partitions} partitions ${home} is that of the location, on shard ${this.#numberOf(home)}`;
  }

  // ------------------------------------------------------------------------------------------ of the worker

  /** Of a shard that is away nothing can be concluded: as if it held more commits than anybody has had answers for. */
  async commits(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { answers } = await this.#commits.ask(this.#numbersOf(partitions), (number) =>
      this.#at(number, (shard) => shard.commits(this.#among(partitions, number))),
    );
    const commits = new Map<number, number>();
    for (const partition of partitions) {
      const answer = answers.get(this.#numberOf(partition));
      const held = answer === undefined ? Number.POSITIVE_INFINITY : answer.get(partition);
      if (held !== undefined) commits.set(partition, held);
    }
    return commits;
  }

  /** Those of a shard that is away wait, as its partitions do. */
  async commands(partitions: readonly number[]): Promise<Command[]> {
    const { answers } = await this.#commands.ask(this.#numbersOf(partitions), (number) =>
      this.#at(number, (shard) => shard.commands(this.#among(partitions, number))),
    );
    return [...answers.values()].flat();
  }

  /** The time to ask from next is the earliest of the clocks; while one is away it stays where it is. */
  async limits(sinceMs: number | null): Promise<{ readonly atMs: number; readonly limits: LocationLimit[] }> {
    const asked = await this.#limits.ask(this.#all(), (number) =>
      this.#at(number, (shard) => shard.limits(sinceMs)),
    );
    const [failure] = asked.failures.values();
    if (failure !== undefined && (sinceMs === null || asked.answers.size === 0)) throw failure; // SL4
    const clocks = [...asked.answers.values()].map(({ atMs }) => atMs);
    if (failure !== undefined && sinceMs !== null) clocks.push(sinceMs);
    const [partitions = this.#topicPartitions()] = this.#noted.values();
    const limits = [...asked.answers].flatMap(([number, answer]) =>
      answer.limits.filter(
        ({ location }) =>
          number === (isPattern(location) ? HOME : this.#numberOf(partitionOf(location, partitions))), // SL5
      ),
    );
    return { atMs: Math.min(...clocks), limits };
  }

  /** Null: not noted on every shard before. Throws while one is away. */
  async notePartitions(count: number): Promise<number | null> {
    const before = await Promise.all(
      this.#all().map((number) => this.#at(number, (shard) => shard.notePartitions(count))),
    );
    return before.find((noted) => noted !== null && noted !== count) ?? before[HOME] ?? null;
  }

  /**
   * Every shard hears of the worker, because each judges by itself whether an owner is alive; each counts its own doubts
   * in the series. Throws when the home of the series has not heard it, or the shard of a partition of this worker.
   */
  async heartbeat(heartbeat: Heartbeat, series: readonly SeriesSpan[]): Promise<void> {
    const elsewhere = series.map(({ atMs }) => ({ atMs, completed: 0, rolledBack: 0, latency: [] }));
    const { failures } = await this.#heartbeats.ask(this.#all(), (number) =>
      this.#at(number, (shard) => shard.heartbeat(heartbeat, number === HOME ? series : elsewhere)),
    );
    const needed = new Set([HOME, ...this.#numbersOf(heartbeat.partitions)]);
    for (const [number, failure] of failures) if (needed.has(number)) throw failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  // ------------------------------------------------------------------------------------------ shards

  #all(): number[] {
    return [...this.#shards.keys()];
  }

  #numberOf(partition: number): number {
    return partition % this.#shards.length;
  }

  #numbersOf(partitions: readonly number[]): number[] {
    return [...new Set(partitions.map((partition) => this.#numberOf(partition)))];
  }

  #among(partitions: readonly number[], number: number): number[] {
    return partitions.filter((partition) => this.#numberOf(partition) === number);
  }

  #of<T>(partition: number, ask: (shard: Ledger) => Promise<T>): Promise<T> {
    return this.#at(this.#numberOf(partition), ask);
  }

  /** What a shard throws says which it was. */
  async #at<T>(number: number, ask: (shard: Ledger) => Promise<T>): Promise<T> {
    const shard = this.#shards[number];
    assert(shard !== undefined, `there is no shard ${number}`);
    try {
      return await ask(shard);
    } catch (error) {
      throw named(number, error);
    }
  }
}
