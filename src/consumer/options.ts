/** What a consumer is made from, and what it says. */
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { LogHeader } from '../engine/ports.ts';

/**
 * A record as its handler sees it. Key and value are what the deserializers gave; without one the key is its bytes as text:
 * UTF-8, and where they are no UTF-8 Latin-1, one character a byte.
 */
export interface ConsumerRecord<Key = string | null, Value = Buffer | null> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Unix time in ms. */
  readonly timestampMs: number;
  readonly key: Key;
  readonly value: Value;
  readonly headers: readonly LogHeader[];
}

export interface HandlerContext {
  /** Aborts when the partition is taken away without a hand-over, when its drain budget is used up, or at the time-out. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
}

/**
 * `key`: the records of a key in order, keys side by side. `partition`: those of a partition in order, partitions side by
 * side. `none`: in no order.
 */
export type Order = 'key' | 'partition' | 'none';

export interface RetryOptions {
  /** First and longest wait between attempts, in ms; 100 and 10,000. The key waits meanwhile. */
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** After so many attempts the record goes to the dead-letter topic, or is held. No end by default. */
  readonly attemptsMax?: number;
}

interface CommonOptions<Key, Value> {
  readonly topic: string;
  readonly group: string;
  /** Records of one key at once: a number, or one for each key. 1 by default. */
  readonly concurrency?: number | ((key: string) => number);
  /** Handlers at once in this process. 1,000 by default. */
  readonly limit?: number;
  readonly order?: Order;
  /** Of the line a record stands in; by default its key as text. Called once a record. */
  readonly keyOf?: (record: ConsumerRecord<string | null, Buffer | null>) => string;
  readonly retry?: RetryOptions;
  /** Where records go that failed `attemptsMax` times, or cannot be deserialized. Without it they are held. */
  readonly deadLetterTopic?: string;
  /** A handler that takes longer is told by its signal, in ms; it keeps its key until it has ended. */
  readonly timeoutMs?: number;
  /** Records of this process that wait, over all partitions; their fetch pauses above. 10,000 by default. */
  readonly waitingMax?: number;
  readonly deserializers?: {
    readonly key?: (
      bytes: Buffer | null,
      record: ConsumerRecord<string | null, Buffer | null>,
    ) => Key | PromiseLike<Key>;
    readonly value?: (
      bytes: Buffer | null,
      record: ConsumerRecord<string | null, Buffer | null>,
    ) => Value | PromiseLike<Value>;
  };
  /** Told of problems that the consumer goes on after by itself. */
  readonly onProblem?: (error: SignalboxError) => void;
}

export interface OneByOne<Key, Value> extends CommonOptions<Key, Value> {
  readonly handle: (record: ConsumerRecord<Key, Value>, context: HandlerContext) => unknown;
}

export interface InBatches<Key, Value> extends CommonOptions<Key, Value> {
  /** Up to so many records of a key together, those that wait when its turn comes. */
  readonly batchMax: number;
  readonly handleBatch: (records: readonly ConsumerRecord<Key, Value>[], context: HandlerContext) => unknown;
}

export type ConsumerOptions<Key = string | null, Value = Buffer | null> =
  | OneByOne<Key, Value>
  | InBatches<Key, Value>;

export type ConsumerEvent =
  | {
      readonly type: 'assigned';
      readonly partition: number;
      readonly offset: number | null;
      readonly completed: number;
    }
  | { readonly type: 'revoked'; readonly partition: number; readonly drained: boolean }
  | { readonly type: 'lost'; readonly partition: number }
  | {
      readonly type: 'failed';
      readonly partition: number;
      readonly offset: number;
      readonly key: string;
      readonly attempt: number;
      readonly error: unknown;
      /** In ms; null: it is not tried again. */
      readonly againMs: number | null;
    }
  | {
      readonly type: 'dead-letter';
      readonly partition: number;
      readonly offset: number;
      readonly key: string;
    }
  | { readonly type: 'held'; readonly partition: number; readonly offset: number; readonly key: string }
  | { readonly type: 'problem'; readonly error: SignalboxError };

export interface ConsumerHealth {
  /** Connected, and a member of the group. */
  readonly ready: boolean;
  readonly problem: SignalboxError | null;
  readonly partitions: readonly number[];
  readonly running: number;
  readonly waiting: number;
  /** Keys with something waiting or running. */
  readonly keys: number;
}
