/**
 * A keyed consumer of a Kafka topic: any function per record, at most N at once for each key, keys side by side, at least
 * once. No database.
 *
 * States: new → running → closing → closed.
 * CC1 Nothing starts unless this process has lately been proven a member of the group.
 * CC2 Offsets are committed about every second, at a hand-over and at the end: all below has completed, and what completed
 *     above rides in the commit's metadata.
 * CC3 Bounded: at most `waitingMax` records wait; the fetch of a partition pauses above its share.
 */
import { SignalboxError } from '../core/errors/catalogue.ts';
import { SPAN_MAX } from '../core/watermark.ts';
import type { RecordBatch, Timer, TransactionLog, TransactionSender, World } from '../engine/ports.ts';
import { EventStream } from './event-stream.ts';
import { handlerOf, isPoison } from './handler.ts';
import { KeyCache } from './key-cache.ts';
import type { ConsumerEvent, ConsumerHealth, ConsumerOptions, Order } from './options.ts';
import { PartitionLanes } from './partition-lanes.ts';
import { Turns } from './turns.ts';
import { type ConsumerHost, Work } from './work.ts';

export interface ConsumerDoors {
  readonly world: World;
  readonly log: Omit<TransactionLog, 'publish' | 'lastPublished'>;
  /** Of the dead-letter topic; null without one. */
  readonly deadLetters: TransactionSender | null;
  /** Keeps the process alive until the function it gives back is called: timers of the world do not. */
  readonly keepAlive: () => () => void;
}

const LIMIT = 1_000;
const WAITING_MAX = 10_000;
const FIRST_MS = 100;
const MAX_MS = 10_000;
const NOTE_MS = 250;
const DRAIN_MS = 30_000;
const DEAD_LETTER_RETRY_MS = 1_000;
/** Records from the lowest unfinished one on: the fetch pauses well below what a watermark can hold. */
const SPAN_PAUSE = SPAN_MAX / 2;

export class Consumer<Key = string | null, Value = Buffer | null> {
  readonly #options: ConsumerOptions<Key, Value>;
  readonly #doors: ConsumerDoors;
  readonly #partitions = new Map<number, PartitionLanes>();
  readonly #fetchPaused = new Set<number>();
  readonly #pausedKeys = new Set<string>();
  readonly #events = new EventStream<ConsumerEvent>();
  readonly #host: ConsumerHost;
  readonly #limit: number;
  readonly #waitingMax: number;
  #running = 0;
  #started: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #timer: Timer | null = null;
  #letGo: () => void = () => undefined;
  /** Lanes that only the limit holds back. */
  readonly #turns = new Turns();
  /** While a batch is taken: the ms of the wall clock in which the membership was proven last (CC1). */
  #inBatch = false;
  #provenMs = Number.NaN;

  constructor(options: ConsumerOptions<Key, Value>, doors: ConsumerDoors) {
    this.#options = options;
    this.#doors = doors;
    this.#limit = options.limit ?? LIMIT;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
    this.#host = this.#makeHost();
  }

  /**
   * Joins the group, once however often it is called. Rejects only for a configuration that cannot work (`error.final`), and
   * when it is closed meanwhile; it is closed then.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Starts nothing more, lets handlers end within the budget, commits, and leaves the group. */
  async close({ drainMs = DRAIN_MS }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Nothing of the key starts from now on; what runs goes on. Its partition goes on with the others. */
  pause(key: string): void {
    this.#pausedKeys.add(key);
  }

  /** The key goes on; one that was held because its record failed is tried again with what is behind it. */
  resume(key: string): void {
    this.#pausedKeys.delete(key);
    for (const partition of this.#partitions.values()) {
      partition.release(key);
      partition.pump(key);
    }
  }

  /** Events from now on, for as long as the consumer lives. A reader that does not read loses the oldest ones. */
  events(): AsyncGenerator<ConsumerEvent, void, undefined> {
    return this.#events.read();
  }

  health(): ConsumerHealth {
    const { connected, joined, problem } = this.#doors.log.health();
    const all = [...this.#partitions.values()];
    return {
      ready: connected && joined && this.#closing === null,
      problem,
      partitions: all.map(({ partition }) => partition).sort((a, b) => a - b),
      running: this.#running,
      waiting: all.reduce((sum, { waiting }) => sum + waiting, 0),
      keys: all.reduce((sum, { keys }) => sum + keys, 0),
    };
  }

  /** Records behind, by partition of this process. Throws SB-3001 while the log is away. */
  async lag(): Promise<ReadonlyMap<number, number>> {
    const ends = await this.#doors.log.endOffsets();
    return new Map(
      [...this.#partitions.values()].map(({ partition, position }) => {
        return [partition, Math.max(0, (ends.get(partition) ?? 0) - (position ?? 0))];
      }),
    );
  }

  async #start(): Promise<void> {
    const { log, keepAlive } = this.#doors;
    this.#letGo = keepAlive();
    try {
      await log.open({
        assigned: (partition, offset, metadata = '') => this.#assigned(partition, offset, metadata),
        records: (batch) => this.#records(batch),
        revoked: (partition, budgetMs) => this.#revoked(partition, budgetMs),
        lost: (partition) => this.#lost(partition),
        resumed: () => this.#pumpAll(),
        problem: (error) => this.#problem(error),
      });
    } catch (error) {
      await this.close({ drainMs: 0 });
      this.#letGo();
      throw error;
    }
    this.#note();
  }

  // ------------------------------------------------------------------------------------------ what the log says

  #assigned(partition: number, offset: number | null, metadata: string): void {
    const lanes = new PartitionLanes(partition, this.#host, offset, metadata);
    this.#partitions.set(partition, lanes);
    this.#tell({ type: 'assigned', partition, offset, completed: lanes.completedBeyond });
    this.#doors.log.start(partition, offset);
  }

  #records(batch: RecordBatch): void {
    const lanes = this.#partitions.get(batch.partition);
    if (lanes === undefined) return;
    this.#inBatch = true;
    lanes.accept(batch);
    this.#inBatch = false;
    this.#provenMs = Number.NaN;
    this.#checkFetch(lanes);
  }

  async #revoked(partition: number, budgetMs: number): Promise<void> {
    const lanes = this.#partitions.get(partition);
    if (lanes === undefined) return;
    const drained = await lanes.drain(this.#doors.world, budgetMs);
    this.#commit(lanes);
    this.#forget(lanes);
    this.#tell({ type: 'revoked', partition, drained });
  }

  #lost(partition: number): void {
    const lanes = this.#partitions.get(partition);
    if (lanes === undefined) return;
    this.#forget(lanes);
    this.#tell({ type: 'lost', partition });
  }

  #forget(lanes: PartitionLanes): void {
    this.#running -= lanes.running;
    lanes.over();
    if (this.#partitions.get(lanes.partition) === lanes) this.#partitions.delete(lanes.partition);
    this.#fetchPaused.delete(lanes.partition);
    this.#giveTurns();
  }

  // ------------------------------------------------------------------------------------------ clockwork

  #note(): void {
    this.#timer = this.#doors.world.after(NOTE_MS, () => {
      for (const lanes of this.#partitions.values()) {
        this.#commit(lanes);
        this.#checkFetch(lanes);
        lanes.settle();
      }
      if (this.#closing === null) this.#note();
    });
  }

  #commit(lanes: PartitionLanes): void {
    const at = lanes.committable();
    if (at !== null) this.#doors.log.commit(lanes.partition, at.offset, at.metadata);
  }

  #checkFetch(lanes: PartitionLanes): void {
    const { partition } = lanes;
    const share = Math.max(1, Math.floor(this.#waitingMax / Math.max(1, this.#partitions.size)));
    const paused = this.#fetchPaused.has(partition);
    if (!paused && (lanes.waiting >= share || lanes.span >= SPAN_PAUSE)) {
      this.#fetchPaused.add(partition);
      this.#doors.log.pause(partition);
    } else if (paused && lanes.waiting < share / 2 && lanes.span < SPAN_PAUSE / 2) {
      this.#fetchPaused.delete(partition);
      this.#doors.log.resume(partition);
    }
  }

  #pumpAll(): void {
    for (const lanes of this.#partitions.values()) lanes.pump();
  }

  async #close(drainMs: number): Promise<void> {
    this.#timer?.cancel();
    await this.#doors.log.close(drainMs);
    for (const lanes of [...this.#partitions.values()]) this.#forget(lanes);
    await this.#doors.deadLetters?.close();
    this.#events.end();
    this.#letGo();
  }

  // ------------------------------------------------------------------------------------------ handlers

  #makeHost(): ConsumerHost {
    const { concurrency = 1, order = 'key', retry = {} } = this.#options;
    const slots = typeof concurrency === 'number' ? () => concurrency : concurrency;
    const origin = { topic: this.#options.topic, keys: new KeyCache() };
    const lineOf = this.#lineOf(order);
    return {
      world: this.#doors.world,
      batchMax: 'batchMax' in this.#options ? this.#options.batchMax : 1,
      retry: {
        firstMs: retry.firstMs ?? FIRST_MS,
        maxMs: retry.maxMs ?? MAX_MS,
        attemptsMax: retry.attemptsMax ?? Number.POSITIVE_INFINITY,
      },
      slotsOf: order === 'none' ? () => 1 : slots,
      slotsVary: typeof concurrency === 'function',
      workOf: (batch, index) => {
        const work = new Work(origin, batch, index);
        if (lineOf !== null) work.line = lineOf(work);
        return work;
      },
      mayStart: (line) => this.#mayStart(line),
      hasRoom: () => this.#running < this.#limit && this.#turns.length === 0,
      wantTurn: (of, lane) => this.#turns.want(of, lane),
      giveTurns: () => this.#giveTurns(),
      started: () => {
        this.#running += 1;
      },
      ended: (partition) => {
        this.#running -= 1;
        if (this.#fetchPaused.size === 0 || !this.#fetchPaused.has(partition)) return;
        const lanes = this.#partitions.get(partition);
        if (lanes !== undefined) this.#checkFetch(lanes);
      },
      call: handlerOf(this.#options),
      isPoison,
      tellFailed: (works, attempt, error, againMs) => this.#tellFailed(works, attempt, error, againMs),
      deadLetter: (works, error, wanted) => this.#deadLetter(works, error, wanted),
    };
  }

  /** Null: it is the key of the record. */
  #lineOf(order: Order): ((work: Work) => string) | null {
    const { keyOf } = this.#options;
    if (order === 'partition') return () => '';
    if (order === 'none') return ({ offset }) => `${offset}`;
    return keyOf === undefined ? null : ({ record }) => keyOf(record);
  }

  #mayStart(line: string): boolean {
    return (this.#pausedKeys.size === 0 || !this.#pausedKeys.has(line)) && this.#isProven();
  }

  /**
   * CC1. A batch is one turn of the event loop with thousands of starts, and the monotonic clock the dearest part of one:
   * there it is read again when the wall clock, which is cheap, shows another ms.
   */
  #isProven(): boolean {
    const { world, log } = this.#doors;
    if (!this.#inBatch) return log.mayBegin();
    const nowMs = world.now();
    if (nowMs === this.#provenMs) return true;
    if (!log.mayBegin()) return false;
    this.#provenMs = nowMs;
    return true;
  }

  #giveTurns(): void {
    while (this.#running < this.#limit && this.#turns.length > 0) this.#turns.give();
  }

  #tellFailed(works: readonly Work[], attempt: number, error: unknown, againMs: number | null): void {
    for (const { record, line: key } of works) {
      const { partition, offset } = record;
      this.#tell({ type: 'failed', partition, offset, key, attempt, error, againMs });
    }
  }

  async #deadLetter(works: readonly Work[], error: unknown, wanted: () => boolean): Promise<boolean> {
    const { deadLetters, world } = this.#doors;
    const [first] = works;
    if (first === undefined) return true;
    if (deadLetters === null) {
      for (const { record, line: key } of works)
        this.#tell({ type: 'held', partition: record.partition, offset: record.offset, key });
      this.#problem(new SignalboxError('SB-7010', `${first.line}: ${String(error)}`, { cause: error }));
      return false;
    }
    const records = works.map((work) => deadRecord(work, error));
    while (wanted()) {
      try {
        await deadLetters.send(records);
        for (const { record, line: key } of works)
          this.#tell({ type: 'dead-letter', partition: record.partition, offset: record.offset, key });
        return true;
      } catch (failure) {
        this.#problem(
          failure instanceof SignalboxError
            ? failure
            : new SignalboxError('SB-3001', String(failure), { cause: failure }),
        );
        await new Promise<void>((resume) => world.after(DEAD_LETTER_RETRY_MS, resume));
      }
    }
    return false;
  }

  #problem(error: SignalboxError): void {
    this.#options.onProblem?.(error);
    this.#tell({ type: 'problem', error });
  }

  #tell(event: ConsumerEvent): void {
    this.#events.tell(event);
  }
}

const DETAIL_MAX = 1_000;

/** The record as it was, with where it came from and why. */
function deadRecord({ record, keyBytes }: Work, error: unknown) {
  const { topic, partition, offset, value, headers } = record;
  const own = Object.fromEntries(
    headers.flatMap(({ name, value: each }) => (each === null ? [] : [[name, each]])),
  );
  return {
    key: keyBytes,
    value,
    headers: {
      ...own,
      'signalbox-dead-letter-of': `${topic}/${partition}/${offset}`,
      'signalbox-error': String(error).slice(0, DETAIL_MAX),
    },
  };
}
