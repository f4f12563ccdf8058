/** A worker's client of the simulated log: membership, fetch, offsets, results. */
import { SignalboxError } from '../core/errors/catalogue.ts';
import type {
  LogHealth,
  LogListener,
  RecordBatch,
  ResultRecord,
  Topic,
  TransactionLog,
} from '../engine/ports.ts';
import type { SimBroker, SimRecord } from './broker.ts';
import type { Faults } from './faults.ts';
import type { SimProcess } from './process.ts';
import type { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export interface SimLogOptions {
  readonly virtual: VirtualWorld;
  readonly process: SimProcess;
  readonly broker: SimBroker;
  readonly random: RandomStream;
  readonly faults: () => Faults;
  readonly sessionTimeoutMs: number;
  readonly drainBudgetMs: number;
}

interface Lease {
  /** Position of the fetch; null until started. */
  position: number | null;
  paused: boolean;
  revoking: boolean;
  offset: number | null;
}

const FETCH_MS = 2;
const RECORDS_PER_FETCH = 50;
const COMMIT_MS = 1_000;

export class SimLog implements TransactionLog {
  readonly topic: Topic;
  readonly #options: SimLogOptions;
  readonly #leases = new Map<number, Lease>();
  readonly #fenceMs: number;
  #listener: LogListener | null = null;
  #member: string;
  #joins = 0;
  #lastOkMs = Number.NEGATIVE_INFINITY;
  #couldBegin = false;
  #closed = false;
  #fetchIsDue = false;

  constructor(options: SimLogOptions) {
    this.#options = options;
    this.topic = options.broker.topic;
    this.#fenceMs = (options.sessionTimeoutMs * 2) / 3;
    this.#member = options.process.name;
  }

  open(listener: LogListener): Promise<void> {
    this.#listener = listener;
    this.#join();
    this.#heartbeat();
    this.#options.broker.onAppended((partition) => {
      if (this.#leases.has(partition)) this.#wakeFetch();
    });
    this.#commitRound();
    return Promise.resolve();
  }

  start(partition: number, offset: number | null): void {
    const lease = this.#leases.get(partition);
    if (lease === undefined) return;
    lease.position = offset ?? 0;
    lease.paused = false;
    this.#wakeFetch();
  }

  pause(partition: number): void {
    const lease = this.#leases.get(partition);
    if (lease !== undefined) lease.paused = true;
  }

  resume(partition: number): void {
    const lease = this.#leases.get(partition);
    if (lease !== undefined) lease.paused = false;
    this.#wakeFetch();
  }

  mayBegin(): boolean {
    const may = this.#options.virtual.elapsedMs - this.#lastOkMs < this.#fenceMs;
    this.#couldBegin &&= may;
    return may;
  }

  commit(partition: number, offset: number): void {
    const lease = this.#leases.get(partition);
    if (lease !== undefined) lease.offset = Math.max(lease.offset ?? 0, offset);
  }

  publish(partition: number, results: readonly ResultRecord[]): Promise<void> {
    const { broker, random, faults } = this.#options;
    const lost = random.strikes(faults().publishLost);
    const arrives = !lost || random.chance(0.5);
    return this.#ask(() => {
      if (arrives) broker.publish(partition, results);
      if (lost) throw new SignalboxError('SB-3001', 'the acknowledgement was lost');
    });
  }

  lastPublished(partition: number): Promise<number> {
    const { broker } = this.#options;
    return this.#ask(() => {
      const own = broker.results.filter((result) => result.partition === partition);
      return Math.max(0, ...own.map(({ record }) => (JSON.parse(record.value) as { number: number }).number));
    });
  }

  endOffsets(): Promise<ReadonlyMap<number, number>> {
    const { broker } = this.#options;
    return this.#ask(
      () => new Map([...this.#leases.keys()].map((partition) => [partition, broker.endOffset(partition)])),
    );
  }

  health(): LogHealth {
    return { connected: true, joined: this.#lastOkMs > 0, problem: null };
  }

  async close(budgetMs: number): Promise<void> {
    await Promise.all([...this.#leases.keys()].map((partition) => this.#revoke(partition, budgetMs)));
    this.#closed = true;
    await this.#ask(() => this.#options.broker.leave(this.#member));
  }

  // ---------------------------------------------------------------------------------------- membership

  #join(): void {
    this.#joins += 1;
    this.#member = `${this.#options.process.name}#${this.#joins}`;
    this.#options.broker.join(this.#member);
  }

  #heartbeat(): void {
    if (this.#closed) return;
    const { virtual, broker, process, sessionTimeoutMs } = this.#options;
    const sentMs = virtual.elapsedMs;
    const member = this.#member;
    void this.#ask(() => broker.heartbeat(member)).then((answer) => {
      if (this.#closed) return;
      if (answer === null) {
        for (const partition of [...this.#leases.keys()]) this.#lose(partition);
        this.#join();
      } else {
        this.#lastOkMs = sentMs;
        this.#apply(answer.owned, answer.revoke);
        if (!this.#couldBegin && this.mayBegin()) {
          this.#couldBegin = true;
          this.#listener?.resumed();
        }
      }
    });
    process.world.after(sessionTimeoutMs / 10, () => this.#heartbeat());
  }

  #apply(owned: readonly number[], revoke: readonly number[]): void {
    for (const partition of [...this.#leases.keys()]) if (!owned.includes(partition)) this.#lose(partition);
    for (const partition of owned) {
      if (this.#leases.has(partition) || revoke.includes(partition)) continue;
      this.#leases.set(partition, { position: null, paused: false, revoking: false, offset: null });
      this.#listener?.assigned(partition, this.#options.broker.groupOffsets.get(partition) ?? null);
    }
    for (const partition of revoke) {
      if (!this.#leases.has(partition))
        void this.#ask(() => this.#options.broker.release(this.#member, partition));
      else void this.#revoke(partition, this.#options.drainBudgetMs);
    }
  }

  async #revoke(partition: number, budgetMs: number): Promise<void> {
    const lease = this.#leases.get(partition);
    if (lease === undefined || lease.revoking) return;
    lease.revoking = true;
    const member = this.#member;
    await this.#listener?.revoked(partition, budgetMs);
    if (this.#leases.get(partition) !== lease) return;
    const { offset } = lease;
    if (offset !== null) await this.#ask(() => this.#options.broker.commit(partition, offset));
    // Lost meanwhile, and perhaps assigned anew.
    if (this.#leases.get(partition) !== lease) return;
    this.#leases.delete(partition);
    await this.#ask(() => this.#options.broker.release(member, partition));
  }

  #lose(partition: number): void {
    this.#leases.delete(partition);
    this.#listener?.lost(partition);
  }

  // ---------------------------------------------------------------------------------------- records and offsets

  #fetch(): void {
    if (this.#closed) return;
    const { broker, random } = this.#options;
    let isIdle = true;
    for (const [partition, lease] of this.#leases) {
      if (lease.position === null || lease.paused || lease.revoking) continue;
      const { records, next } = broker.fetch(partition, lease.position, random.between(1, RECORDS_PER_FETCH));
      if (next === lease.position) continue;
      this.#listener?.records(batchOf(partition, records, next));
      lease.position = next;
      isIdle = false;
    }
    if (!isIdle) this.#wakeFetch();
  }

  /** A fetch waits at the broker until there is something: an idle log costs no events. */
  #wakeFetch(): void {
    if (this.#fetchIsDue || this.#closed) return;
    this.#fetchIsDue = true;
    this.#options.process.world.after(FETCH_MS, () => {
      this.#fetchIsDue = false;
      this.#fetch();
    });
  }

  /** Offsets go out about every second, whoever owns the partition by then: the broker takes them from any member. */
  #commitRound(): void {
    if (this.#closed) return;
    const { broker, process, virtual, random } = this.#options;
    for (const [partition, lease] of this.#leases) {
      const { offset } = lease;
      if (offset === null || lease.revoking) continue;
      const delayMs = random.chance(0.05) ? random.between(0, 3_000) : random.next() * 3;
      virtual.after(delayMs, () => broker.commit(partition, offset));
    }
    process.world.after(COMMIT_MS, () => this.#commitRound());
  }

  /** A request to the broker and its answer, each with its way; a cut link holds them up. */
  #ask<T>(apply: () => T): Promise<T> {
    const { virtual, process, random } = this.#options;
    const transit = () => random.next() * 2 + process.cutMs('log');
    return new Promise((resolve, reject) => {
      const send = () => {
        let answer: () => void;
        try {
          const value = apply();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error);
        }
        virtual.after(transit(), () => process.deliver(answer));
      };
      process.deliver(() => virtual.after(transit(), send));
    });
  }
}

function batchOf(partition: number, records: readonly SimRecord[], nextOffset: number): RecordBatch {
  const parts: Buffer[] = [];
  let size = 0;
  const place = (ranges: Int32Array, index: number, bytes: Buffer | null) => {
    ranges[2 * index] = bytes === null ? -1 : size;
    size += bytes?.length ?? 0;
    ranges[2 * index + 1] = bytes === null ? -1 : size;
    if (bytes !== null) parts.push(bytes);
  };
  const keys = new Int32Array(records.length * 2);
  const values = new Int32Array(records.length * 2);
  for (const [index, record] of records.entries()) {
    place(keys, index, record.key);
    place(values, index, record.value);
  }
  return {
    partition,
    count: records.length,
    bytes: Buffer.concat(parts),
    offsets: Float64Array.from(records, (record) => record.offset),
    timestamps: Float64Array.from(records, (record) => record.timestampMs),
    keys,
    values,
    headers: (index) => records[index]?.headers ?? [],
    nextOffset,
  };
}
