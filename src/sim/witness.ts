/**
 * Sees which points of sometimes.ts a simulated world reaches. It changes nothing: it listens at the doors of the
 * workers, at the doubles behind them, and reads the history at the end.
 */
import type { Observer, WorkerDoors } from '../engine/options.ts';
import type { SimBroker } from './broker.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { SimProcess } from './process.ts';
import type { SiteArrival } from './site.ts';
import type { Sometimes } from './sometimes.ts';
import { watchBroker, watchLedger, watchLog } from './watch-doors.ts';
import { watchArrivals, watchParticipant } from './watch-site.ts';
import { watchStore } from './watch-store.ts';
import type { Watch, Watched } from './watched.ts';
import type { VirtualWorld } from './world.ts';

/** A commit whose answer was lost lands within this time (ledger.ts), or never. */
const LATE_MS = 60_000;

export class Witness {
  readonly arrived: (arrival: SiteArrival) => void;
  readonly #watch: Watch;

  constructor(parts: {
    readonly virtual: VirtualWorld;
    readonly store: SimLedgerStore;
    readonly broker: SimBroker;
  }) {
    this.#watch = {
      ...parts,
      workers: new Map(),
      callers: new WeakMap(),
      lost: new Map(),
      applied: new WeakSet(),
    };
    watchStore(this.#watch);
    watchBroker(this.#watch);
    this.arrived = watchArrivals(this.#watch);
  }

  /** The doors of a new worker, listened at. */
  doors(process: SimProcess, doors: WorkerDoors): WorkerDoors {
    const worker: Watched = {
      process,
      calls: new Set(),
      commits: new Set(),
      takingOver: new Set(),
      pages: new Set(),
      runs: new Set(),
      late: new Set(),
    };
    this.#watch.workers.set(process.name, worker);
    watchLedger(doors.ledger, this.#watch, worker);
    watchLog(doors.log, this.#watch);
    const { observer } = doors;
    return {
      ...doors,
      participant: (name) => watchParticipant(doors.participant(name), this.#watch, worker),
      observer: {
        ...observer,
        handOver: (event) => {
          this.#handOver(worker, event);
          observer.handOver(event);
        },
        problem: (error, context) => {
          if (error.code === 'SB-5008' && context.partition !== undefined) worker.late.add(context.partition);
          observer.problem(error, context);
        },
      },
    };
  }

  /** Before the worker is killed. */
  kills(process: SimProcess): void {
    const worker = this.#watch.workers.get(process.name);
    if (worker === undefined) return;
    if (worker.calls.size > 0) this.#sometimes('a worker was killed with calls on their way');
    if (worker.commits.size > 0) this.#sometimes('a worker was killed with a commit on its way');
    if (worker.takingOver.size > 0) this.#sometimes('a worker was killed while it took a partition over');
    const others = [...this.#watch.workers.values()].filter(
      (other) => other !== worker && other.process.alive,
    );
    if (others.length === 0) this.#sometimes('no worker was alive');
  }

  stops(process: SimProcess): void {
    const worker = this.#watch.workers.get(process.name);
    if ((worker?.calls.size ?? 0) > 0) this.#sometimes('a worker was stopped with calls on their way');
  }

  /** Before it goes on. */
  continues(process: SimProcess): void {
    const worker = this.#watch.workers.get(process.name);
    if (worker === undefined || !process.alive) return;
    const { store, broker } = this.#watch;
    const isTaken = [...worker.runs].some(
      (partition) => store.partitions.get(`${broker.topic.name}/${partition}`)?.worker !== process.name,
    );
    if (isTaken) this.#sometimes('a worker woke up and its partition had another owner');
  }

  #handOver(worker: Watched, { partition, what }: Parameters<Observer['handOver']>[0]): void {
    const ends = what === 'drained' || what === 'lost';
    if (ends && worker.takingOver.has(partition))
      this.#sometimes('a partition ended while it was taken over');
    const inTime = !worker.late.delete(partition);
    if (what === 'drained' && !inTime) this.#sometimes('a hand-over ran out of time');
    if (what === 'drained' && inTime && worker.runs.has(partition))
      this.#sometimes('a hand-over ended in time');
    if (what === 'taken-over') worker.runs.add(partition);
    else worker.runs.delete(partition);
    if (what === 'fenced' && this.#callsOf(worker, partition))
      this.#sometimes('a fenced owner had calls on their way');
  }

  #callsOf({ calls }: Watched, partition: number): boolean {
    return [...calls].some(
      ({ transaction }) => this.#watch.store.rows.get(transaction)?.partition === partition,
    );
  }

  /** The world has come to its end: what its history tells. */
  end(): void {
    const { lost, virtual, store } = this.#watch;
    for (const lostAtMs of lost.values())
      if (virtual.elapsedMs - lostAtMs > LATE_MS)
        this.#sometimes('the answer to a commit was lost and it never landed');
    const takenOver = new Set<string>();
    for (const { id, event, from, to } of store.transitions) {
      if (event === 'takeover' && takenOver.has(id)) this.#sometimes('a transaction was taken over twice');
      if (event === 'takeover') takenOver.add(id);
      if (event === 'retry' && from === 'executing') this.#sometimes('a step was retried');
      if (event === 'reversed' && from === 'reversing' && to === 'rolled_back')
        this.#sometimes('a transaction of several steps was reversed');
      if (from !== 'in_doubt') continue;
      if (event === 'done') this.#sometimes('doubt ended: the effect had happened');
      if (event === 'refused') this.#sometimes('doubt ended: refused');
      if (event === 'never' && to === 'executing')
        this.#sometimes('doubt ended: never, and the step was tried again');
      if (to === 'rolled_back') this.#sometimes('doubt ended by a roll back');
    }
  }

  #sometimes(point: Sometimes): void {
    this.#watch.virtual.sometimes(point);
  }
}
