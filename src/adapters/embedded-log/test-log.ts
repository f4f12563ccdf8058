/** A member of the embedded log as its tests watch it. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { byteString } from '../../core/byte-string.ts';
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import type { LogHeader, LogListener, RecordBatch } from '../../engine/ports.ts';
import { realWorld } from '../node/world.ts';
import { EmbeddedLog, type EmbeddedLogSettings } from './embedded-log.ts';

export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly LogHeader[];
}

const DEADLINE_MS = 30_000;
const POLL_MS = 5;

/** Polls until the condition holds; fails with its name when it does not within 30 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `not within ${DEADLINE_MS / 1000} s: ${what}`);
    await delay(POLL_MS);
  }
}

export interface TestLogOptions extends Partial<Omit<EmbeddedLogSettings, 'world'>> {
  readonly connectionString: string;
  readonly topic: string;
}

/** Starts every partition it is given at the group's offset, keeps what it sees, and commits it when told. */
export class TestLog implements LogListener {
  readonly log: EmbeddedLog;
  readonly seen: SeenRecord[] = [];
  readonly events: string[] = [];
  readonly problems: SignalboxError[] = [];
  readonly owned = new Set<number>();
  readonly #positions = new Map<number, number>();
  /** What `revoked` waits for. */
  drain: () => Promise<void> = async () => undefined;

  constructor(options: TestLogOptions) {
    this.log = new EmbeddedLog({
      group: 'signalbox',
      worker: crypto.randomUUID(),
      partitions: 4,
      sessionTimeoutMs: 3_000,
      ...options,
      world: realWorld(),
    });
  }

  static async open(options: TestLogOptions): Promise<TestLog> {
    const member = new TestLog(options);
    await member.log.open(member);
    return member;
  }

  assigned(partition: number, groupOffset: number | null): void {
    assert.ok(!this.owned.has(partition), `partition ${partition} is assigned once`);
    this.owned.add(partition);
    this.events.push(`assigned ${partition} ${groupOffset}`);
    this.#positions.delete(partition);
    this.log.start(partition, groupOffset);
  }

  records(batch: RecordBatch): void {
    const { partition } = batch;
    assert.ok(this.owned.has(partition), `records come only for an owned partition (${partition})`);
    for (let index = 0; index < batch.count; index += 1) {
      const offset = batch.offsets[index] ?? -1;
      assert.ok(offset >= (this.#positions.get(partition) ?? 0), 'offsets grow');
      this.#positions.set(partition, offset + 1);
      this.seen.push({
        partition,
        offset,
        timestamp: batch.timestamps[index] ?? Number.NaN,
        key: text(batch, batch.keys, index),
        value: text(batch, batch.values, index),
        headers: batch
          .headers(index)
          .map(({ name, value }) => ({ name, value: value && Buffer.from(value) })),
      });
    }
    this.log.commit(partition, batch.nextOffset);
  }

  async revoked(partition: number, budgetMs: number): Promise<void> {
    this.events.push(`revoked ${partition} ${budgetMs}`);
    await this.drain();
    this.owned.delete(partition);
  }

  lost(partition: number): void {
    this.events.push(`lost ${partition}`);
    this.owned.delete(partition);
  }

  resumed(): void {
    this.events.push('resumed');
  }

  problem(error: SignalboxError): void {
    this.problems.push(error);
    if (error.code === 'SB-5006') console.error(error);
  }

  offsets(partition: number): number[] {
    return this.seen.filter((record) => record.partition === partition).map(({ offset }) => offset);
  }
}

function text(batch: RecordBatch, ranges: Int32Array, index: number): string | null {
  const start = ranges[2 * index] ?? -1;
  return start === -1 ? null : byteString(batch.bytes.subarray(start, ranges[2 * index + 1]));
}
