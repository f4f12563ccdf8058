/** OffsetCommit and OffsetFetch of one group and topic, as functions, on connections of their own. */
import { offsetCommitV9, offsetFetchV9 } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import { Connections } from './connections.ts';
import type { Coordinator } from './coordinator.ts';
import type { Identity } from './group-wire.ts';
import { answerOf, KAFKA } from './kafka-errors.ts';
import type { KafkaConnectionSettings } from './settings.ts';

export interface FetchedOffset {
  readonly errorCode: number;
  /** Null when the group has none. */
  readonly offset: number | null;
  /** What was committed beside it. */
  readonly metadata?: string;
}

/** Both resolve to answers by partition, error codes included, and reject only when no answer came. */
export interface OffsetWire {
  commit(
    identity: Identity,
    offsets: ReadonlyMap<number, number>,
    /** By partition, where there is any. */
    metadata: ReadonlyMap<number, string>,
  ): Promise<ReadonlyMap<number, number>>;
  fetch(partitions: readonly number[]): Promise<ReadonlyMap<number, FetchedOffset>>;
  forgetCoordinator(): void;
  close(): Promise<void>;
}

/** A commit is written to a replicated log; after this long the outcome counts as unknown and it is sent again. */
const REQUEST_MS = 10_000;
const NO_EPOCH = -1;

export interface OffsetWireOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings & { readonly topic: string; readonly group: string };
  readonly coordinator: Coordinator;
}

export class KafkaOffsetWire implements OffsetWire {
  readonly #options: OffsetWireOptions;
  readonly #connections: Connections;

  constructor(options: OffsetWireOptions) {
    const { world, settings } = options;
    this.#options = options;
    this.#connections = new Connections({ world, settings, requestTimeoutMs: REQUEST_MS });
  }

  async commit(
    identity: Identity,
    offsets: ReadonlyMap<number, number>,
    metadata: ReadonlyMap<number, string>,
  ): Promise<ReadonlyMap<number, number>> {
    const { coordinator, settings } = this.#options;
    const partitions = [...offsets].map(([partition, offset]) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: NO_EPOCH,
      committedMetadata: metadata.get(partition) ?? '',
    }));
    const connection = await this.#connections.get(await coordinator.find());
    const topics = [{ name: settings.topic, partitions }];
    const answer = await answerOf(
      offsetCommitV9.api.async(
        connection,
        settings.group,
        identity.generation,
        identity.memberId,
        null,
        topics,
      ),
    );
    const answered = answer.topics.flatMap((topic) => topic.partitions);
    return new Map(answered.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]));
  }

  /** Waits for no transaction of offsets: an unstable one is answered with a code. */
  async fetch(partitions: readonly number[]): Promise<ReadonlyMap<number, FetchedOffset>> {
    const { coordinator, settings } = this.#options;
    const connection = await this.#connections.get(await coordinator.find());
    const topics = [{ name: settings.topic, partitionIndexes: [...partitions] }];
    const request = [{ groupId: settings.group, memberId: null, memberEpoch: NO_EPOCH, topics }];
    const answer = await answerOf(offsetFetchV9.api.async(connection, request, true));
    const group = answer.groups[0];
    const groupCode = group?.errorCode ?? KAFKA.COORDINATOR_NOT_AVAILABLE;
    if (groupCode !== KAFKA.NONE)
      return new Map(partitions.map((one) => [one, { errorCode: groupCode, offset: null }]));
    const answered = group?.topics.flatMap((topic) => topic.partitions) ?? [];
    return new Map(
      answered.map(({ partitionIndex, errorCode, committedOffset, metadata }) => [
        partitionIndex,
        {
          errorCode,
          offset: committedOffset < 0n ? null : Number(committedOffset),
          metadata: metadata ?? '',
        },
      ]),
    );
  }

  forgetCoordinator(): void {
    this.#options.coordinator.forget();
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}
