/** The ledger of a configuration on several servers: one adapter for each, and one over them. */
import { readTopicPartitions } from '../adapters/postgres/topic-partitions.ts';
import { ShardedDeadLetterDesk } from '../adapters/shards/sharded-dead-letter-desk.ts';
import { ShardedLedger } from '../adapters/shards/sharded-ledger.ts';
import { ShardedLists } from '../adapters/shards/sharded-lists.ts';
import { ShardedOperations } from '../adapters/shards/sharded-operations.ts';
import { ShardedReadModel } from '../adapters/shards/sharded-read-model.ts';
import type { DeadLetterDesk } from '../engine/ports-dead-letters.ts';
import type { Ledger } from '../engine/ports-ledger.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { Operations } from '../engine/ports-operate.ts';
import type { ReadModel } from '../engine/ports-read.ts';

export type Ssl = { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean };

/** A server with what `pg` needs to reach it. */
export interface Server {
  readonly connectionString: string;
  readonly ssl?: Ssl;
}

export class ShardServers {
  /** Shard 0 first. */
  readonly servers: readonly Server[];
  readonly #topic: string;
  #partitions: number | null = null;

  constructor(servers: readonly Server[], topic: string) {
    this.servers = servers;
    this.#topic = topic;
  }

  ledger(one: (server: Server) => Ledger, topicPartitions: () => number): Ledger {
    return new ShardedLedger({ shards: this.servers.map(one), topicPartitions });
  }

  readModel(one: (server: Server) => ReadModel): ReadModel {
    return new ShardedReadModel(this.#each(one));
  }

  lists(one: (server: Server) => Lists): Lists {
    return new ShardedLists(this.#each(one));
  }

  operations(
    one: (server: Server, shard: number) => Operations,
    read: (server: Server) => ReadModel,
  ): Operations {
    return new ShardedOperations(
      this.#each((server, shard) => ({ operations: one(server, shard), read: read(server) })),
    );
  }

  deadLetterDesk(one: (server: Server) => DeadLetterDesk): DeadLetterDesk {
    return new ShardedDeadLetterDesk(this.#each(one));
  }

  #each<Door>(one: (server: Server, shard: number) => Door) {
    return { doors: this.servers.map(one), topicPartitions: () => this.#topicPartitions() };
  }

  /** As the first that knows it says: each has noted the same. */
  async #topicPartitions(): Promise<number | null> {
    if (this.#partitions !== null) return this.#partitions;
    const asked = await Promise.allSettled(
      this.servers.map((server) => readTopicPartitions({ ...server, topic: this.#topic })),
    );
    const answers = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    this.#partitions = answers.find((answer) => answer !== null) ?? null;
    const failed = asked.find((each) => each.status === 'rejected');
    if (this.#partitions === null && failed !== undefined) throw failed.reason;
    return this.#partitions;
  }
}
