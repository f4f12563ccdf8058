/**
 * What a run left behind, and all that the checkers read: the topics, the rows of the ledger, the site's journal,
 * samples of offsets, and what was done to the workers. Plain records; whoever ran the system collects them
 * after the run has settled. Times are Unix time in ms.
 */
import type { CallKind, JsonObject, Token } from '../core/answer.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { State } from '../core/states.ts';

export interface Evidence {
  /** Name of the topic; rows of other topics in the same ledger are not looked at. */
  readonly topic: string;
  /** Every record of the topic, aborted ones left out. Per partition in offset order. */
  readonly records: readonly TopicRecord[];
  /** Every record of the results topic. Per partition in offset order. */
  readonly results: readonly ResultTopicRecord[];
  readonly transactions: readonly TransactionRow[];
  /** In the order in which the ledger wrote them: by their number, not by their time. */
  readonly transitions: readonly TransitionRow[];
  readonly deadLetters: readonly DeadLetterRow[];
  readonly partitions: readonly PartitionRow[];
  /** Lines of all sites in the order of one clock. */
  readonly journal: readonly JournalEntry[];
  /** In the order taken. */
  readonly offsets: readonly OffsetSample[];
  /** In the order of their times. */
  readonly workers: readonly WorkerEvent[];
  /** In the order of their times. Without them a transaction counts as begun by who wrote its row last. */
  readonly takeOvers: readonly TakeOverEvent[];
  /** In the order of its numbers. */
  readonly audit: readonly AuditRow[];
  readonly commands: readonly CommandRow[];
  /** The most that each worker has told. */
  readonly memory: readonly WorkerMemory[];
  /** Things done to the run besides starts, stops and kills of workers. */
  readonly disturbances: number;
  /** From here on nothing more was done to the run, and everything answered. */
  readonly healedAtMs: number;
  /** Highest concurrency of the location that was in force at any time of the run. */
  concurrencyOf(location: string): number;
  /** The transaction in a record, read as the worker reads it; null when it is none. */
  transactionOf(record: TopicRecord): RecordTransaction | null;
  /** Whether two payloads of one id are the same transaction (core/content.ts). */
  sameContent(aPayload: ByteString, aLocation: string, bPayload: ByteString, bLocation: string): boolean;
  /** How far the clocks of ledger, sites and whoever took samples may lie apart. */
  readonly clockToleranceMs: number;
  /** Longest time from SIGTERM to the end of the process. */
  readonly exitDeadlineMs: number;
}

export interface TopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly producedAtMs: number;
}

export interface RecordTransaction {
  readonly id: string;
  readonly location: string;
  /** As the ledger stores it. */
  readonly payload: ByteString;
}

export interface ResultTopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** JSON text. */
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A row of `transactions`. */
export interface TransactionRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly slot: number | null;
  readonly state: State;
  readonly step: number;
  /** The last one drawn; null when it never began. */
  readonly token: Token | null;
  readonly plan: string;
  readonly payload: ByteString;
  /** JSON text by step name. */
  readonly evidence: string | null;
  readonly reason: string | null;
  /** When it was parked; null: never. */
  readonly parkedAtMs: number | null;
  readonly beganAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** Number of the result. */
  readonly number: number | null;
  /** Who wrote the row last, under which epoch. */
  readonly worker: string;
  readonly epoch: number;
}

/** A row of `transitions`: everything but the plain begin and finish. */
export interface TransitionRow {
  readonly id: string;
  readonly atMs: number;
  readonly event: string;
  readonly from: State | 'none';
  readonly to: State;
  readonly token: Token | null;
  readonly worker: string;
  readonly epoch: number;
}

export interface DeadLetterRow {
  readonly partition: number;
  readonly offset: number;
  readonly code: string;
  readonly id: string | null;
  readonly location: string | null;
  readonly atMs: number;
}

export interface PartitionRow {
  readonly partition: number;
  readonly epoch: number;
  readonly worker: string | null;
  readonly watermark: number | null;
  /** Results up to this number are acknowledged by the broker. */
  readonly published: number;
  readonly duplicates: number;
}

/** A line of a site's journal; `JournalLine` of src/site/journal.ts has this shape and says what each means. */
export interface JournalEntry {
  readonly at: number;
  readonly event: 'call' | 'started' | 'ended' | 'reversed' | 'answer' | 'fenced';
  /** `<transaction id>:<step name>` */
  readonly key: string;
  readonly kind: CallKind;
  readonly location: string;
  readonly slot: number;
  readonly token: Token;
  /** Of a call: it was let past the mark. */
  readonly accepted?: boolean;
  /** Of `ended`, `reversed` and `answer`. */
  readonly outcome?: string;
  /** Of `ended`: the receipt. */
  readonly evidence?: JsonObject;
}

/** The group offset is read first, the ledger's watermark after it: then the first never passes the second. */
export interface OffsetSample {
  readonly atMs: number;
  readonly partition: number;
  readonly groupOffset: number | null;
  readonly watermark: number | null;
}

export type WorkerEvent =
  | { readonly worker: string; readonly atMs: number; readonly event: 'started' | 'sigterm' | 'sigkill' }
  /** `exitCode` is null when a signal ended it. */
  | {
      readonly worker: string;
      readonly atMs: number;
      readonly event: 'exited';
      readonly exitCode: number | null;
    };

export interface TakeOverEvent {
  readonly partition: number;
  readonly epoch: number;
  readonly worker: string;
  readonly atMs: number;
}

export interface AuditRow {
  readonly sequence: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  /** In hexadecimal; of the first row ''. */
  readonly previousHash: string;
  readonly hash: string;
}

/** A decision about a transaction. */
export interface CommandRow {
  readonly sequence: number;
  readonly id: string;
  readonly action: string;
  /** Null: it waits for the owner. */
  readonly outcome: string | null;
}

export interface WorkerMemory {
  readonly worker: string;
  readonly rssBytesMax: number;
}
