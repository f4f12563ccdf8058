/**
 * The ledger: the only authority on what has begun and how it ended (design, section 6).
 *
 * A commit is one atomic call. It carries the heads of the partitions it speaks for and entries of those
 * partitions. A head with another epoch than the ledger's is `fenced`: none of its entries is applied, those of
 * the other partitions are. Entries are applied in this order: dead letters, changes, parks, begins, begins of
 * parked rows (each in the order given). No entry fails another.
 *
 * One worker sends at most one commit at a time for one partition.
 */
import type { Token } from '../core/answer.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { CommandAction } from '../core/commands.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { FinalState, State } from '../core/states.ts';
import type { Entry, EntryAnswer } from './ports-entries.ts';

export type * from './ports-entries.ts';

/** Fixed for a ledger object: the topic and group it speaks for, and who is writing. */
export interface LedgerIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  readonly worker: string;
}

// ---------------------------------------------------------------------------------------------- commit

export interface PartitionHead {
  readonly partition: number;
  readonly epoch: number;
  /** Next offset to fetch, everything below is accounted; null leaves it. Never moves back (the greater one stays). */
  readonly watermark: number | null;
  /** Results up to this number are acknowledged by the broker; null leaves it. Never moves back. */
  readonly published: number | null;
  /** Duplicates newly passed by `watermark`, added to the partition's counter. */
  readonly duplicates: number;
  /** Number of the last result; the finals of this commit are numbered from the next one, in entry order. */
  readonly lastNumber: number;
  /**
   * Commits of the partition so far, this one left out; null: not compared. When the ledger holds another number
   * history was lost on its side, and the partition is fenced.
   */
  readonly commits: number | null;
}

export interface Commit {
  /** Each partition once. May stand without entries: then only the head is written. */
  readonly heads: readonly PartitionHead[];
  readonly entries: readonly Entry[];
}

export interface CommitAnswer {
  /** The database clock of the commit, Unix time in whole ms: begun_at and finished_at of its rows. */
  readonly atMs: number;
  /** Partitions whose epoch was not the ledger's. */
  readonly fenced: readonly number[];
  /** One an entry, in the order given. */
  readonly answers: readonly EntryAnswer[];
}

/** How a commit can fail. Everything else is a bug. */
export type CommitFailure =
  /** The answer was lost: it may have landed, may land later, or not at all. Raise the epochs, then read. */
  | 'lost'
  /** It certainly did not land (refused connection, lock time-out, deadlock): send it again. */
  | 'refused'
  /** SQLSTATE class 22 or 23: some value or row in it cannot be stored. It did not land. */
  | 'rejected';

export class LedgerError extends Error {
  readonly failure: CommitFailure;
  constructor(failure: CommitFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LedgerError';
    this.failure = failure;
  }
}

// ---------------------------------------------------------------------------------------------- take-over

/**
 * A row that holds a slot, or that was read back: all a worker needs to go on with it. A row that never began
 * (parked, expired) has slot 0, token '0' and no times of an attempt.
 */
export interface Row {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly slot: number;
  readonly state: State;
  readonly step: number;
  readonly token: Token;
  readonly type: string;
  readonly plan: string;
  readonly payload: ByteString;
  /** JSON text by step name, or null. */
  readonly evidence: string | null;
  readonly reason: string | null;
  readonly code: ErrorCode | null;
  /** A person has decided to roll back. */
  readonly byPerson: boolean;
  readonly attempts: number;
  /** How many attempts in a row ended by a take-over. */
  readonly takeovers: number;
  readonly notAfterMs: number;
  readonly deadlineMs: number;
  readonly beganAtMs: number;
  readonly finishedAtMs: number | null;
  readonly number: number | null;
  readonly traceparent: string | null;
}

export interface PartitionState {
  readonly epoch: number;
  /** Null: nothing accounted yet, fetch from the earliest. */
  readonly watermark: number | null;
  readonly published: number;
  readonly lastNumber: number;
  /** Commits that have written in the partition, from the beginning. */
  readonly commits: number;
}

/** A location of the partition with parked rows. */
export interface ParkedLane {
  readonly location: string;
  readonly count: number;
}

/** A parked row as its lane reads it back. */
export interface ParkedRow {
  readonly id: string;
  readonly offset: number;
  readonly type: string;
  /** The plan when it was parked. */
  readonly plan: string;
  readonly payload: ByteString;
  readonly expiresAtMs: number | null;
  readonly traceparent: string | null;
  readonly recordTimeMs: number;
}

export type TakeOver =
  | (PartitionState & {
      readonly outcome: 'owned';
      readonly holders: readonly Row[];
      readonly parked: readonly ParkedLane[];
    })
  /** SB-2005 another group's partition, SB-2006 another topic id, SB-2014 another number of partitions. */
  | {
      readonly outcome: 'refused';
      readonly code: 'SB-2005' | 'SB-2006' | 'SB-2014';
      readonly detail: string;
    };

export interface RaisedPartition extends PartitionState {
  readonly partition: number;
}

/** A final row as the results publisher needs it. */
export interface StoredResult {
  readonly number: number;
  readonly id: string;
  readonly location: string;
  readonly type: string;
  readonly state: FinalState;
  readonly reason: string | null;
  readonly evidence: string | null;
  readonly finishedAtMs: number;
  readonly traceparent: string | null;
}

/** A decision of a person that waits for the owner of the partition (design 5); written by `Operations`. */
export interface Command {
  readonly sequence: number;
  readonly partition: number;
  readonly id: string;
  readonly location: string;
  readonly action: CommandAction;
  /** What the person saw. Another state or token: the command is refused with what was found. */
  readonly expectedState: State;
  readonly expectedToken: Token | null;
  /** Evidence of the step for `complete`: a JSON object as text. */
  readonly evidence: string | null;
  readonly reason: string;
  readonly actor: string;
}

/** What operators set for a location, or for a pattern with * and ?. */
export interface LocationLimit {
  readonly location: string;
  /** Null: as configured. */
  readonly concurrency: number | null;
  readonly paused: boolean;
}

/** What a worker says about itself every second; the fleet's view is made of these. */
export interface Heartbeat {
  readonly version: string;
  readonly startedAtMs: number;
  readonly draining: boolean;
  readonly partitions: readonly number[];
  /** Records in memory that wait for their lane. */
  readonly waiting: number;
  /** Parked rows of its partitions. */
  readonly parked: number;
  readonly lanes: number;
  readonly rssBytes: number;
  /** Lag per owned partition: end offset minus watermark. */
  readonly lag: Readonly<Record<number, number>>;
  /** The deepest lanes in memory, at most 50: location to waiting records. */
  readonly deepest: Readonly<Record<string, number>>;
}

/** Outcomes of one worker in ten seconds. */
export interface SeriesSpan {
  /** Its beginning, Unix time in ms. */
  readonly atMs: number;
  readonly completed: number;
  readonly rolledBack: number;
  /** Times from begin to outcome, counted by bucket (core/latency.ts). */
  readonly latency: readonly number[];
}

/** Every method may throw LedgerError; those that only read or raise may simply be called again. */
export interface Ledger {
  commit(commit: Commit): Promise<CommitAnswer>;
  /**
   * One partition, one READ COMMITTED transaction of separate statements: raise the epoch (waits for commits
   * under way), make each executing row in doubt under a new token (code SB-4106, one more takeover; the third
   * makes it held with SB-4201), then load the holders and the counts of the parked lanes.
   */
  takeOver(partition: number): Promise<TakeOver>;
  /**
   * After a lost answer, on a connection that is not the one that lost it: raise the epochs, each conditional on
   * the one given. A partition that is not in the answer was taken over by somebody else.
   */
  raise(owned: readonly { readonly partition: number; readonly epoch: number }[]): Promise<RaisedPartition[]>;
  /**
   * The rows of these ids as they are now, from a statement of its own. Unknown ids are left out. `partitions`: only what
   * is known beside these partitions is asked for; a ledger on one server knows everything beside each of them.
   */
  read(ids: readonly string[], partitions?: readonly number[]): Promise<Row[]>;
  /** Final rows of the partition with number > `after`, in order, at most `limit`. */
  results(partition: number, after: number, limit: number): Promise<StoredResult[]>;
  /** How many commits have written in each of these partitions; unknown ones are left out. */
  commits(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /**
   * For a ledger that lost history: numbers up to `number` were given before and are never given again. Last and
   * published number become `number`; everything below must be published. False: the epoch is not the one given, or
   * the last number is not below it.
   */
  skipNumbers(partition: number, epoch: number, number: number): Promise<boolean>;
  /** Parked rows of a lane with offset > `after`, in order of their offsets, at most `limit`. */
  parked(lane: {
    readonly partition: number;
    readonly location: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<ParkedRow[]>;
  /** Commands not yet applied or refused, of these partitions, oldest first, at most 100. */
  commands(partitions: readonly number[]): Promise<Command[]>;
  /**
   * Limits that changed at or after `sinceMs` (database clock; null: all), with a minute of overlap, and the time to
   * ask from next. A limit that was taken back comes with concurrency null and paused false.
   */
  limits(sinceMs: number | null): Promise<{ readonly atMs: number; readonly limits: LocationLimit[] }>;
  /**
   * Deletes finals of the partition, with their history, that finished before now - `olderThanMs` and whose result is
   * published; at most `limit`. Returns how many.
   */
  prune(partition: number, olderThanMs: number, limit: number): Promise<number>;
  /**
   * Where the ledger is on several servers: why a record of this location cannot be in this partition (SB-1118); null: it
   * can. Two servers would not keep each other from beginning at the location.
   */
  misplaced?(location: string, partition: number): string | null;
  /** Notes how many partitions the topic has. Returns the number noted before; null: none was. */
  notePartitions(count: number): Promise<number | null>;
  /** What the worker says about itself, and the spans of its series, each with its whole count. */
  heartbeat(heartbeat: Heartbeat, series: readonly SeriesSpan[]): Promise<void>;
  close(): Promise<void>;
}
