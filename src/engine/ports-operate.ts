/** What people do through the ledger: limits of locations, decisions about transactions, and the audit of both. */
import type { CommandAction } from '../core/commands.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { State } from '../core/states.ts';

/** Who does something, and why. Both go into the audit. */
export interface Who {
  readonly actor: string;
  readonly reason: string;
}

export interface LimitChange extends Who {
  /** A location, or a pattern with * and ?. */
  readonly location: string;
  /** Null: as configured. Absent: left as it is. */
  readonly concurrency?: number | null;
  readonly paused?: boolean;
}

export interface WatermarkMove extends Who {
  readonly partition: number;
  readonly offset: number;
}

export interface Proposal extends Who {
  readonly id: string;
  readonly action: CommandAction;
  /** Evidence of the step for `complete`: a JSON object as text. */
  readonly evidence: string | null;
  /** What the person saw; absent: whatever it is now. */
  readonly seen?: { readonly state: State; readonly token: string | null };
  /** A second person has to approve it within this time, in ms; absent: nobody. */
  readonly approvalMs?: number;
}

export interface Approval extends Who {
  readonly sequence: number;
}

/** An act that was refused: who tried what, and why not. */
export interface Denial {
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: string;
}

export interface Proposed {
  readonly sequence: number;
  readonly location: string;
  /** What it was decided on. */
  readonly state: State;
  readonly token: string | null;
  /** The partition has an owner that was heard of lately; without one the command waits. */
  readonly ownerAlive: boolean;
}

export type CommandOutcome =
  | { readonly outcome: 'waiting' }
  | { readonly outcome: 'applied' }
  /** The state and token that were found. */
  | { readonly outcome: 'refused'; readonly found: string };

/** A transaction that a person should look at. */
export interface AttentionView {
  readonly id: string;
  readonly location: string;
  readonly state: State;
  /** RFC 3339. */
  readonly since: string;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly attempts: number;
}

export interface AuditCheck {
  readonly rows: number;
  /** Sequence of the first row that does not fit the one before, or whose hash is not its own; null: all do. */
  readonly brokenAt: number | null;
}

/** Every method throws LedgerError when the ledger is away. */
export interface Operations {
  setLimit(change: LimitChange): Promise<void>;
  /**
   * Gives up what the topic no longer holds: the partition goes on at the offset when it is next taken over. Throws
   * SB-6012 when the ledger does not know the partition, or its watermark is not below.
   */
  moveWatermark(move: WatermarkMove): Promise<void>;
  /**
   * Throws SB-6007 when the ledger does not hold the id, SB-6008 when the action makes no sense in its state, or the
   * person saw another one.
   */
  propose(proposal: Proposal): Promise<Proposed>;
  /**
   * Where the decision is about, for who may approve it. Throws SB-6001 when there is no such decision.
   */
  commandLocation(sequence: number): Promise<string>;
  /** Throws SB-6001, SB-6013 when it cannot be approved, or not by this person. */
  approve(approval: Approval): Promise<void>;
  deny(denial: Denial): Promise<void>;
  outcome(sequence: number): Promise<CommandOutcome>;
  /** Held ones first, then those in doubt, the oldest first; at most `limit`. */
  attention(limit: number): Promise<AttentionView[]>;
  /** Computes the chain of hashes again, from its first row. */
  verifyAudit(): Promise<AuditCheck>;
  close(): Promise<void>;
}
