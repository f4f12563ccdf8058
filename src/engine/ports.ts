/**
 * The doors of the engine: everything outside it is one of these, passed in. Each has one conformance suite in
 * src/conformance that every implementation passes. The ledger's is in ports-ledger.ts.
 *
 * Offsets, numbers and epochs are JS numbers (safe below 2^53); times are Unix time in ms; tokens are decimal text.
 */
import type { Answer, JsonObject, Token } from '../core/answer.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Grade } from '../core/grade.ts';

// ---------------------------------------------------------------------------------------------- World

export interface Timer {
  cancel(): void;
}

/** Clock, timers and randomness. The engine knows no others. */
export interface World {
  /** Wall clock: Unix time in ms. For records and people, never for a safety decision. */
  now(): number;
  /** Monotonic clock in ms. */
  monotonic(): number;
  /** Calls `run` once after `ms`. A timer does not keep a process alive. */
  after(ms: number, run: () => void): Timer;
  /** Calls `run` in the next turn of the event loop, after the answers that have already arrived. */
  soon(run: () => void): void;
  /** 0 <= x < 1 */
  random(): number;
  /** Resident memory of the process in bytes. */
  rssBytes(): number;
}

// ---------------------------------------------------------------------------------------------- TransactionLog

export interface LogHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

/**
 * Records of one partition in offset order, as columns over one buffer. Offsets grow strictly but have holes.
 * Count 0: no record, but the position moved (transaction markers, aborted records at the end).
 * Record i has key bytes[keys[2i], keys[2i+1]) and value bytes[values[2i], values[2i+1]); a start of -1 is null.
 * The buffer belongs to the batch: copy (byteString) what is kept longer than the call that delivers it.
 */
export interface RecordBatch {
  readonly partition: number;
  readonly count: number;
  readonly bytes: Buffer;
  readonly offsets: Float64Array;
  /** Unix time in ms, as the log counts it (log append time where the topic says so). */
  readonly timestamps: Float64Array;
  readonly keys: Int32Array;
  readonly values: Int32Array;
  /** Headers of record i, decoded at the call; the same empty array when it has none. */
  headers(index: number): readonly LogHeader[];
  /** The position after this batch: past its last record and the holes behind it. */
  readonly nextOffset: number;
}

export interface Topic {
  readonly name: string;
  /** Changes when the topic is deleted and made again. */
  readonly id: string;
  readonly partitions: number;
  /** How long the log keeps records, in ms; null: for ever, or not known. */
  readonly retentionMs: number | null;
}

/** What a log tells its worker. Called from the event loop, never from inside a call to the log. */
export interface LogListener {
  /**
   * The group gave us the partition. Nothing is fetched before `start`. `metadata`: what was committed beside the offset,
   * where the log keeps it.
   */
  assigned(partition: number, groupOffset: number | null, metadata?: string): void;
  /**
   * Records of a started partition, in order, synchronously: no await inside. The position moves after it
   * returns. The listener pauses the partition when it has enough; a batch already fetched still comes.
   */
  records(batch: RecordBatch): void;
  /**
   * The partition moves to another worker. Its fetch has stopped. The log keeps the membership alive and hands
   * the partition over when the promise resolves, or when its drain budget (`budgetMs`) is used up.
   */
  revoked(partition: number, budgetMs: number): Promise<void>;
  /** The partition is gone without a hand-over: forget everything of it at once, commit nothing. */
  lost(partition: number): void;
  /** `mayBegin()` turned true again after it was false. */
  resumed(): void;
  /** Something a person should know; the log goes on by itself unless `error.final`. */
  problem(error: SignalboxError, partition: number | null): void;
}

export interface LogHealth {
  readonly connected: boolean;
  /** Member of the group with an assignment (perhaps empty). */
  readonly joined: boolean;
  /** The last problem while not connected, for /readyz and people. */
  readonly problem: SignalboxError | null;
}

export interface ResultRecord {
  /** Record key: the location. */
  readonly key: string;
  /** Record value: JSON text. */
  readonly value: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * The topic of transactions, the consumer group on it and the results topic. Reconnects by itself for ever;
 * only a configuration that cannot work throws a `final` SignalboxError from `open`.
 */
export interface TransactionLog {
  /** Known after `open`. */
  readonly topic: Topic;
  /** Connects, checks the topic, makes the results topic if allowed, joins the group. Resolves when joining has started. */
  open(listener: LogListener): Promise<void>;
  /**
   * Begins to fetch an assigned partition at `offset` (null: the earliest). Again for the same assignment after a
   * fence: the position moves there, what was fetched before is dropped, and a pause ends.
   */
  start(partition: number, offset: number | null): void;
  pause(partition: number): void;
  resume(partition: number): void;
  /**
   * Self-fence: false when our membership has not been proven for two thirds of the session time-out.
   * Asked before every begin; cheap.
   */
  mayBegin(): boolean;
  /**
   * Notes the group offset of a partition; written about every second, and at hand-over before the release. A log may
   * keep metadata beside it.
   */
  commit(partition: number, offset: number, metadata?: string): void;
  /**
   * Publishes results in order to the results topic, acknowledged by all replicas. One call at a time per
   * partition. Throws when it is not known to have arrived: send the same again before anything newer.
   */
  publish(partition: number, results: readonly ResultRecord[]): Promise<void>;
  /**
   * The highest number among the results of this partition of the source, in the last few hundred records of the results
   * topic (`end`: quick), or, where those hold none, in all of it (`all`); 0 when there is none.
   */
  lastPublished(partition: number, where: 'end' | 'all'): Promise<number>;
  /** Position after the last record of each partition, for lag; cached for about a second. */
  endOffsets(): Promise<ReadonlyMap<number, number>>;
  health(): LogHealth;
  /** Revokes every partition (through the listener, each with the budget), commits, leaves the group, closes. */
  close(budgetMs: number): Promise<void>;
}

/** Puts transactions on the topic (CLI send, API submit, demo traffic). */
export interface TransactionSender {
  /** Resolves when acknowledged by all replicas. The partition is murmur2 of the key, as the Java client's. */
  send(
    records: readonly {
      readonly key: string | Buffer | null;
      readonly value: Buffer | null;
      readonly headers?: Readonly<Record<string, string | Buffer>>;
    }[],
  ): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- Participant

export interface StepCall {
  /** `<transaction id>:<step name>`, the idempotency key. */
  readonly key: string;
  readonly transaction: string;
  readonly type: string;
  readonly step: string;
  readonly location: string;
  /** From 1. */
  readonly slot: number;
  readonly token: Token;
  readonly data: JsonObject;
  /** Evidence of the earlier steps by name; {} on the first. */
  readonly evidence: JsonObject;
  /** Unix time in ms after which the effect must not start; goes with execute only. */
  readonly notAfterMs: number;
  /** Longest time to wait for the answer, in ms. The participant answers `unknown` SB-4101 after it. */
  readonly timeoutMs: number;
  readonly traceparent: string | null;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface Capabilities {
  readonly contract: number;
  readonly grade: Grade;
  readonly replay: boolean;
  readonly fence: boolean;
  readonly status: boolean;
  readonly reverse: boolean;
  readonly retentionSeconds: number;
}

/**
 * Whatever carries out a step. Never throws and never rejects: everything unexpected is `unknown` with a code.
 * May answer synchronously.
 */
export interface Participant {
  execute(call: StepCall): Answer | Promise<Answer>;
  status(call: StepCall): Answer | Promise<Answer>;
  reverse(call: StepCall): Answer | Promise<Answer>;
  /**
   * What the participant at this location keeps to; cached for about a minute, so it may be asked at each doubt.
   * `none`: it answers, but not with capabilities (grade G0 unless the configuration says otherwise). `away`: no
   * answer just now and none known.
   */
  capabilities(location: string): Promise<Capabilities | 'none' | 'away'>;
  close(): Promise<void>;
}
