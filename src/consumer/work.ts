/** A record on its way to its handler, and what a partition asks of its consumer. */
import { assert } from '../core/errors/catalogue.ts';
import type { Lane } from '../core/lanes.ts';
import type { RecordBatch, World } from '../engine/ports.ts';
import type { KeyCache } from './key-cache.ts';
import type { ConsumerRecord, HandlerContext } from './options.ts';

export type RawRecord = ConsumerRecord<string | null, Buffer | null>;

export interface Origin {
  readonly topic: string;
  readonly keys: KeyCache;
}

/**
 * One record. What its handler sees is made when it is first asked for, over the bytes as they were fetched.
 * WK1 A view of those bytes keeps all that was fetched with them in memory, so what waits for long takes a copy (`settle`).
 */
export class Work {
  readonly offset: number;
  readonly key: string | null;
  /** The line it stands in. */
  line: string;
  /** In the watermark; -1 until it is noted there. */
  ticket = -1;
  /** Its handler has begun, and may have the bytes. */
  begun = false;
  readonly #origin: Origin;
  readonly #index: number;
  #batch: RecordBatch | null;
  #record: RawRecord | null = null;
  /** A copy, of a key that its text does not give back. */
  #keyBytes: Buffer | null = null;

  constructor(origin: Origin, batch: RecordBatch, index: number) {
    const from = batch.keys[2 * index] ?? -1;
    this.#origin = origin;
    this.#batch = batch;
    this.#index = index;
    this.offset = batch.offsets[index] ?? 0;
    this.key = from < 0 ? null : origin.keys.text(batch.bytes, from, batch.keys[2 * index + 1] ?? from);
    this.line = this.key ?? '';
  }

  get record(): RawRecord {
    this.#record ??= this.#make(this.#batch);
    return this.#record;
  }

  get keyBytes(): Buffer | null {
    if (this.key === null || this.#keyBytes !== null) return this.#keyBytes;
    if (this.#batch === null) return Buffer.from(this.key);
    const { bytes, keys } = this.#batch;
    return bytes.subarray(keys[2 * this.#index], keys[2 * this.#index + 1]);
  }

  /** Lets go of the bytes as they were fetched: the next that asks for the record gets a copy. */
  settle(): void {
    if (this.#batch === null) return;
    const { keyBytes } = this;
    if (keyBytes !== null && !keyBytes.equals(Buffer.from(this.key ?? ''))) this.#keyBytes = copied(keyBytes);
    const { value, headers, ...rest } = this.#make(this.#batch);
    this.#record = {
      ...rest,
      value: copied(value),
      headers: headers.map((header) => ({ name: header.name, value: copied(header.value) })),
    };
    this.#batch = null;
  }

  #make(batch: RecordBatch | null): RawRecord {
    assert(batch !== null, 'a record that let its bytes go has a copy');
    const index = this.#index;
    const from = batch.values[2 * index] ?? -1;
    return {
      topic: this.#origin.topic,
      partition: batch.partition,
      offset: this.offset,
      timestampMs: batch.timestamps[index] ?? 0,
      key: this.key,
      value: from < 0 ? null : batch.bytes.subarray(from, batch.values[2 * index + 1]),
      headers: batch.headers(index),
    };
  }
}

function copied(bytes: Buffer | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

/** What waits for room under the limit, and is started when its turn has come. */
export interface InTurn {
  startInTurn(lane: Lane<Work>): void;
}

export interface ConsumerHost {
  readonly world: World;
  readonly batchMax: number;
  readonly retry: { readonly firstMs: number; readonly maxMs: number; readonly attemptsMax: number };
  slotsOf(line: string): number;
  /** Whether the answers of `slotsOf` for a line may change. */
  readonly slotsVary: boolean;
  workOf(batch: RecordBatch, index: number): Work;
  /** Whether the line may start one now, if there is room; one that may not is started later. */
  mayStart(line: string): boolean;
  /** Whether the limit has room for one more now. One that has not is given its turn: `startInTurn`. */
  hasRoom(): boolean;
  wantTurn(lanes: InTurn, lane: Lane<Work>): void;
  started(): void;
  ended(partition: number): void;
  /** What waits for its turn is given the room that there is. */
  giveTurns(): void;
  /** `more` are those of a batch behind the first. */
  call(work: Work, more: readonly Work[], context: HandlerContext): unknown;
  /** A record that no attempt will mend. */
  isPoison(error: unknown): boolean;
  tellFailed(works: readonly Work[], attempt: number, error: unknown, againMs: number | null): void;
  /** True when they are on the dead-letter topic; false when there is none. Tries while `wanted`. */
  deadLetter(works: readonly Work[], error: unknown, wanted: () => boolean): Promise<boolean>;
}
