/**
 * A worker's connections to the simulated ledger: latency, refused calls, and calls whose answer is lost, which landed,
 * land later, or never land.
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
import { rejected } from './ledger-rejects.ts';
import { placeOf, skipNumbers } from './ledger-rows.ts';
import { type Answered, type SimLedgerServer, type Statement, slotsOf } from './ledger-server.ts';
import type { SimProcess } from './process.ts';
import { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export interface SimLedgerOptions {
  readonly virtual: VirtualWorld;
  readonly process: SimProcess;
  readonly server: SimLedgerServer;
  readonly identity: LedgerIdentity;
  readonly random: RandomStream;
  readonly faults: () => Faults;
  /** Share of records, and of evidence, that cannot be stored: it is for ever, so nothing heals it. */
  readonly unstorable: number;
  /** How a commit travels; by default it is drawn. */
  readonly passage?: () => Passage;
}

/** How a call and its answer travel. */
export interface Passage {
  /** Until it reaches the server, in ms; null: it never does. */
  readonly arrivesMs: number | null;
  /** How long its statement takes there, in ms. */
  readonly lastsMs: number;
  /** The answer is lost, which the caller notices after so long; null: it comes. */
  readonly lostMs: number | null;
}

/** After this long without an answer the connection is given up. */
const ANSWER_TIMEOUT_MS = 40_000;
/** A commit that is late lands within this time. */
const LATE_MS = 60_000;
/** The longest statement: others that wait for its locks are refused before. */
const SLOW_MS = 10_000;
/** A take-over is a transaction of several statements. */
const TAKE_OVER_MS = 4;

export class SimLedger implements Ledger {
  readonly #options: SimLedgerOptions;

  constructor(options: SimLedgerOptions) {
    this.#options = options;
  }

  commit(commit: Commit): Promise<CommitAnswer> {
    const { server, identity, passage } = this.#options;
    const places = this.#places(commit.heads);
    const apply = () => {
      this.#refuseUnstorable(commit);
      return server.store.commit(identity, commit);
    };
    const slots = () => slotsOf(server.store, commit);
    return this.#send(passage?.() ?? this.#passageOfCommit(), { places, slots, apply });
  }

  takeOver(partition: number): Promise<TakeOver> {
    const { server, identity, process, random } = this.#options;
    const places = this.#places([{ partition }]);
    const client = () => (!process.alive ? 'gone' : process.stopped ? 'stopped' : 'ready');
    const apply = () => server.store.takeOver(identity, partition);
    const { lastsMs, ...way } = this.#passage();
    const ms = lastsMs + random.next() * TAKE_OVER_MS;
    return this.#send({ ...way, lastsMs: ms }, { places, client, apply });
  }

  raise(
    owned: readonly { readonly partition: number; readonly epoch: number }[],
  ): Promise<RaisedPartition[]> {
    const { server, identity } = this.#options;
    const apply = () => server.store.raise(identity, owned);
    return this.#send(this.#passage(), { places: this.#places(owned), apply });
  }

  read(ids: readonly string[]): Promise<Row[]> {
    return this.#ask(() => this.#options.server.store.read(ids));
  }

  results(partition: number, after: number, limit: number): Promise<StoredResult[]> {
    return this.#ask(() =>
      this.#options.server.store.results(this.#options.identity, partition, after, limit),
    );
  }

  parked(lane: Parameters<Ledger['parked']>[0]): Promise<ParkedRow[]> {
    return this.#ask(() => this.#options.server.store.parked(this.#options.identity, lane));
  }

  commands(partitions: readonly number[]): Promise<Command[]> {
    return this.#ask(() => this.#options.server.store.openCommands(this.#options.identity, partitions));
  }

  limits(sinceMs: number | null): ReturnType<Ledger['limits']> {
    return this.#ask(() => this.#options.server.store.limits(sinceMs));
  }

  commits(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#ask(() => this.#options.server.store.commits(this.#options.identity, partitions));
  }

  skipNumbers(partition: number, epoch: number, number: number): Promise<boolean> {
    const { server, identity } = this.#options;
    return this.#ask(() =>
      skipNumbers(server.store.partitions.get(placeOf(identity.topic, partition)), epoch, number),
    );
  }

  prune(partition: number, thanMs: number, limit: number): Promise<number> {
    return this.#ask(() =>
      this.#options.server.store.prune(this.#options.identity, partition, { thanMs, limit }),
    );
  }

  notePartitions(count: number): Promise<number | null> {
    return this.#ask(() => this.#options.server.store.notePartitions(this.#options.identity, count));
  }

  heartbeat(_: Heartbeat): Promise<void> {
    return this.#ask(() => undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Rows that a statement locks, in the order of their partitions. */
  #places(of: readonly { readonly partition: number }[]): string[] {
    const { topic } = this.#options.identity;
    const partitions = of.map(({ partition }) => partition).sort((a, b) => a - b);
    return partitions.map((partition) => placeOf(topic, partition));
  }

  #ask<T>(apply: () => T): Promise<T> {
    return this.#send(this.#passage(), { places: [], apply });
  }

  #passage(): Passage {
    const { random, faults } = this.#options;
    const { ledgerLost, ledgerSlow } = faults();
    const arrivesMs = random.next() * 3;
    const lastsMs = random.strikes(ledgerSlow) ? random.next() * SLOW_MS : 0;
    if (!random.strikes(ledgerLost)) return { arrivesMs, lastsMs, lostMs: null };
    const lostMs = random.between(6, 200);
    return { arrivesMs: random.chance(0.5) ? arrivesMs : null, lastsMs, lostMs };
  }

  #passageOfCommit(): Passage {
    const { random, faults } = this.#options;
    const { commitLost, ledgerSlow } = faults();
    const lastsMs = random.strikes(ledgerSlow) ? random.next() * SLOW_MS : 0;
    if (!random.strikes(commitLost)) return { arrivesMs: random.next() * 3, lastsMs, lostMs: null };
    const fate = random.pick(['landed', 'under way', 'late', 'never'] as const);
    const lostMs = random.chance(0.1) ? ANSWER_TIMEOUT_MS : random.between(6, 200);
    const soon = random.next() * 5;
    switch (fate) {
      case 'landed':
        return { arrivesMs: soon, lastsMs, lostMs };
      case 'under way':
        return { arrivesMs: soon, lastsMs: random.next() * SLOW_MS, lostMs };
      case 'late':
        return { arrivesMs: random.between(5, LATE_MS), lastsMs, lostMs };
      case 'never':
        return { arrivesMs: null, lastsMs, lostMs };
    }
  }

  #send<T>(
    { arrivesMs, lastsMs, lostMs }: Passage,
    statement: Pick<Statement<T>, 'places' | 'slots' | 'apply' | 'client'>,
  ): Promise<T> {
    const { virtual, process, random, faults, server } = this.#options;
    const refused = lostMs === null && random.strikes(faults().ledgerRefused);
    return new Promise((resolve, reject) => {
      const answered = (answer: Answered<T>): void => {
        if (lostMs !== null) return;
        virtual.after(random.next() * 3, () =>
          process.deliver(() => ('error' in answer ? reject(answer.error) : resolve(answer.value))),
        );
      };
      if (arrivesMs !== null)
        virtual.after(arrivesMs, () => {
          if (refused) answered({ error: new LedgerError('refused', 'the server is starting up') });
          else server.run({ ...statement, ms: lastsMs, answered });
        });
      if (lostMs === null) return;
      const lost = () => reject(new LedgerError('lost', 'the connection was cut'));
      virtual.after(lostMs, () => process.deliver(lost));
    });
  }

  /** Some transactions have something that the ledger cannot store, whenever it comes: a record, an answer. */
  #refuseUnstorable({ entries }: Commit): void {
    const { unstorable } = this.#options;
    if (unstorable === 0) return;
    const { seed } = this.#options.virtual;
    for (const entry of entries) {
      const told = entry.kind === 'change' && entry.evidence !== null && entry.evidence !== '{}';
      if (entry.kind !== 'begin' && entry.kind !== 'park' && !told) continue;
      const what = told ? 'evidence' : 'record';
      if (new RandomStream(seed, `${what} ${entry.id}`).chance(unstorable))
        throw rejected(`the ${what} of ${entry.id} cannot be stored`);
    }
  }
}
