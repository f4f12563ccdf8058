/**
 * The entries of a ledger commit and how each is answered: the particulars of ports-ledger.ts.
 */
import type { CallKind, Token } from '../core/answer.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { RecordHeader } from '../core/record-headers.ts';
import type { HoldingState, State, TransitionEvent } from '../core/states.ts';

/** Intent: step 0 of the plan may be executed once this is committed. */
export interface Begin {
  readonly kind: 'begin';
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly location: string;
  readonly slot: number;
  readonly type: string;
  /** The record value, or for CloudEvents in binary mode its normal form. Stored verbatim. */
  readonly payload: ByteString;
  /** `planText(plan)` */
  readonly plan: string;
  /** Time-out of the first attempt; the row's not_after = least(now + timeoutMs, deadline). */
  readonly timeoutMs: number;
  /** The row's deadline = least(now + deadlineMs, expiresAt): no attempt starts after it. */
  readonly deadlineMs: number;
  readonly expiresAtMs: number | null;
  /** Slots of the location where the ledger has no row for it. */
  readonly concurrency: number;
  readonly traceparent: string | null;
  readonly recordTimeMs: number;
}

/**
 * The record waits for its lane in the ledger and needs neither memory nor the topic any more (design 4.3). Its row
 * is `received`: no slot, no token, no attempt. The record's fields are as in `Begin`; the plan is the one of the
 * moment, replaced by that of the begin.
 */
export interface Park {
  readonly kind: 'park';
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly location: string;
  readonly type: string;
  readonly payload: ByteString;
  readonly plan: string;
  readonly expiresAtMs: number | null;
  readonly traceparent: string | null;
  readonly recordTimeMs: number;
}

/** The begin of a parked row: as `Begin`, with what the row does not hold. Applied only if it is still `received`. */
export interface BeginParked {
  readonly kind: 'begin-parked';
  readonly partition: number;
  readonly id: string;
  readonly location: string;
  readonly slot: number;
  readonly plan: string;
  readonly timeoutMs: number;
  /** The row's deadline = least(now + deadlineMs, the row's expires_at). */
  readonly deadlineMs: number;
  readonly concurrency: number;
}

/**
 * A change of a row that holds a slot, or the cancelling of a parked one. Applied only if state and token are the
 * expected ones (a parked row has no token).
 */
export interface Change {
  readonly kind: 'change';
  readonly partition: number;
  readonly id: string;
  readonly fromState: HoldingState | 'received';
  readonly fromToken: Token | null;
  readonly event: TransitionEvent;
  readonly to: State;
  /** Where to go instead when the row's deadline has passed by the database clock; null: the deadline does not matter. */
  readonly lateTo: State | null;
  /** Index of the step in the plan after the change. */
  readonly step: number;
  /** The same for `lateTo`. */
  readonly lateStep: number;
  /** Draw a new token. Always for a new attempt and on entering doubt. */
  readonly newToken: boolean;
  /** The new token must be above this mark (a `stale` answer); null otherwise. */
  readonly aboveMark: Token | null;
  /** Evidence by step name as JSON text, the whole of it; null leaves it. */
  readonly evidence: string | null;
  /** Reason of a rollback, or of a retry; null leaves the row's. A completed row has none. */
  readonly reason: string | null;
  /** Error code of the last attempt. */
  readonly code: ErrorCode | null;
  /** The particular case behind `code`, bounded text for people. */
  readonly detail: string | null;
  /** The call that led here, for the history; null when none did. */
  readonly call: CallKind | null;
  readonly startedMs: number | null;
  readonly answeredMs: number | null;
  /** When the next call is planned, for people; null: at once or never. */
  readonly nextAttemptMs: number | null;
  /** Time-out of the next attempt when one starts: not_after = least(now + timeoutMs, deadline). */
  readonly timeoutMs: number;
  /** A person extends the deadline: it becomes now + this before anything is compared with it; null leaves it. */
  readonly deadlineMs: number | null;
  /** True: a person decided to roll back, and automation goes only this way. False: not any more. Null leaves the row's. */
  readonly byPerson: boolean | null;
  /**
   * The operator command that this change carries out (its sequence), else null. In the same commit the command is
   * marked `applied`, or `refused` with the state and token that were found.
   */
  readonly command: number | null;
}

/** A change of nothing: what a particular one does stands over it. */
export const NO_CHANGE = {
  kind: 'change',
  lateTo: null,
  step: 0,
  lateStep: 0,
  newToken: false,
  aboveMark: null,
  evidence: null,
  reason: null,
  code: null,
  detail: null,
  call: null,
  startedMs: null,
  answeredMs: null,
  nextAttemptMs: null,
  timeoutMs: 0,
  deadlineMs: null,
  byPerson: null,
  command: null,
} as const satisfies Partial<Change>;

export interface DeadLetter {
  readonly kind: 'dead-letter';
  readonly partition: number;
  readonly offset: number;
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers: readonly RecordHeader[];
  readonly code: ErrorCode;
  readonly detail: string;
  /** Id and location where they could be read. */
  readonly id: string | null;
  readonly location: string | null;
  readonly recordTimeMs: number;
}

export type Entry = Begin | BeginParked | Park | Change | DeadLetter;

export type BeginAnswer =
  | { readonly status: 'done'; readonly token: Token; readonly notAfterMs: number }
  /** expiresAt had passed: the row is rolled back with reason `expired` under this result number. */
  | { readonly status: 'expired'; readonly number: number }
  /** The id is known. With one's own coordinates it is this very record, else a duplicate or a conflict. */
  | { readonly status: 'exists'; readonly row: ExistingRow }
  /** The slot is held, above the concurrency, or a slot above the concurrency is held: ask again later. */
  | { readonly status: 'busy' }
  | { readonly status: 'paused' }
  | { readonly status: 'fenced' };

export type ParkAnswer =
  | { readonly status: 'done' }
  /** The id is known: with one's own coordinates it is this very record, else a duplicate or a conflict. */
  | { readonly status: 'exists'; readonly row: ExistingRow }
  | { readonly status: 'fenced' };

export type BeginParkedAnswer =
  | { readonly status: 'done'; readonly token: Token; readonly notAfterMs: number }
  /** The row's expires_at had passed: it is rolled back with reason `expired` under this result number. */
  | { readonly status: 'expired'; readonly number: number }
  | { readonly status: 'busy' }
  | { readonly status: 'paused' }
  /** The row is no longer parked: what was found (null: no such row). */
  | { readonly status: 'changed'; readonly state: State | null; readonly token: Token | null }
  | { readonly status: 'fenced' };

export type ChangeAnswer =
  | {
      readonly status: 'done';
      readonly state: State;
      readonly step: number;
      /** The row's token after the change. */
      readonly token: Token;
      /** The row's not_after; means nothing when the state is final. */
      readonly notAfterMs: number;
      /** Result number when the state is final, else null. */
      readonly number: number | null;
    }
  /** State or token was not the expected one: what was found (null: no such row). Nothing was done. */
  | { readonly status: 'changed'; readonly state: State | null; readonly token: Token | null }
  | { readonly status: 'fenced' };

export type DeadLetterAnswer = { readonly status: 'done' } | { readonly status: 'fenced' };

export type EntryAnswer = BeginAnswer | BeginParkedAnswer | ParkAnswer | ChangeAnswer | DeadLetterAnswer;

export interface ExistingRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly state: State;
  readonly payload: ByteString;
}
