/** Position after the last record of each partition, for lag. Looked up at most once a second, by one caller. */
import { type Connection, listOffsetsV9 } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import type { Cluster } from './cluster.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';

const FRESH_MS = 1_000;
const READ_COMMITTED = 1;
const CONSUMER = -1;
const LATEST = -1n;
const NO_EPOCH = -1;

export interface EndOffsetsOptions {
  readonly world: World;
  readonly cluster: Cluster;
  readonly topic: string;
}

export class EndOffsets {
  readonly #options: EndOffsetsOptions;
  #last: ReadonlyMap<number, number> = new Map();
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<ReadonlyMap<number, number>> | null = null;

  constructor(options: EndOffsetsOptions) {
    this.#options = options;
  }

  /** Rejects when some leader does not answer. */
  get(): Promise<ReadonlyMap<number, number>> {
    const nowMs = this.#options.world.monotonic();
    if (nowMs - this.#askedAtMs < FRESH_MS) return Promise.resolve(this.#last);
    this.#asking ??= this.#ask(nowMs).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(nowMs: number): Promise<ReadonlyMap<number, number>> {
    const { cluster, topic } = this.#options;
    try {
      const byLeader = new Map<Connection, number[]>();
      const count = cluster.topic(topic)?.leaders.length ?? 0;
      for (let partition = 0; partition < count; partition += 1) {
        const connection = await cluster.toLeader(topic, partition);
        byLeader.set(connection, [...(byLeader.get(connection) ?? []), partition]);
      }
      const answers = await Promise.all(
        [...byLeader].map(([connection, partitions]) => latestOf(connection, topic, partitions)),
      );
      this.#last = new Map(answers.flat());
      this.#askedAtMs = nowMs;
      return this.#last;
    } catch (error) {
      await cluster.refresh().catch(() => undefined);
      throw error;
    }
  }
}

async function latestOf(
  connection: Connection,
  topic: string,
  partitions: readonly number[],
): Promise<[number, number][]> {
  const wanted = partitions.map((partition) => ({
    partitionIndex: partition,
    currentLeaderEpoch: NO_EPOCH,
    timestamp: LATEST,
  }));
  const request = [{ name: topic, partitions: wanted }];
  const answer = await answerOf(listOffsetsV9.api.async(connection, CONSUMER, READ_COMMITTED, request));
  return (answer.topics[0]?.partitions ?? []).map(({ partitionIndex, errorCode, offset }) => {
    if (errorCode !== KAFKA.NONE)
      throw new KafkaRefusal(`ListOffsets of ${topic}/${partitionIndex}`, errorCode);
    return [partitionIndex, Number(offset)];
  });
}
