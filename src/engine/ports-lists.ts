/**
 * What the page and the API list: transactions by what they are, outcomes over time, locations, what needs attention,
 * and what people did. Plain reads of the ledger, right for the whole fleet; each answer is bounded, however much the
 * ledger holds. Never used for a decision of the protocol.
 */
import type { JsonValue } from '../core/answer.ts';
import type { CommandAction } from '../core/commands.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { State } from '../core/states.ts';
import type { TransitionView } from './ports-read.ts';

// ---------------------------------------------------------------------------------------------- transactions

export interface TransactionFilter {
  /** Any of these; empty: any state. */
  readonly states: readonly State[];
  readonly location: string | null;
  readonly type: string | null;
  /** Now, or at any time in its history. */
  readonly code: ErrorCode | null;
  /** Unix time in ms of the outcome, or of the last change while there is none. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly limit: number;
  /** Of the page before; null: the first. */
  readonly cursor: string | null;
}

export interface TransactionItem {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly slot: number | null;
  readonly state: State;
  readonly type: string;
  /** Name of the step. */
  readonly step: string;
  readonly attempts: number;
  readonly token: string | null;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly reason: string | null;
  /** The record value; null when it is larger than 8 KiB. */
  readonly payload: JsonValue;
  readonly recordAt: string;
  readonly parkedAt: string | null;
  readonly beganAt: string | null;
  readonly changedAt: string;
  readonly finishedAt: string | null;
  readonly deadline: string | null;
  readonly nextAttemptAt: string | null;
}

/** Those that hold a slot first, then those that are parked, then the ones with an outcome, the newest first. */
export interface TransactionPage {
  readonly items: readonly TransactionItem[];
  /** Where the next page begins; null: there is none. */
  readonly cursor: string | null;
  /** Outcomes were searched back to this time, RFC 3339; null: to the oldest, or not at all. */
  readonly searchedTo: string | null;
}

// ---------------------------------------------------------------------------------------------- the fleet over time

export interface SeriesPoint {
  readonly at: string;
  readonly completed: number;
  readonly rolledBack: number;
  /** The most at once. */
  readonly inDoubt: number;
}

export interface SeriesView {
  readonly asOf: string;
  readonly spanMs: number;
  /** Without gaps, the oldest first; the last one is not over yet. */
  readonly points: readonly SeriesPoint[];
  /** Time from begin to outcome over the last 15 minutes, right to about a third; null with fewer than 20 cases. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface FleetEvent {
  readonly at: string;
  readonly kind: 'worker_started' | 'worker_draining' | 'hand_over';
  readonly worker: string;
  readonly version: string | null;
  readonly partition: number | null;
  readonly epoch: number | null;
  readonly fromWorker: string | null;
  readonly lost: boolean;
  readonly gapMs: number | null;
}

// ---------------------------------------------------------------------------------------------- locations

export interface OpenLocation {
  readonly location: string;
  /** The worst of its holders; `received`: none holds it, and parked ones wait. Null: nothing is open. */
  readonly state: State | null;
  readonly holders: number;
  readonly concurrency: number;
  readonly paused: boolean;
  /** Why it is paused, and by whom. */
  readonly pauseReason: string | null;
  readonly pausedBy: string | null;
  /** Parked, and in memory of a live worker as of its last heartbeat. */
  readonly waiting: number;
  /** Since when the worst holder is in its state, or the first parked one waits. */
  readonly since: string | null;
  /** When the first parked one was parked. */
  readonly waitingSince: string | null;
  readonly holder: string | null;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
}

export interface RecentOfLocation {
  readonly location: string;
  /** Of its last twelve transactions, the oldest first. */
  readonly outcomes: readonly ('completed' | 'rolled_back')[];
  /** Outcomes in each of the last 60 minutes, the oldest first; at most 300 were counted. */
  readonly perMinute: readonly number[];
  readonly p50Ms: number | null;
  /** Share of those counted that were rolled back, and how many these are. */
  readonly rolledBack: number;
  readonly counted: number;
}

export interface SpanOfTransaction extends TransactionItem {
  readonly history: readonly TransitionView[];
}

export interface LocationDetail {
  readonly asOf: string;
  /** Its last transactions with an outcome and those that hold a slot, the oldest first. */
  readonly recent: readonly SpanOfTransaction[];
  /** Parked ones in record order. */
  readonly queue: readonly TransactionItem[];
  readonly audit: readonly AuditRow[];
  /** Hand-overs of its partition. */
  readonly events: readonly FleetEvent[];
}

// ---------------------------------------------------------------------------------------------- attention

export interface AttentionItem extends TransactionItem {
  /** Since when it is in its state. */
  readonly since: string;
  /** Parked behind it at its location. */
  readonly behind: number;
}

export interface DeadLetterCode {
  readonly code: ErrorCode;
  readonly records: number;
  /** Of them nobody has dealt with. */
  readonly open: number;
  readonly partitions: readonly number[];
  readonly firstAt: string;
  readonly lastAt: string;
}

// ---------------------------------------------------------------------------------------------- people

export interface CommandRow {
  readonly sequence: number;
  readonly id: string;
  readonly location: string;
  readonly action: CommandAction;
  readonly expectedState: State;
  readonly expectedToken: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly proposedAt: string;
  /** `proposed`: a second person has to approve it. `waiting`: the owner of the partition has not taken it up. */
  readonly state: 'proposed' | 'waiting' | 'applied' | 'refused' | 'expired' | 'withdrawn';
  readonly approvedBy: string | null;
  readonly expiresAt: string | null;
  readonly decidedAt: string | null;
  /** Of a refusal: what was there. */
  readonly found: string | null;
  readonly worker: string | null;
}

export interface AuditRow {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  readonly detail: string;
}

export interface LimitView {
  /** A location, or a pattern with * and ?. */
  readonly location: string;
  readonly concurrency: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly changedAt: string;
}

/** Every method throws SB-2001 and the like when the ledger is away. */
export interface Lists {
  /** Throws SB-6002 for a cursor of another search. */
  transactions(filter: TransactionFilter): Promise<TransactionPage>;
  series(range: { readonly rangeMs: number; readonly spanMs: number }): Promise<SeriesView>;
  /** The newest first. */
  events(of: { readonly sinceMs: number; readonly limit: number }): Promise<FleetEvent[]>;
  /** Every location at which something is open, waits, or was set by an operator; at most 20,000, the worst first. */
  openLocations(): Promise<OpenLocation[]>;
  /** Locations that have an outcome in the ledger, in byte order after `after`. */
  locationNames(after: string | null, limit: number): Promise<string[]>;
  recent(locations: readonly string[]): Promise<RecentOfLocation[]>;
  locationDetail(location: string): Promise<LocationDetail>;
  /** Held ones first, then those in doubt, then those being reversed; the oldest first. */
  attention(limit: number): Promise<AttentionItem[]>;
  deadLetterCodes(): Promise<DeadLetterCode[]>;
  /** The newest first, below the sequence. */
  commands(of: {
    readonly id: string | null;
    readonly open: boolean;
    readonly below: number | null;
    readonly limit: number;
  }): Promise<CommandRow[]>;
  /** The newest first, below the sequence. */
  audit(of: {
    readonly target: string | null;
    readonly actor: string | null;
    readonly below: number | null;
    readonly limit: number;
  }): Promise<AuditRow[]>;
  limits(): Promise<LimitView[]>;
  close(): Promise<void>;
}
