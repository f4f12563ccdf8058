/** What those who watch a simulated world for the points of sometimes.ts know of it: its workers and what they have sent. */
import type { StepCall } from '../engine/ports.ts';
import type { Commit } from '../engine/ports-ledger.ts';
import type { SimBroker } from './broker.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { SimProcess } from './process.ts';
import type { VirtualWorld } from './world.ts';

/** One worker, with what it has sent and had no answer to. */
export interface Watched {
  readonly process: SimProcess;
  readonly calls: Set<StepCall>;
  readonly commits: Set<Commit>;
  readonly takingOver: Set<number>;
  /** `partition location` of the pages it reads. */
  readonly pages: Set<string>;
  /** Partitions that it runs, as it believes. */
  readonly runs: Set<number>;
  /** Partitions whose hand-over has run out of its budget, until it is told of. */
  readonly late: Set<number>;
}

export interface Watch {
  readonly virtual: VirtualWorld;
  readonly store: SimLedgerStore;
  readonly broker: SimBroker;
  readonly workers: Map<string, Watched>;
  readonly callers: WeakMap<StepCall, Watched>;
  /** Commits whose answer was lost, with when; those that were applied leave it. */
  readonly lost: Map<Commit, number>;
  readonly applied: WeakSet<Commit>;
}
