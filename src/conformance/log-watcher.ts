/**
 * A LogListener that consumes as a worker does and keeps what it was told, for the contract of TransactionLog.
 *
 * V1 Everything the contract forbids is noted in `violations`, with the place: records of a partition that is not ours,
 *    offsets that do not grow, ranges outside the buffer, calls in a wrong order.
 */
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { LogHeader, LogListener, RecordBatch, TransactionLog } from '../engine/ports.ts';

export interface WatchedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
}

export interface LogWatcherOptions {
  readonly name: string;
  /** Where to begin an assigned partition; default: at the group's offset. `undefined`: not at all. */
  readonly startAt?: (partition: number, groupOffset: number | null) => number | null | undefined;
  /** What happens between `revoked` and the hand-over; default: nothing. The position is committed after it. */
  readonly drain?: (partition: number, budgetMs: number) => Promise<void>;
  /** Whether `revoked` commits the position; default true. */
  readonly commits?: boolean;
}

type Holding = 'assigned' | 'started' | 'draining';

export class LogWatcher implements LogListener {
  readonly name: string;
  readonly log: TransactionLog;
  readonly received: WatchedRecord[] = [];
  readonly violations: string[] = [];
  readonly problems: { readonly error: SignalboxError; readonly partition: number | null }[] = [];
  /** Group offset told at the last assignment, by partition. */
  readonly groupOffsets = new Map<number, number | null>();
  readonly budgets: number[] = [];
  readonly lostPartitions: number[] = [];
  resumedCount = 0;
  readonly #options: LogWatcherOptions;
  readonly #holding = new Map<number, Holding>();
  readonly #positions = new Map<number, number>();

  constructor(log: TransactionLog, options: LogWatcherOptions) {
    this.name = options.name;
    this.log = log;
    this.#options = options;
  }

  /** Partitions that are ours and not on their way elsewhere. */
  get owned(): number[] {
    return [...this.#holding].flatMap(([partition, state]) => (state === 'draining' ? [] : [partition]));
  }

  /** Partitions that are ours, those that drain included. */
  get held(): number[] {
    return [...this.#holding.keys()];
  }

  /** Next offset by what was received; null before the first record. */
  position(partition: number): number | null {
    return this.#positions.get(partition) ?? null;
  }

  valuesOf(partition: number): string[] {
    return this.received.flatMap((record) => (record.partition === partition ? [String(record.value)] : []));
  }

  start(partition: number, offset: number | null): void {
    this.#holding.set(partition, 'started');
    this.#positions.delete(partition);
    this.log.start(partition, offset);
  }

  assigned(partition: number, groupOffset: number | null): void {
    if (this.#holding.has(partition)) this.#violation(`assigned(${partition}) although it is ours`);
    this.#holding.set(partition, 'assigned');
    this.#positions.delete(partition);
    this.groupOffsets.set(partition, groupOffset);
    const { startAt } = this.#options;
    const offset = startAt === undefined ? groupOffset : startAt(partition, groupOffset);
    if (offset !== undefined) this.start(partition, offset);
  }

  records(batch: RecordBatch): void {
    const { partition } = batch;
    const state = this.#holding.get(partition);
    if (state !== 'started') this.#violation(`records(${partition}) in state ${state ?? 'not ours'}`);
    let last = (this.#positions.get(partition) ?? 0) - 1;
    for (let index = 0; index < batch.count; index += 1) {
      const record = this.#take(batch, index);
      if (record.offset <= last)
        this.#violation(`records(${partition}): offset ${record.offset} after ${last}`);
      last = record.offset;
      this.received.push(record);
    }
    if (batch.nextOffset <= last)
      this.#violation(`records(${partition}): next ${batch.nextOffset}, last ${last}`);
    this.#positions.set(partition, batch.nextOffset);
  }

  async revoked(partition: number, budgetMs: number): Promise<void> {
    const state = this.#holding.get(partition);
    if (state === undefined || state === 'draining')
      this.#violation(`revoked(${partition}) in state ${state}`);
    this.#holding.set(partition, 'draining');
    this.budgets.push(budgetMs);
    await this.#options.drain?.(partition, budgetMs);
    if (this.#holding.get(partition) !== 'draining') return;
    const position = this.#positions.get(partition);
    if (position !== undefined && this.#options.commits !== false) this.log.commit(partition, position);
    this.#holding.delete(partition);
  }

  lost(partition: number): void {
    if (!this.#holding.has(partition)) this.#violation(`lost(${partition}) although it is not ours`);
    this.#holding.delete(partition);
    this.lostPartitions.push(partition);
  }

  resumed(): void {
    if (!this.log.mayBegin()) this.#violation('resumed() although mayBegin() is false');
    this.resumedCount += 1;
  }

  problem(error: SignalboxError, partition: number | null): void {
    this.problems.push({ error, partition });
  }

  #take(batch: RecordBatch, index: number): WatchedRecord {
    const range = (column: Int32Array): Buffer | null => {
      const start = column[2 * index] ?? Number.NaN;
      const end = column[2 * index + 1] ?? Number.NaN;
      if (start === -1) return null;
      if (!(start >= 0 && start <= end && end <= batch.bytes.length)) {
        this.#violation(`records(${batch.partition}): range ${start} to ${end} of ${batch.bytes.length}`);
      }
      return Buffer.from(batch.bytes.subarray(start, end));
    };
    return {
      partition: batch.partition,
      offset: batch.offsets[index] ?? Number.NaN,
      timestamp: batch.timestamps[index] ?? Number.NaN,
      key: range(batch.keys),
      value: range(batch.values),
      headers: batch.headers(index).map(({ name, value }) => ({ name, value: value && Buffer.from(value) })),
    };
  }

  #violation(what: string): void {
    this.violations.push(`${this.name}: ${what}`);
  }
}
