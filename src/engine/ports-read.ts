/**
 * What API, CLI and page read. Everything that lasts over a second is in the ledger, so these answers are plain
 * reads of it, right for the whole fleet; what is only in a worker's memory comes from its last heartbeat and
 * says as of when. Never used for a decision of the protocol.
 */
import type { JsonValue } from '../core/answer.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { State } from '../core/states.ts';

export interface FleetStatus {
  readonly topic: string;
  readonly group: string;
  /** The ledger's clock, RFC 3339. */
  readonly asOf: string;
  /** From the beginning, for topic and group, over the fleet. */
  readonly completed: number;
  readonly rolledBack: number;
  readonly deadLetters: number;
  readonly duplicates: number;
  /** Current. */
  readonly executing: number;
  readonly inDoubt: number;
  readonly reversing: number;
  readonly held: number;
  readonly parked: number;
  /** Waiting for their lane: parked rows, and records in memory of live workers. */
  readonly waiting: number;
  readonly workers: readonly WorkerStatus[];
  readonly partitions: readonly PartitionStatus[];
}

export interface WorkerStatus {
  readonly worker: string;
  readonly version: string;
  readonly startedAt: string;
  readonly heartbeatAt: string;
  /** Heartbeat not older than 10 s by the ledger's clock. */
  readonly alive: boolean;
  readonly draining: boolean;
  readonly partitions: readonly number[];
  readonly waiting: number;
  /** Parked rows of its partitions, as it counts them. */
  readonly parked: number;
  readonly lanes: number;
  readonly rssBytes: number;
}

export interface PartitionStatus {
  readonly partition: number;
  /** Worker that took it over last; null when never. */
  readonly owner: string | null;
  readonly epoch: number;
  readonly watermark: number | null;
  readonly published: number;
  readonly lastNumber: number;
  /** From the owner's last heartbeat; null when unknown. */
  readonly lag: number | null;
}

export interface TransactionView {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly slot: number | null;
  readonly state: State;
  readonly type: string;
  readonly plan: string;
  readonly step: number;
  readonly token: string | null;
  readonly attempts: number;
  readonly takeovers: number;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly reason: string | null;
  readonly payload: JsonValue;
  readonly evidence: JsonValue;
  readonly recordAt: string;
  /** When it was parked; null: never. */
  readonly parkedAt: string | null;
  readonly beganAt: string | null;
  readonly changedAt: string;
  readonly finishedAt: string | null;
  readonly notAfter: string | null;
  readonly deadline: string | null;
  readonly nextAttemptAt: string | null;
  /** The dead letter it is a replay of: topic/partition/offset. */
  readonly replayOf: string | null;
  readonly result: {
    readonly partition: number;
    readonly number: number;
    readonly published: boolean;
  } | null;
  /** Everything that was not the plain begin and finish, oldest first. */
  readonly history: readonly TransitionView[];
}

export interface TransitionView {
  readonly at: string;
  readonly event: string;
  readonly from: State;
  readonly to: State;
  readonly step: number;
  readonly call: string | null;
  readonly token: string | null;
  readonly startedAt: string | null;
  readonly answeredAt: string | null;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly worker: string;
  readonly epoch: number;
}

export interface HolderView {
  readonly id: string;
  readonly slot: number;
  readonly state: State;
  readonly step: string;
  readonly since: string;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly attempts: number;
  readonly token: string;
  readonly nextAttemptAt: string | null;
  readonly notAfter: string | null;
}

/** Why a location waits, in one answer. */
export interface Why {
  readonly location: string;
  readonly asOf: string;
  readonly concurrency: number;
  readonly paused: boolean;
  readonly holders: readonly HolderView[];
  readonly parked: number;
  /** Since when the first parked one waits. */
  readonly parkedSince: string | null;
  /** In memory of the partition's owner, as of its last heartbeat; null when it is not among its deepest lanes. */
  readonly waitingInMemory: number | null;
  readonly partition: number | null;
  readonly epoch: number | null;
  readonly owner: string | null;
  readonly ownerAlive: boolean | null;
  readonly last: { readonly id: string; readonly state: State; readonly finishedAt: string } | null;
  /** One sentence each, for people: the cause, what happens next and when, what would free it. */
  readonly cause: string;
  readonly next: string;
  readonly exit: string;
}

export interface LocationView {
  readonly location: string;
  readonly state: 'clear' | State;
  readonly holders: number;
  readonly concurrency: number;
  readonly waiting: number;
  readonly since: string | null;
  readonly paused: boolean;
}

/** `replaying`: a replay was begun, and its record may be on the topic; begin it again to finish it. */
export type DeadLetterState = 'open' | 'replaying' | 'replayed' | 'discarded';

/** Coordinates on the topic as it is now. */
export interface DeadLetterAt {
  readonly partition: number;
  readonly offset: number;
}

export interface DeadLetterView extends DeadLetterAt {
  readonly code: ErrorCode;
  readonly detail: string;
  /** Id and location where they could be read. */
  readonly id: string | null;
  readonly location: string | null;
  /** RFC 3339. */
  readonly at: string;
  readonly state: DeadLetterState;
  /** Id of the transaction that the replay brings. */
  readonly replayedAs: string | null;
}

export interface DeadLetterFilter {
  /** Only those that nobody has dealt with yet, those being replayed included. */
  readonly unresolved: boolean;
  readonly code: ErrorCode | null;
  readonly limit: number;
}

export interface ReadModel {
  status(): Promise<FleetStatus>;
  transaction(id: string): Promise<TransactionView | null>;
  why(location: string): Promise<Why>;
  /** Locations with open transactions or settings first, then those seen last; at most `limit`. */
  locations(limit: number): Promise<LocationView[]>;
  /** The newest first. */
  deadLetters(filter: DeadLetterFilter): Promise<DeadLetterView[]>;
  close(): Promise<void>;
}
