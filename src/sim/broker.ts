/**
 * The simulated log: one topic with holes in its offsets, one consumer group with cooperative hand-over and
 * session time-outs, the group's offsets (which any member may write, late), and the results topic.
 */
import { byteString } from '../core/byte-string.ts';
import { partitionOf } from '../core/murmur2.ts';
import type { LogHeader, ResultRecord, Topic } from '../engine/ports.ts';
import type { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export interface SimRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  readonly timestampMs: number;
}

interface Member {
  lastHeartbeatMs: number;
}

export interface SimBrokerOptions {
  readonly virtual: VirtualWorld;
  readonly random: RandomStream;
  readonly partitions: number;
  readonly sessionTimeoutMs: number;
}

export class SimBroker {
  readonly topic: Topic;
  readonly records: SimRecord[][];
  readonly #watchers: ((partition: number) => void)[] = [];
  readonly results: { readonly partition: number; readonly record: ResultRecord }[] = [];
  readonly groupOffsets = new Map<number, number>();
  /** Every write of a group offset, in order. */
  readonly offsetWrites: { readonly atMs: number; readonly partition: number; readonly offset: number }[] =
    [];
  readonly #options: SimBrokerOptions;
  readonly #members = new Map<string, Member>();
  readonly #owner = new Map<number, string>();
  /** Who should own each partition; it moves there when its owner has released it. */
  readonly #wanted = new Map<number, string>();
  readonly #nextOffset: number[];

  constructor(options: SimBrokerOptions) {
    this.#options = options;
    this.topic = {
      name: 'transactions',
      id: `topic-${options.virtual.seed}`,
      partitions: options.partitions,
      retentionMs: null,
    };
    this.records = Array.from({ length: options.partitions }, () => []);
    this.#nextOffset = Array.from({ length: options.partitions }, () => options.random.between(0, 3));
  }

  produce(
    key: string | null,
    value: string | null,
    partition = partitionOf(key ?? '', this.topic.partitions),
  ): SimRecord {
    const { random, virtual } = this.#options;
    const offset = this.#nextOffset[partition] ?? 0;
    // A hole now and then: a transaction marker, a compacted record.
    this.#nextOffset[partition] = offset + (random.chance(0.1) ? random.between(2, 4) : 1);
    const record: SimRecord = {
      partition,
      offset,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
      timestampMs: virtual.wallClockMs(),
    };
    this.records[partition]?.push(record);
    for (const appended of this.#watchers) appended(partition);
    return record;
  }

  /** Called at each append, for as long as the world lasts. */
  onAppended(appended: (partition: number) => void): void {
    this.#watchers.push(appended);
  }

  endOffset(partition: number): number {
    return this.#nextOffset[partition] ?? 0;
  }

  /** Position after `count` records from `position` on, and those records. */
  fetch(partition: number, position: number, count: number): { records: SimRecord[]; next: number } {
    const all = this.records[partition] ?? [];
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((all[middle]?.offset ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    const records = all.slice(low, low + count);
    const last = records.at(-1);
    const reachedEnd = low + count >= all.length;
    const next = last === undefined ? position : reachedEnd ? this.endOffset(partition) : last.offset + 1;
    return { records, next: Math.max(position, next) };
  }

  // ---------------------------------------------------------------------------------------- group

  join(member: string): void {
    this.#members.set(member, { lastHeartbeatMs: this.#options.virtual.elapsedMs });
    this.rebalance(false);
  }

  leave(member: string): void {
    this.#members.delete(member);
    this.#dropOwnerless();
    this.rebalance(false);
  }

  /** Null: the member is not known (any more). Else what it owns, and what it is asked to hand over. */
  heartbeat(member: string): { owned: number[]; revoke: number[] } | null {
    this.#expire();
    const known = this.#members.get(member);
    if (known === undefined) return null;
    known.lastHeartbeatMs = this.#options.virtual.elapsedMs;
    this.#settle();
    const owned = [...this.#owner].flatMap(([partition, owner]) => (owner === member ? [partition] : []));
    return { owned, revoke: owned.filter((partition) => this.#wanted.get(partition) !== member) };
  }

  release(member: string, partition: number): void {
    if (this.#owner.get(partition) === member) this.#owner.delete(partition);
  }

  commit(partition: number, offset: number): void {
    this.groupOffsets.set(partition, offset);
    this.offsetWrites.push({ atMs: this.#options.virtual.elapsedMs, partition, offset });
  }

  publish(partition: number, results: readonly ResultRecord[]): void {
    for (const record of results) this.results.push({ partition, record });
  }

  /** Decides anew who should own what; `shuffled` moves partitions for no reason. */
  rebalance(shuffled: boolean): void {
    const members = [...this.#members.keys()].sort();
    if (members.length === 0) return;
    const start = shuffled ? this.#options.random.between(0, members.length - 1) : 0;
    for (let partition = 0; partition < this.topic.partitions; partition += 1) {
      const member = members[(partition + start) % members.length];
      if (member !== undefined) this.#wanted.set(partition, member);
    }
    this.#settle();
  }

  #settle(): void {
    for (const [partition, wanted] of this.#wanted) {
      if (!this.#owner.has(partition) && this.#members.has(wanted)) this.#owner.set(partition, wanted);
    }
  }

  #expire(): void {
    const { virtual, sessionTimeoutMs } = this.#options;
    let expired = false;
    for (const [member, { lastHeartbeatMs }] of this.#members) {
      if (virtual.elapsedMs - lastHeartbeatMs <= sessionTimeoutMs) continue;
      this.#members.delete(member);
      expired = true;
    }
    if (!expired) return;
    this.#dropOwnerless();
    this.rebalance(false);
  }

  #dropOwnerless(): void {
    for (const [partition, owner] of this.#owner)
      if (!this.#members.has(owner)) this.#owner.delete(partition);
  }
}

/** Key and value of a record as text, for checkers. */
export function textOf(record: SimRecord): { key: string | null; value: string | null } {
  return {
    key: record.key === null ? null : byteString(record.key),
    value: record.value === null ? null : record.value.toString('utf8'),
  };
}
