/**
 * Fetches from one broker: one request in flight, sessionless, every wanted partition of that broker in each.
 *
 * F1 Partitions are asked for in the order of their last service, longest ago first. With a fixed order and a backlog
 *    the first ones fill every answer and the rest get nothing; and only the first one with data gets a batch that is
 *    larger than its share.
 * F2 A partition whose answer is an error does not disturb the others.
 * F3 What is given out of a partition holds no bytes of others: a record that is kept keeps about its share at most.
 */
import { listOffsetsV9 } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import type { Cluster } from './cluster.ts';
import type { Connections } from './connections.ts';
import { type FetchAnswer, type FetchPart, fetchApi } from './fetch-answer.ts';
import type { FetchCursor } from './fetch-cursor.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import { BackOff, Bell, pause } from './waiting.ts';

/** The broker waits this long for the first byte … */
const WAIT_MS = 500;
/** … and this long while a partition is paused: one that resumes has to wait for a request under way that brings nothing. */
const WAIT_MS_PAUSED = 50;
const BYTES_MIN = 1;
/** Eight partitions' share; the memory of an answer and the length of one turn of the event loop are bounded by it. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const PARTITION_BYTES_MAX = 512 * 1024;
const READ_COMMITTED = 1;
const NO_SESSION = 0;
const NO_EPOCH = -1;
const CONSUMER = -1;
const EARLIEST = -2n;

/** What an answer has of one partition; `start` and `end` are places in `bytes`. */
export interface PartBytes extends FetchPart {
  readonly bytes: Buffer;
}

export interface FetchLoopOptions {
  readonly world: World;
  readonly nodeId: number;
  readonly topic: { readonly name: string; readonly id: string };
  readonly cluster: Cluster;
  readonly connections: Connections;
  /** Cursors whose leader is this broker, started and not yet stopped. */
  readonly cursors: () => FetchCursor[];
  /** Applies the answer for a cursor that was asked for, if it still counts. */
  readonly apply: (cursor: FetchCursor, part: PartBytes) => void;
  /** The cursor cannot be fetched for the reason of this code. */
  readonly refused: (cursor: FetchCursor, errorCode: number) => void;
  readonly failed: (error: unknown) => void;
  readonly succeeded: () => void;
}

export class FetchLoop {
  readonly #options: FetchLoopOptions;
  readonly #bell: Bell;
  readonly #backOff: BackOff;
  #turn = 0;
  #closed = false;

  constructor(options: FetchLoopOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    this.#backOff = new BackOff(options.world);
    void this.#run();
  }

  /** Something may be fetched that could not before. */
  wake(): void {
    this.#bell.ring();
  }

  close(): void {
    this.#closed = true;
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    const { world } = this.#options;
    while (!this.#closed) {
      const all = this.#options.cursors();
      const ready = all.filter((cursor) => cursor.waitMs() === 0);
      if (ready.length === 0) {
        if (all.length === 0) this.#options.succeeded();
        await this.#bell.wait(Math.min(...all.map((cursor) => cursor.waitMs())));
        continue;
      }
      try {
        const waitMs = all.some((cursor) => cursor.isPaused) ? WAIT_MS_PAUSED : WAIT_MS;
        const throttleTimeMs = await this.#round(ready.sort(byService), waitMs);
        this.#backOff.reset();
        this.#options.succeeded();
        if (throttleTimeMs > 0) await pause(world, throttleTimeMs);
      } catch (error) {
        if (this.#closed) return;
        this.#options.failed(error);
        await pause(world, this.#backOff.next());
      }
    }
  }

  async #round(cursors: FetchCursor[], waitMs: number): Promise<number> {
    const { cluster, connections, nodeId } = this.#options;
    const address = cluster.broker(nodeId);
    if (address === null) throw new KafkaRefusal(`broker ${nodeId}`, KAFKA.LEADER_NOT_AVAILABLE);
    const connection = await connections.get(address);
    const fromEarliest = cursors.filter((cursor) => cursor.position === null);
    if (fromEarliest.length > 0) await this.#findEarliest(connection, fromEarliest);
    const known = cursors.filter((cursor) => cursor.position !== null);
    if (known.length === 0) return 0;
    const answer = await fetchApi.async(connection, ...this.#request(known, waitMs));
    if (answer.errorCode !== KAFKA.NONE) throw new KafkaRefusal('Fetch', answer.errorCode);
    this.#applyAll(known, answer);
    return answer.throttleTimeMs;
  }

  #request(
    cursors: readonly FetchCursor[],
    waitMs: number,
  ): Parameters<typeof fetchApi.async> extends [unknown, ...infer R] ? R : never {
    const partitions = cursors.map((cursor) => ({
      partition: cursor.partition,
      currentLeaderEpoch: NO_EPOCH,
      fetchOffset: BigInt(cursor.position ?? 0),
      lastFetchedEpoch: NO_EPOCH,
      partitionMaxBytes: PARTITION_BYTES_MAX,
    }));
    const topics = [{ topicId: this.#options.topic.id, partitions }];
    return [waitMs, BYTES_MIN, ANSWER_BYTES_MAX, READ_COMMITTED, NO_SESSION, NO_EPOCH, topics, [], ''];
  }

  /** F2. */
  #applyAll(cursors: readonly FetchCursor[], answer: FetchAnswer): void {
    this.#turn += 1;
    const parts = new Map(answer.parts.map((part) => [part.partition, part]));
    for (const cursor of cursors) {
      const part = parts.get(cursor.partition);
      if (part === undefined) continue;
      if (part.errorCode !== KAFKA.NONE) {
        this.#options.refused(cursor, part.errorCode);
        continue;
      }
      if (part.end > part.start) cursor.served(this.#turn);
      this.#options.apply(cursor, alone(part, answer.bytes));
    }
  }

  async #findEarliest(
    connection: Parameters<typeof listOffsetsV9.api.async>[0],
    cursors: FetchCursor[],
  ): Promise<void> {
    const { topic } = this.#options;
    const partitions = cursors.map(({ partition }) => ({
      partitionIndex: partition,
      currentLeaderEpoch: NO_EPOCH,
      timestamp: EARLIEST,
    }));
    const request = [{ name: topic.name, partitions }];
    const answer = await answerOf(listOffsetsV9.api.async(connection, CONSUMER, READ_COMMITTED, request));
    const found = new Map(
      answer.topics[0]?.partitions.map((partition) => [partition.partitionIndex, partition]),
    );
    for (const cursor of cursors) {
      const partition = found.get(cursor.partition);
      if (partition === undefined) continue;
      if (partition.errorCode === KAFKA.NONE) cursor.moveTo(Number(partition.offset));
      else this.#options.refused(cursor, partition.errorCode);
    }
  }
}

/** F3: whoever keeps a record keeps what was fetched of its partition, not the whole answer. */
function alone(part: FetchPart, bytes: Buffer): PartBytes {
  const { start, end } = part;
  if ((end - start) * 2 > bytes.length) return { ...part, bytes };
  return { ...part, bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start };
}

/** F1. */
function byService(one: FetchCursor, other: FetchCursor): number {
  return one.servedInTurn - other.servedInTurn || one.partition - other.partition;
}
