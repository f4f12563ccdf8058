/** A log in memory for the hot path of the consumer: the records of a dataset in batches, as a fetch gives them. */

import type { ConsumerDoors } from '../../src/consumer/consumer.ts';
import type { LogListener, RecordBatch } from '../../src/engine/ports.ts';
import { make, recordValue } from '../peers/dataset.ts';
import type { Dataset } from '../peers/works.ts';

/** What a fetch of one partition brings. */
const BATCH_RECORDS = 5_000;
const NO_HEADERS = [] as const;

export function batchesOf(dataset: Dataset): RecordBatch[] {
  const batches: RecordBatch[] = [];
  let parts: { key: Buffer; value: Buffer }[] = [];
  let number = 0;
  for (const made of make(dataset)) {
    parts.push({ key: Buffer.from(made.location), value: recordValue(number, made, 0) });
    number += 1;
    if (parts.length < BATCH_RECORDS && number < dataset.records) continue;
    batches.push(batchOf(parts, number - parts.length));
    parts = [];
  }
  return batches;
}

function batchOf(parts: readonly { key: Buffer; value: Buffer }[], first: number): RecordBatch {
  const keys = new Int32Array(2 * parts.length);
  const values = new Int32Array(2 * parts.length);
  let at = 0;
  for (const [index, { key, value }] of parts.entries()) {
    keys.set([at, at + key.length], 2 * index);
    values.set([at + key.length, at + key.length + value.length], 2 * index);
    at += key.length + value.length;
  }
  return {
    partition: 0,
    count: parts.length,
    bytes: Buffer.concat(parts.flatMap(({ key, value }) => [key, value])),
    offsets: Float64Array.from(parts, (_, index) => first + index),
    timestamps: new Float64Array(parts.length),
    keys,
    values,
    headers: () => NO_HEADERS,
    nextOffset: first + parts.length,
  };
}

/** Delivers the batches one a turn of the event loop, and none while its fetch is paused. */
export class MemoryLog {
  readonly #batches: readonly RecordBatch[];
  #next = 0;
  #paused = false;
  #listener: LogListener | null = null;

  constructor(batches: readonly RecordBatch[]) {
    this.#batches = batches;
  }

  readonly door: ConsumerDoors['log'] = {
    topic: { name: 'memory', id: 'memory', partitions: 1, retentionMs: null },
    open: async (listener) => {
      this.#listener = listener;
    },
    start: () => this.#soon(),
    pause: () => {
      this.#paused = true;
    },
    resume: () => {
      this.#paused = false;
      this.#soon();
    },
    mayBegin: () => true,
    commit: () => undefined,
    endOffsets: async () => new Map(),
    health: () => ({ connected: true, joined: true, problem: null }),
    close: async (budgetMs) => {
      await this.#listener?.revoked(0, budgetMs);
    },
  };

  deliver(): void {
    this.#listener?.assigned(0, 0);
  }

  #soon(): void {
    setImmediate(() => {
      const batch = this.#batches[this.#next];
      if (this.#paused || batch === undefined) return;
      this.#next += 1;
      this.#listener?.records(batch);
      this.#soon();
    });
  }
}
