/** What a worker is built from: settings with their units and bounds, the types it knows, and who watches it. */
import type { CallKind } from '../core/answer.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Plan } from '../core/plan.ts';
import type { FinalState } from '../core/states.ts';
import type { Point } from './points.ts';
import type { Participant, TransactionLog, World } from './ports.ts';
import type { Heartbeat, Ledger } from './ports-ledger.ts';

export interface WorkerSettings {
  /** Ledger connections that commit side by side; partition p always uses connection p % ledgerConnections. */
  readonly ledgerConnections: number;
  /** A commit takes at most this many entries … */
  readonly commitEntriesMax: number;
  /** … and about this many bytes of payload and evidence. */
  readonly commitBytesMax: number;
  /** Watermark and published number ride in a commit at most this often a partition, in ms. */
  readonly headIntervalMs: number;
  /** Records waiting in the memory of a worker: each partition may hold its share, its fetch pauses above … */
  readonly waitingRecordsMax: number;
  /** … and so for their bytes. */
  readonly waitingBytesMax: number;
  /** A partition's share is never above this. */
  readonly waitingRecordsPerPartitionMax: number;
  /** Back-off of status queries, reversals and busy begins: first and longest wait, in ms. */
  readonly askAgainFirstMs: number;
  readonly askAgainMaxMs: number;
  /** Back-off while ledger or log do not answer: first and longest wait, in ms. */
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Records older than this by their own timestamp are dead letters (SB-1115), in ms. */
  readonly dedupeWindowMs: number;
  /** A lane that has not moved for this long is parked, in ms. */
  readonly parkAfterMs: number;
  /** Parked rows of a partition, at most. */
  readonly parkedMax: number;
  /** Grade G1: after not-after and this time no attempt can start any more, in ms. Must exceed the skew of clocks. */
  readonly quietMs: number;
}

export const DEFAULT_SETTINGS: WorkerSettings = {
  ledgerConnections: 2,
  commitEntriesMax: 2_000,
  commitBytesMax: 4 * 1024 * 1024,
  headIntervalMs: 500,
  waitingRecordsMax: 60_000,
  waitingBytesMax: 64 * 1024 * 1024,
  waitingRecordsPerPartitionMax: 10_000,
  askAgainFirstMs: 200,
  askAgainMaxMs: 10_000,
  retryFirstMs: 100,
  retryMaxMs: 5_000,
  dedupeWindowMs: 35 * 24 * 3600 * 1000,
  parkAfterMs: 1_000,
  parkedMax: 250_000,
  quietMs: 60_000,
};

/** The types and limits of this version of the configuration. */
export interface Types {
  /** The plan a new transaction of this type begins with; null when the type is not configured. */
  planOf(type: string): Plan | null;
  /** The plan an open transaction was begun with (`planText`); null when this version does not know it. */
  storedPlan(type: string, text: string): Plan | null;
  /** Slots of a location where the ledger has no row for it; at least 1. */
  concurrencyOf(location: string): number;
}

/** Told what happened, for logs, metrics and the live view. Must not throw. */
export interface Observer {
  problem(
    error: SignalboxError,
    context: {
      readonly partition?: number;
      readonly location?: string;
      readonly id?: string;
      readonly traceparent?: string | null;
    },
  ): void;
  handOver(event: {
    readonly partition: number;
    readonly what: 'taken-over' | 'drained' | 'lost' | 'fenced' | 'refused';
    readonly epoch: number | null;
    readonly holders: number;
    readonly ms: number;
  }): void;
  committed(event: { readonly entries: number; readonly ms: number }): void;
  called(event: {
    readonly call: CallKind;
    readonly outcome: string;
    readonly id: string;
    readonly location: string;
    readonly ms: number;
    readonly traceparent: string | null;
  }): void;
  /** A transaction reached its outcome; `ms` since its begin. */
  finished(event: {
    readonly id: string;
    readonly location: string;
    readonly state: FinalState;
    readonly ms: number;
    readonly traceparent: string | null;
  }): void;
  deadLetter(event: { readonly partition: number; readonly offset: number; readonly code: string }): void;
}

export interface WorkerDoors {
  readonly world: World;
  readonly log: TransactionLog;
  readonly ledger: Ledger;
  /** The participant of a step by its name in the plan. Throws for a name that is not configured. */
  readonly participant: (name: string) => Participant;
  readonly types: Types;
  readonly settings: WorkerSettings;
  readonly observer: Observer;
  /** Version of the program, for the heartbeat. */
  readonly version: string;
  /** Told at each named point of the way; a test ends the process there. */
  readonly passing?: (point: Point) => void;
}

export interface WorkerHealth {
  /** Ledger answered, group joined, and every assigned partition taken over. */
  readonly ready: boolean;
  /** Why not, in the order a person should look at them. */
  readonly problems: readonly SignalboxError[];
}

/** The surface of `Worker` in worker.ts. */
export interface WorkerSurface {
  /** Opens the log and joins the group. Rejects only for a configuration that cannot work (`error.final`). */
  start(): Promise<void>;
  /** From now on no begin; drains, commits, leaves the group. `clean` is false when the budget was used up. Closes log and ledger. */
  stop(budgetMs: number): Promise<{ readonly clean: boolean }>;
  health(): WorkerHealth;
  /** What the heartbeat says, now. */
  snapshot(): Heartbeat;
}
