/**
 * The shards of a ledger, each a server of its own: partition p of the topic lives on shard p mod shards (design,
 * section 3). Which server is which is fixed at the first start (adapters/postgres/prepare-shards.ts).
 */
import { assert, SignalboxError } from '../../core/errors/catalogue.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { LedgerError } from '../../engine/ports-ledger.ts';

/** One place on each shard, in their order: a pool, a reader, a desk. */
export interface ShardOptions<Door> {
  readonly doors: readonly Door[];
  /** Null while no worker has noted it. It does not change. */
  readonly topicPartitions: () => Promise<number | null>;
}

export class Shards<Door> {
  readonly doors: readonly Door[];
  readonly #topicPartitions: () => Promise<number | null>;

  constructor({ doors, topicPartitions }: ShardOptions<Door>) {
    assert(doors.length > 1, 'a ledger of shards has at least two');
    this.doors = doors;
    this.#topicPartitions = topicPartitions;
  }

  get count(): number {
    return this.doors.length;
  }

  numberOf(partition: number): number {
    return partition % this.count;
  }

  door(number: number): Door {
    const door = this.doors[number];
    assert(door !== undefined, `there is no shard ${number}`);
    return door;
  }

  /** What it throws says which shard it was. */
  async at<T>(number: number, ask: (door: Door) => Promise<T>): Promise<T> {
    return await ofShard(number, ask(this.door(number)));
  }

  async ofPartition<T>(partition: number, ask: (door: Door) => Promise<T>): Promise<T> {
    return await this.at(this.numberOf(partition), ask);
  }

  /** Which shard has what is at a location. Null while the number of partitions is not known. */
  async whereIs(): Promise<((location: string) => number) | null> {
    const partitions = await this.#topicPartitions();
    return partitions === null ? null : (location) => this.numberOf(partitionOf(location, partitions));
  }

  /** Asks every shard at once. What one of them throws says which it was. */
  async each<T>(ask: (door: Door, number: number) => Promise<T>): Promise<T[]> {
    return await Promise.all(this.doors.map((door, number) => ofShard(number, ask(door, number))));
  }

  /** The answers that came, and what the others threw. */
  async eachThatAnswers<T>(
    ask: (door: Door, number: number) => Promise<T>,
  ): Promise<{ readonly answers: readonly (T | null)[]; readonly failures: readonly unknown[] }> {
    const settled = await Promise.allSettled(
      this.doors.map((door, number) => ofShard(number, ask(door, number))),
    );
    return {
      answers: settled.map((each) => (each.status === 'fulfilled' ? each.value : null)),
      failures: settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])),
    };
  }
}

/** A problem of the ledger says which shard it is about. */
async function ofShard<T>(number: number, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw named(number, error);
  }
}

export function named(number: number, error: unknown): unknown {
  if (error instanceof LedgerError)
    return new LedgerError(error.failure, `shard ${number}: ${error.message}`, { cause: error.cause });
  if (!(error instanceof SignalboxError) || !error.code.startsWith('SB-2')) return error;
  const { code, detail, final } = error;
  return new SignalboxError(code, `shard ${number}: ${detail}`, { cause: error, final });
}
