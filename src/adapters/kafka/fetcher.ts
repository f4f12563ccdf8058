/**
 * The fetch of all partitions we own: which cursor is fetched from which broker, and what an answer does.
 *
 * G1 An answer counts only for the cursor that asked; a stopped or newly started partition has another one.
 * G2 The position moves after the records were taken, so what was not taken comes again.
 * G3 Whoever looks leaders up, `reroute` follows: a loop that lost its partitions sleeps and would not notice.
 * G4 A partition whose records are gone (SB-3008) or cannot be read halts with a code; the others go on.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { RecordBatch, World } from '../../engine/ports.ts';
import type { Cluster } from './cluster.ts';
import { Connections } from './connections.ts';
import { FetchCursor } from './fetch-cursor.ts';
import { FetchLoop, type PartBytes } from './fetch-loop.ts';
import { codeName, isForbidden, KAFKA, problemOf } from './kafka-errors.ts';
import type { Reach } from './reach.ts';
import { readPart } from './record-batches.ts';
import type { KafkaConnectionSettings } from './settings.ts';
import { BackOff, Bell, pause } from './waiting.ts';

/** The broker's wait for data and ample time for 4 MiB; a broker that swallows requests is noticed after it. */
const REQUEST_MS = 15_000;

export interface FetcherOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings;
  readonly topic: { readonly name: string; readonly id: string };
  readonly cluster: Cluster;
  readonly reach: Reach;
  /** Takes the records, synchronously. */
  readonly deliver: (batch: RecordBatch) => void;
  readonly problem: (error: SignalboxError, partition: number) => void;
  /** The broker does not know the topic id: was the topic deleted? */
  readonly topicUnknown: () => void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #connections: Connections;
  readonly #cursors = new Map<number, FetchCursor>();
  /** One a broker that ever led a partition of ours. */
  readonly #loops = new Map<number, FetchLoop>();
  readonly #bell: Bell;
  #stale = false;
  #closed = false;

  constructor(options: FetcherOptions) {
    const { world, settings } = options;
    this.#options = options;
    this.#connections = new Connections({ world, settings, requestTimeoutMs: REQUEST_MS });
    this.#bell = new Bell(world);
    void this.#keepRoutes();
  }

  /** From this offset on, null is the earliest. Forgets an earlier start of the partition. */
  start(partition: number, offset: number | null): void {
    this.#options.reach.released(partition);
    this.#cursors.set(partition, new FetchCursor(this.#options.world, partition, offset));
    this.#wake(partition);
  }

  pause(partition: number): void {
    this.#cursors.get(partition)?.pause();
  }

  resume(partition: number): void {
    this.#cursors.get(partition)?.resume();
    this.#wake(partition);
  }

  /** Nothing of the partition is delivered after this returns. */
  stop(partition: number): void {
    this.#options.reach.released(partition);
    this.#cursors.delete(partition);
  }

  /** Leaders were looked up, by whomever: each partition is fetched from its leader of now. */
  reroute(): void {
    for (const partition of this.#cursors.keys()) this.#wake(partition);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cursors.clear();
    for (const loop of this.#loops.values()) loop.close();
    this.#bell.ring();
    await this.#connections.close();
  }

  #wake(partition: number): void {
    const nodeId = this.#options.cluster.leader(this.#options.topic.name, partition);
    if (nodeId === null) this.#refreshRoutes();
    else this.#loop(nodeId).wake();
  }

  #loop(nodeId: number): FetchLoop {
    const { world, topic, cluster, reach } = this.#options;
    const known = this.#loops.get(nodeId);
    if (known !== undefined) return known;
    const component = `fetch from broker ${nodeId}`;
    const loop = new FetchLoop({
      world,
      nodeId,
      topic,
      cluster,
      connections: this.#connections,
      cursors: () =>
        [...this.#cursors.values()].filter(
          ({ partition }) => cluster.leader(topic.name, partition) === nodeId,
        ),
      apply: (cursor, part) => this.#apply(cursor, part),
      refused: (cursor, errorCode) => this.#refused(cursor, errorCode),
      failed: (error) => {
        reach.failed(component, problemOf(error, component));
        this.#refreshRoutes();
      },
      succeeded: () => reach.succeeded(component),
    });
    this.#loops.set(nodeId, loop);
    return loop;
  }

  #isCurrent(cursor: FetchCursor): boolean {
    return this.#cursors.get(cursor.partition) === cursor;
  }

  #apply(cursor: FetchCursor, part: PartBytes): void {
    const from = cursor.position;
    if (!this.#isCurrent(cursor) || from === null || part.end === part.start) return;
    const { partition } = cursor;
    const { bytes, start, end } = part;
    try {
      cursor.filter.named(part.aborted);
      const { batches, nextOffset } = readPart({ bytes, start, end, partition, from, filter: cursor.filter });
      for (const batch of batches) {
        this.#deliver(cursor, batch);
        if (!this.#isCurrent(cursor)) return;
      }
      const read = cursor.position ?? from;
      // Markers and aborted records at the end: the position moves on without records.
      if (nextOffset > read) this.#deliver(cursor, emptyBatch(partition, nextOffset));
    } catch (error) {
      if (!this.#isCurrent(cursor)) return;
      const detail = `records of ${this.#options.topic.name}/${partition} after ${cursor.position}: ${String(error)}`;
      this.#halt(cursor, new SignalboxError('SB-5006', detail, { cause: error, final: true }));
    }
  }

  /** G2. */
  #deliver(cursor: FetchCursor, batch: RecordBatch): void {
    this.#options.deliver(batch);
    if (this.#isCurrent(cursor)) cursor.moveTo(batch.nextOffset);
  }

  #refused(cursor: FetchCursor, errorCode: number): void {
    if (!this.#isCurrent(cursor)) return;
    const { topic, problem, topicUnknown } = this.#options;
    const { partition } = cursor;
    if (errorCode === KAFKA.OFFSET_OUT_OF_RANGE) {
      const detail = `${topic.name}/${partition} has no offset ${cursor.position}`;
      this.#halt(cursor, new SignalboxError('SB-3008', detail, { final: true }));
      return;
    }
    cursor.retryLater();
    if (isForbidden(errorCode)) {
      problem(new SignalboxError('SB-3005', `${topic.name}/${partition}: ${codeName(errorCode)}`), partition);
    }
    if (errorCode === KAFKA.UNKNOWN_TOPIC_ID) topicUnknown();
    else this.#refreshRoutes();
  }

  /** G4. */
  #halt(cursor: FetchCursor, error: SignalboxError): void {
    cursor.halt();
    this.#options.reach.halted(cursor.partition, error);
    this.#options.problem(error, cursor.partition);
  }

  #refreshRoutes(): void {
    this.#stale = true;
    this.#bell.ring();
  }

  /** Looks leaders up again whenever somebody was refused, at the pace of the back-off. */
  async #keepRoutes(): Promise<void> {
    const { world, cluster, reach } = this.#options;
    const backOff = new BackOff(world);
    while (!this.#closed) {
      if (!this.#stale) {
        backOff.reset();
        await this.#bell.wait();
        continue;
      }
      this.#stale = false;
      try {
        await cluster.refresh();
        reach.succeeded('metadata');
      } catch (error) {
        reach.failed('metadata', problemOf(error, 'metadata'));
        this.#stale = true;
      }
      await pause(world, backOff.next());
    }
  }
}

function emptyBatch(partition: number, nextOffset: number): RecordBatch {
  return {
    partition,
    count: 0,
    bytes: Buffer.alloc(0),
    offsets: new Float64Array(0),
    timestamps: new Float64Array(0),
    keys: new Int32Array(0),
    values: new Int32Array(0),
    headers: () => [],
    nextOffset,
  };
}
