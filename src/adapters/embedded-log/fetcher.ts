/**
 * Reads the started partitions of one worker, one query for all of them, in turn.
 *
 * F1 One query at a time; an answer counts only for the lease it was asked for, so what was asked before a new
 *    `start` is dropped.
 * F2 The position moves only after the listener returned.
 * F3 The partitions are asked in rotating order: one with a backlog does not keep the others from being served.
 * F4 Nothing appended waits longer than `POLL_MS`, even when every notification is lost.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { RecordBatch, World } from '../../engine/ports.ts';
import { retryAfterMs } from './back-off.ts';
import { Bell } from './bell.ts';
import { type Database, databaseProblem } from './database.ts';
import { FETCH, type FetchRow } from './statements.ts';
import { StoredBatch } from './stored-batch.ts';
import type { Trouble } from './trouble.ts';

export interface FetcherOptions {
  readonly database: Database;
  readonly world: World;
  readonly trouble: Trouble;
  /** Number of the topic. */
  readonly topic: number;
  readonly deliver: (batch: RecordBatch) => void;
  readonly problem: (error: SignalboxError, partition: number) => void;
}

/** Two small queries a second are nothing to the database, half a second is nothing to a person. */
const POLL_MS = 500;
/** As in sql/fetch.sql. */
const PARTITIONS_MAX = 16;
const EARLIEST = -1;

/** One start of one partition. */
interface Lease {
  readonly partition: number;
  position: number;
  paused: boolean;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #leases = new Map<number, Lease>();
  readonly #bell: Bell;
  /** The partition served last. */
  #last = -1;
  #closed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    void this.#run();
  }

  /** From `offset` on (null: the earliest), also when it was started before. */
  start(partition: number, offset: number | null): void {
    this.#leases.set(partition, { partition, position: offset ?? EARLIEST, paused: false });
    this.#bell.ring();
  }

  stop(partition: number): void {
    this.#leases.delete(partition);
  }

  pause(partition: number): void {
    const lease = this.#leases.get(partition);
    if (lease !== undefined) lease.paused = true;
  }

  resume(partition: number): void {
    const lease = this.#leases.get(partition);
    if (lease?.paused !== true) return;
    lease.paused = false;
    this.#bell.ring();
  }

  /** Records may have been appended. */
  appended(partitions: readonly number[] | 'any'): void {
    const isWanted = (partition: number): boolean => this.#leases.get(partition)?.paused === false;
    if (partitions === 'any' || partitions.some(isWanted)) this.#bell.ring();
  }

  close(): void {
    this.#closed = true;
    this.#leases.clear();
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    const { world, trouble } = this.#options;
    let failures = 0;
    while (!this.#closed) {
      const leases = this.#inTurn();
      if (leases.length === 0) {
        trouble.healed('fetch');
        await this.#bell.wait(null);
        continue;
      }
      try {
        const isMore = await this.#fetch(leases);
        failures = 0;
        trouble.healed('fetch');
        if (!isMore) await this.#bell.wait(POLL_MS);
      } catch (error) {
        failures += 1;
        if (this.#closed) return;
        trouble.failed('fetch', databaseProblem(error));
        await this.#bell.wait(retryAfterMs(world, failures));
      }
    }
  }

  /** What is to be fetched, beginning behind the partition that was served last. */
  #inTurn(): Lease[] {
    const open = [...this.#leases.values()].filter(({ paused }) => !paused);
    open.sort((a, b) => a.partition - b.partition);
    const next = open.findIndex(({ partition }) => partition > this.#last);
    return next <= 0 ? open : [...open.slice(next), ...open.slice(0, next)];
  }

  /** Whether there is more to be had at once. */
  async #fetch(leases: readonly Lease[]): Promise<boolean> {
    const rows = await this.#options.database.query<FetchRow>(FETCH, [
      this.#options.topic,
      leases.map(({ partition }) => partition),
      leases.map(({ position }) => position),
    ]);
    let isMore = rows.length === PARTITIONS_MAX;
    for (const row of rows) {
      const { partition } = row;
      const lease = leases.find((asked) => asked.partition === partition);
      this.#last = partition;
      if (lease === undefined || this.#leases.get(partition) !== lease) continue;
      this.#accept(lease, row);
      if (lease.position < Number(row.next_offset)) isMore = true;
    }
    return isMore;
  }

  #accept(lease: Lease, row: FetchRow): void {
    const first = Number(row.first_offset);
    const next = Number(row.next_offset);
    const position = lease.position === EARLIEST ? first : lease.position;
    if (position < first || position > next) {
      const detail = `partition ${lease.partition}: asked ${position}, the log holds ${first} to ${next}`;
      this.#stopWith(lease, new SignalboxError('SB-3008', detail, { final: true }));
    } else if (row.frames === null || row.bytes === null) {
      // Records were deleted by hand up to the end: a hole like any other.
      lease.position = next;
    } else {
      this.#deliver(lease, new StoredBatch(lease.partition, row.frames, row.bytes));
    }
  }

  #deliver(lease: Lease, batch: StoredBatch): void {
    try {
      this.#options.deliver(batch);
      lease.position = batch.nextOffset;
    } catch (cause) {
      const detail = `partition ${lease.partition}: the records were not accepted: ${String(cause)}`;
      this.#stopWith(lease, new SignalboxError('SB-5006', detail, { cause, final: true }));
    }
  }

  #stopWith(lease: Lease, error: SignalboxError): void {
    if (this.#leases.get(lease.partition) === lease) this.#leases.delete(lease.partition);
    this.#options.problem(error, lease.partition);
  }
}
