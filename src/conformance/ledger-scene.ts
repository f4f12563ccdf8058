/**
 * The stage of one test of the ledger contract: a topic, ids and locations of its own on the fixture's store, and
 * builders of entries whose fields a test does not care about.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { HoldingState } from '../core/states.ts';
import { NO_CHANGE } from '../engine/ports-entries.ts';
import type {
  Begin,
  BeginAnswer,
  BeginParked,
  Change,
  ChangeAnswer,
  CommitAnswer,
  DeadLetter,
  Entry,
  EntryAnswer,
  Ledger,
  LedgerIdentity,
  Park,
  ParkedRow,
  PartitionHead,
  Row,
  TakeOver,
} from '../engine/ports-ledger.ts';
import type { LedgerFixture } from './ledger-fixture.ts';

export interface Check {
  readonly name: string;
  /** A hook of the fixture without which the test is skipped, with that reason. */
  readonly needs?: 'growth' | 'unstorable' | 'underWay' | 'openLossy';
  run(scene: Scene): Promise<void>;
}

export type Owned = Extract<TakeOver, { outcome: 'owned' }>;
export type Begun = Extract<BeginAnswer, { status: 'done' }>;
export type Changed = Extract<ChangeAnswer, { status: 'done' }>;

/** A transaction that the ledger has begun. */
export interface Open {
  readonly id: string;
  readonly partition: number;
  readonly location: string;
  readonly state: HoldingState;
  readonly token: string;
}

/** Offsets only have to differ. */
const FIRST_OFFSET = 100;

export class Scene {
  readonly fixture: LedgerFixture;
  readonly identity: LedgerIdentity;
  readonly ledger: Ledger;
  readonly #name: string;
  readonly #opened: Ledger[];
  readonly #heads = new Map<number, { epoch: number; lastNumber: number }>();
  #next = FIRST_OFFSET;

  private constructor(fixture: LedgerFixture, identity: LedgerIdentity, ledger: Ledger) {
    this.fixture = fixture;
    this.identity = identity;
    this.ledger = ledger;
    this.#name = identity.topic;
    this.#opened = [ledger];
  }

  static async make(fixture: LedgerFixture): Promise<Scene> {
    const name = randomUUID().slice(0, 8);
    const identity = { topic: `topic-${name}`, topicId: `id-${name}`, group: 'group', worker: 'worker-1' };
    return new Scene(fixture, identity, await fixture.open(identity));
  }

  async end(): Promise<void> {
    for (const ledger of this.#opened) await ledger.close();
  }

  /** A second ledger object, of another worker by default. */
  async another(changes: Partial<LedgerIdentity> = { worker: 'worker-2' }): Promise<Ledger> {
    const ledger = await this.fixture.open({ ...this.identity, ...changes });
    this.#opened.push(ledger);
    return ledger;
  }

  id(name: string): string {
    return `${this.#name}-${name}`;
  }

  location(name: string): string {
    return `${this.#name}.${name}`;
  }

  // ---------------------------------------------------------------------------------------- owning

  /** Takes the partition over; from then on `commit` speaks for it. */
  async own(partition = 0, ledger = this.ledger): Promise<Owned> {
    const taken = await ledger.takeOver(partition);
    assert.equal(taken.outcome, 'owned');
    if (taken.outcome !== 'owned') throw new Error('not owned');
    this.#heads.set(partition, { epoch: taken.epoch, lastNumber: taken.lastNumber });
    return taken;
  }

  head(partition: number, changes: Partial<PartitionHead> = {}): PartitionHead {
    const known = this.#heads.get(partition) ?? { epoch: 0, lastNumber: 0 };
    const nothing = { watermark: null, published: null, duplicates: 0, commits: null };
    return { partition, ...known, ...nothing, ...changes };
  }

  /** The ledger's numbers after something that `commit` did not see. */
  note(partition: number, { epoch, lastNumber }: { epoch: number; lastNumber: number }): void {
    this.#heads.set(partition, { epoch, lastNumber });
  }

  /** Commits with a head for each partition of the entries, or with those given. */
  async commit(entries: readonly Entry[], heads?: readonly PartitionHead[]): Promise<CommitAnswer> {
    const partitions = [...new Set(entries.map((entry) => entry.partition))];
    const given = heads ?? partitions.map((partition) => this.head(partition));
    const answer = await this.ledger.commit({ heads: given, entries });
    assert.equal(answer.answers.length, entries.length, 'one answer an entry');
    for (const [index, entry] of entries.entries()) {
      const head = this.#heads.get(entry.partition);
      const number = numberOf(answer.answers[index]) ?? 0;
      if (head !== undefined) head.lastNumber = Math.max(head.lastNumber, number);
    }
    return answer;
  }

  // ---------------------------------------------------------------------------------------- entries

  begin(changes: Partial<Begin> = {}): Begin {
    this.#next += 1;
    const id = changes.id ?? this.id(`tx-${this.#next}`);
    return {
      kind: 'begin',
      partition: 0,
      offset: this.#next,
      id,
      location: this.location(`place-${this.#next}`),
      slot: 1,
      type: 'withdraw',
      payload: `{"id":"${id}","type":"withdraw","data":{"amount":5000}}`,
      plan: '1:dispense',
      timeoutMs: 5_000,
      deadlineMs: 60_000,
      expiresAtMs: null,
      concurrency: 1,
      traceparent: null,
      recordTimeMs: 1_700_000_000_123,
      ...changes,
    };
  }

  park(changes: Partial<Park> = {}): Park {
    const { partition, offset, id, location, type, payload, plan, recordTimeMs } = this.begin();
    const record = { partition, offset, id, location, type, payload, plan, recordTimeMs };
    return { kind: 'park', ...record, expiresAtMs: null, traceparent: null, ...changes };
  }

  /** The begin of what was parked, in slot 1. */
  beginParked({ partition, id, location, plan }: Park, changes: Partial<BeginParked> = {}): BeginParked {
    const attempt = { slot: 1, timeoutMs: 5_000, deadlineMs: 60_000, concurrency: 1 };
    return { kind: 'begin-parked', partition, id, location, plan, ...attempt, ...changes };
  }

  /** By default the plain finish: the only call answered `done`. */
  change(open: Open, changes: Partial<Change> = {}): Change {
    return {
      ...NO_CHANGE,
      partition: open.partition,
      id: open.id,
      fromState: open.state,
      fromToken: open.token,
      event: 'done',
      to: 'completed',
      evidence: '{"dispense":{"receipt":"1"}}',
      call: open.state === 'executing' ? 'execute' : 'status',
      startedMs: 1_700_000_000_200,
      answeredMs: 1_700_000_000_300,
      timeoutMs: 5_000,
      ...changes,
    };
  }

  /** A person does not want a parked transaction. */
  cancel({ id, partition }: Park, changes: Partial<Change> = {}): Change {
    const open = { id, partition, location: '', state: 'executing', token: '0' } as const;
    const parked = { fromState: 'received', fromToken: null, evidence: null, call: null } as const;
    const end = { event: 'cancel', to: 'rolled_back', reason: 'not wanted' } as const;
    return this.change(open, { ...parked, ...end, startedMs: null, answeredMs: null, ...changes });
  }

  refused(open: Open, reason = 'empty'): Change {
    return this.change(open, { event: 'refused', to: 'rolled_back', evidence: null, reason });
  }

  /** The call was not answered: in doubt under a new token. */
  unknown(open: Open): Change {
    const doubt = { event: 'unknown', to: 'in_doubt', newToken: true, evidence: null } as const;
    return this.change(open, { ...doubt, code: 'SB-4101', detail: 'after 5 s' });
  }

  /** The request did nothing: once more, or in doubt past the deadline. */
  retry(open: Open, changes: Partial<Change> = {}): Change {
    const again = {
      event: 'retry',
      to: 'executing',
      lateTo: 'in_doubt',
      newToken: true,
      evidence: null,
    } as const;
    return this.change(open, { ...again, reason: 'busy', code: 'SB-4110', ...changes });
  }

  deadLetter(changes: Partial<DeadLetter> = {}): DeadLetter {
    this.#next += 1;
    return {
      kind: 'dead-letter',
      partition: 0,
      offset: this.#next,
      key: 'key',
      value: 'value',
      headers: [],
      code: 'SB-1106',
      detail: 'not JSON',
      id: null,
      location: null,
      recordTimeMs: 1_700_000_000_123,
      ...changes,
    };
  }

  // ---------------------------------------------------------------------------------------- shortcuts

  /** Begins one transaction and expects that it can. */
  async opened(changes: Partial<Begin> = {}): Promise<Open> {
    const [open] = await this.openedAll([this.begin(changes)]);
    assert(open !== undefined);
    return open;
  }

  async openedAll(begins: readonly Begin[]): Promise<Open[]> {
    const { answers } = await this.commit(begins);
    return begins.map((begin, index) => openOf(begin, answers[index]));
  }

  /** Applies one change and expects that it can. */
  async changed(change: Change): Promise<Changed> {
    const { answers } = await this.commit([change]);
    return changedOf(answers[0]);
  }

  /** Parks records of one location and expects that it can. */
  async parkedAt(location: string, count: number): Promise<Park[]> {
    const parks = Array.from({ length: count }, () => this.park({ location }));
    const { answers } = await this.commit(parks);
    for (const answer of answers) assert.deepEqual(answer, { status: 'done' });
    return parks;
  }

  /** What waits for the location, as far as one page of it goes. */
  page(location: string, limit: number, after = -1): Promise<ParkedRow[]> {
    return this.ledger.parked({ partition: 0, location, after, limit });
  }

  async row(id: string): Promise<Row> {
    const [row] = await this.ledger.read([id]);
    assert(row !== undefined, `the ledger has no row ${id}`);
    return row;
  }
}

export function openOf(begin: Begin, answer: EntryAnswer | undefined): Open {
  const { token } = begunOf(answer);
  return { id: begin.id, partition: begin.partition, location: begin.location, state: 'executing', token };
}

export function begunOf(answer: EntryAnswer | undefined): Begun {
  assert(answer?.status === 'done' && 'token' in answer && !('state' in answer), JSON.stringify(answer));
  return answer as Begun;
}

export function changedOf(answer: EntryAnswer | undefined): Changed {
  assert(answer?.status === 'done' && 'state' in answer, JSON.stringify(answer));
  return answer as Changed;
}

/** The same transaction as it stands after a change. */
export function after(open: Open, { state, token }: Changed): Open {
  return { ...open, state: state as HoldingState, token };
}

export function numberOf(answer: EntryAnswer | undefined): number | null {
  return answer !== undefined && 'number' in answer ? answer.number : null;
}

export function statuses({ answers }: CommitAnswer): string[] {
  return answers.map(({ status }) => status);
}

export function ids(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/** The parked transaction once it has begun. */
export function begunParked(park: Park, answer: EntryAnswer | undefined): Open {
  const { token } = begunOf(answer);
  return { id: park.id, partition: park.partition, location: park.location, state: 'executing', token };
}
