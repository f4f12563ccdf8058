/** What an implementation of Ledger gives its contract suite. One fixture serves all tests. */
import type { State } from '../core/states.ts';
import type { Command, Commit, Ledger, LedgerIdentity } from '../engine/ports-ledger.ts';

export interface LocationSettings {
  /** Null: the default of the configuration. */
  readonly concurrency: number | null;
  readonly paused: boolean;
}

export interface PartitionCounters {
  readonly rolledBack: number;
  readonly deadLetters: number;
  readonly duplicates: number;
  /** Numbers given before the ledger lost history. */
  readonly skipped: number;
}

/** One row of the history, which holds at least everything but the plain begin and finish. */
export interface HistoryEntry {
  readonly event: string;
  readonly from: State;
  readonly to: State;
  readonly worker: string;
  readonly epoch: number;
}

/** A commit that the ledger has applied but not yet made durable. */
export interface CommitUnderWay {
  /** Resolves when somebody waits for it. */
  waitedFor(): Promise<void>;
  finish(): Promise<void>;
}

/** How the next commit loses its answer: it landed, it never arrives, or it arrives when `deliver` is called. */
export type Loss = 'landed' | 'never' | 'late';

export interface LossyLedger {
  readonly ledger: Ledger;
  loseNext(how: Loss): void;
  /** Delivers the late commit; resolves when the ledger has dealt with it. */
  deliver(): Promise<void>;
}

export interface LedgerFixture {
  /** A ledger object on the one store of this fixture. Even and odd partitions commit side by side. */
  open(identity: LedgerIdentity): Promise<Ledger>;
  /** As an operator would set it, for a location or a pattern. */
  setLocation(location: string, settings: LocationSettings): Promise<void>;
  counters(topic: string, partition: number): Promise<PartitionCounters>;
  /** Oldest first. */
  history(id: string): Promise<HistoryEntry[]>;
  /** A person proposes this; returns its sequence. */
  propose(topic: string, command: Omit<Command, 'sequence'>): Promise<number>;
  /** Null: it still waits. */
  outcomeOf(command: number): Promise<'applied' | 'refused' | null>;
  /** The number of partitions of a topic may change. */
  readonly growth?: true;
  /** A text that the ledger cannot store. */
  readonly unstorable?: string;
  underWay?(identity: LedgerIdentity, commit: Commit): Promise<CommitUnderWay>;
  openLossy?(identity: LedgerIdentity): Promise<LossyLedger>;
  close(): Promise<void>;
}
