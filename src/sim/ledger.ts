/**
 * A worker's connection to the simulated ledger: latency, refused calls, and commits whose answer is lost, which
 * landed, land later, or never land. The store applies a commit at one instant, which is what FOR SHARE against
 * the take-over's update amounts to.
 */
import {
  type Command,
  type Commit,
  type CommitAnswer,
  type Heartbeat,
  type Ledger,
  LedgerError,
  type LedgerIdentity,
  type ParkedRow,
  type RaisedPartition,
  type Row,
  type StoredResult,
  type TakeOver,
} from '../engine/ports-ledger.ts';
import type { Faults } from './faults.ts';
import { placeOf, skipNumbers } from './ledger-rows.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { SimProcess } from './process.ts';
import type { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export interface SimLedgerOptions {
  readonly virtual: VirtualWorld;
  readonly process: SimProcess;
  readonly store: SimLedgerStore;
  readonly identity: LedgerIdentity;
  readonly random: RandomStream;
  readonly faults: () => Faults;
}

/** After this long without an answer the connection is given up. */
const ANSWER_TIMEOUT_MS = 40_000;
/** A commit that is late lands within this time. */
const LATE_MS = 60_000;

export class SimLedger implements Ledger {
  readonly #options: SimLedgerOptions;

  constructor(options: SimLedgerOptions) {
    this.#options = options;
  }

  commit(commit: Commit): Promise<CommitAnswer> {
    const { virtual, store, identity, random, faults } = this.#options;
    const apply = () => store.commit(identity, commit);
    if (!random.chance(faults().commitLost)) return this.#ask(apply);
    return new Promise((_, reject) => {
      const lost = () => reject(new LedgerError('lost', 'the connection was cut'));
      const fate = random.pick(['landed', 'late', 'never'] as const);
      if (fate === 'landed') virtual.after(random.between(0, 5), apply);
      if (fate === 'late') virtual.after(random.between(5, LATE_MS), apply);
      const noticed = random.chance(0.1) ? ANSWER_TIMEOUT_MS : random.between(6, 200);
      virtual.after(noticed, () => this.#options.process.deliver(lost));
    });
  }

  takeOver(partition: number): Promise<TakeOver> {
    return this.#ask(() => this.#options.store.takeOver(this.#options.identity, partition));
  }

  raise(
    owned: readonly { readonly partition: number; readonly epoch: number }[],
  ): Promise<RaisedPartition[]> {
    return this.#ask(() => this.#options.store.raise(this.#options.identity, owned));
  }

  read(ids: readonly string[]): Promise<Row[]> {
    return this.#ask(() => this.#options.store.read(ids));
  }

  results(partition: number, after: number, limit: number): Promise<StoredResult[]> {
    return this.#ask(() => this.#options.store.results(this.#options.identity, partition, after, limit));
  }

  parked(lane: Parameters<Ledger['parked']>[0]): Promise<ParkedRow[]> {
    return this.#ask(() => this.#options.store.parked(this.#options.identity, lane));
  }

  commands(partitions: readonly number[]): Promise<Command[]> {
    return this.#ask(() =>
      [...this.#options.store.commands.values()]
        .filter(({ command, outcome }) => outcome === null && partitions.includes(command.partition))
        .map(({ command }) => command)
        .sort((a, b) => a.sequence - b.sequence),
    );
  }

  limits(): ReturnType<Ledger['limits']> {
    return this.#ask(() => this.#options.store.limits());
  }

  commits(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { store, identity } = this.#options;
    return this.#ask(() => {
      const known = partitions.map((partition) => store.partitions.get(placeOf(identity.topic, partition)));
      return new Map(partitions.map((partition, index) => [partition, known[index]?.commits ?? 0]));
    });
  }

  skipNumbers(partition: number, epoch: number, number: number): Promise<boolean> {
    const { store, identity } = this.#options;
    return this.#ask(() =>
      skipNumbers(store.partitions.get(placeOf(identity.topic, partition)), epoch, number),
    );
  }

  prune(partition: number, thanMs: number, limit: number): Promise<number> {
    return this.#ask(() => this.#options.store.prune(this.#options.identity, partition, { thanMs, limit }));
  }

  notePartitions(count: number): Promise<number | null> {
    return this.#ask(() => this.#options.store.notePartitions(this.#options.identity, count));
  }

  heartbeat(_: Heartbeat): Promise<void> {
    return this.#ask(() => undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask<T>(apply: () => T): Promise<T> {
    const { virtual, process, random, faults } = this.#options;
    const refused = random.chance(faults().ledgerRefused);
    return new Promise((resolve, reject) => {
      virtual.after(random.next() * 3, () => {
        const answer = refused ? null : { value: apply() };
        virtual.after(random.next() * 3, () =>
          process.deliver(() => {
            if (answer === null) reject(new LedgerError('refused', 'the server is starting up'));
            else resolve(answer.value);
          }),
        );
      });
    });
  }
}
