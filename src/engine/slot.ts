/** A slot at work and what it may ask of its partition: the face of `Partition` towards what works in slots. */
import type { Lane } from '../core/lanes.ts';
import type { Committer } from './committer.ts';
import type { Decisions } from './decisions.ts';
import type { Limits } from './limits.ts';
import type { Naps } from './naps.ts';
import type { WorkerDoors } from './options.ts';
import type { PartitionState } from './partition-state.ts';
import type { StoredResult } from './ports-ledger.ts';
import type { Waiting, WaitingRecord } from './slot-work.ts';

export interface SlotHost {
  readonly doors: WorkerDoors;
  readonly committer: Committer;
  readonly state: PartitionState;
  readonly limits: Limits;
  readonly naps: Naps;
  readonly decisions: Decisions;
  /** Aborts when the partition is over. */
  readonly signal: AbortSignal;
  /** The next one for a slot whose holder ends in the commit that is being made; null when none may begin. */
  takeInto(lane: Lane<Waiting>, slot: number): Waiting | null;
  /** The record is durable as a holder. */
  began(lane: Lane<Waiting>, slot: number, record: Waiting): void;
  /** The begin was busy or paused: the record waits at the head of its lane for a back-off. */
  putBack(lane: Lane<Waiting>, slot: number): void;
  /** The record is accounted without holding the slot: duplicate, dead letter, expired, cancelled. */
  skip(lane: Lane<Waiting>, slot: number, record: Waiting): void;
  /** The holder ended and nothing followed it in its commit. */
  release(lane: Lane<Waiting>, slot: number): void;
  /** The ledger holds the record. */
  account(record: WaitingRecord): void;
  /** A parked row that was to begin is no longer parked. */
  parkedIsGone(id: string): void;
  /** The ledger has committed the outcome: its result can be published. `beganAtMs` null: it never began. */
  finished(result: StoredResult, beganAtMs: number | null): void;
  /** The ledger's rows are not what their only writer left. */
  disturbed(): void;
  /** A slot starts or ends to be in a call or a commit, as against waiting for a back-off. */
  active(): void;
  inactive(): void;
}

export interface Slot {
  readonly partition: SlotHost;
  readonly lane: Lane<Waiting>;
  readonly number: number;
}
