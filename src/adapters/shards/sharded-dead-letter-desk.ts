/** Dead letters of a ledger of several servers: each lies on the shard of its partition. */
import type { DeadLetterDesk, StoredDeadLetter } from '../../engine/ports-dead-letters.ts';
import type { Who } from '../../engine/ports-operate.ts';
import type { DeadLetterAt } from '../../engine/ports-read.ts';
import { type ShardOptions, Shards } from './shards.ts';

export class ShardedDeadLetterDesk implements DeadLetterDesk {
  readonly #shards: Shards<DeadLetterDesk>;

  constructor(options: ShardOptions<DeadLetterDesk>) {
    this.#shards = new Shards(options);
  }

  async find(at: DeadLetterAt): Promise<StoredDeadLetter | null> {
    return await this.#shards.ofPartition(at.partition, (shard) => shard.find(at));
  }

  /** Of any shard: an id is used once, wherever it was. */
  async holdsTransaction(id: string): Promise<boolean> {
    return (await this.#shards.each((shard) => shard.holdsTransaction(id))).includes(true);
  }

  async replaying(at: DeadLetterAt, replayedAs: string, who: Who): Promise<boolean> {
    return await this.#shards.ofPartition(at.partition, (shard) => shard.replaying(at, replayedAs, who));
  }

  async replayed(at: DeadLetterAt): Promise<void> {
    await this.#shards.ofPartition(at.partition, (shard) => shard.replayed(at));
  }

  async discard(at: DeadLetterAt, who: Who): Promise<boolean> {
    return await this.#shards.ofPartition(at.partition, (shard) => shard.discard(at, who));
  }

  async close(): Promise<void> {
    await this.#shards.each((shard) => shard.close());
  }
}
