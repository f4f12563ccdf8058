/**
 * One of two ledgers that live through the same history: acts become calls in its own tokens and command numbers, and
 * what it answers is put in words that both sides share.
 */
import assert from 'node:assert/strict';
import type { LedgerFixture, LossyLedger } from '../../src/conformance/ledger-fixture.ts';
import { COMMAND_STATES, type CommandAction } from '../../src/core/commands.ts';
import { isFinal, TRANSITIONS } from '../../src/core/states.ts';
import { type Change, type DeadLetter, type Entry, NO_CHANGE } from '../../src/engine/ports-entries.ts';
import {
  type Commit,
  type CommitAnswer,
  type Ledger,
  LedgerError,
  type LedgerIdentity,
  type PartitionHead,
  type PartitionState,
  type Row,
} from '../../src/engine/ports-ledger.ts';
import { type DrawnEntry, type DrawnHead, IDS, PARTITIONS, PLACES } from './ledger-acts.ts';

const PAST_MS = 1_600_000_000_000;
const FUTURE_MS = 4_000_000_000_000;
const CONCURRENCY = 2;
const RIGHT: DrawnHead = { is: 'right', watermark: null, published: null, duplicates: 0, counted: true };

interface Numbers {
  epoch: number;
  lastNumber: number;
  commits: number;
}

export class Side {
  readonly fixture: LedgerFixture;
  readonly identity: LedgerIdentity;
  readonly rows = new Map<string, Row>();
  readonly heads = new Map<number, Numbers>();
  readonly commands: number[] = [];
  readonly #lossy: LossyLedger;
  readonly #others = new Map<string, Ledger>();
  /** Greatest token met before the last act, and up to now. */
  #tokenBefore = 0n;
  #tokenMax = 0n;
  readonly #tokens = new Map<string, string>();

  private constructor(fixture: LedgerFixture, identity: LedgerIdentity, lossy: LossyLedger) {
    this.fixture = fixture;
    this.identity = identity;
    this.#lossy = lossy;
  }

  static async make(fixture: LedgerFixture, name: string): Promise<Side> {
    const identity = { topic: name, topicId: `id-${name}`, group: 'group', worker: 'worker-1' };
    return new Side(fixture, identity, (await fixture.openLossy?.(identity)) ?? noLoss());
  }

  get ledger(): Ledger {
    return this.#lossy.ledger;
  }

  id(index: number): string {
    return `${this.identity.topic}-${index}`;
  }

  location(place: number): string {
    return `${this.identity.topic}.${place}`;
  }

  get ids(): string[] {
    return Array.from({ length: IDS }, (_, index) => this.id(index));
  }

  // ---------------------------------------------------------------------------------------- calls

  /** Tokens met from now on must be above those met before. */
  begins(): void {
    this.#tokenBefore = this.#tokenMax;
  }

  commitOf(drawn: readonly DrawnEntry[], heads: readonly DrawnHead[], firstOffset: number): Commit {
    return {
      heads: PARTITIONS.map((partition, index) => this.#head(partition, heads[index] ?? RIGHT)),
      entries: drawn.map((entry, index) => this.#entry(entry, firstOffset + index)),
    };
  }

  /** Answers, or how it failed. */
  async commit(commit: Commit): Promise<CommitAnswer | string> {
    const answer = await failureOf(this.ledger.commit(commit));
    if (typeof answer === 'string') return answer;
    for (const { partition } of commit.heads) {
      const known = this.heads.get(partition);
      if (known === undefined || answer.fenced.includes(partition)) continue;
      known.commits += 1;
      for (const [index, entry] of commit.entries.entries()) {
        const one = answer.answers[index];
        if (entry.partition === partition && one !== undefined && 'number' in one)
          known.lastNumber = Math.max(known.lastNumber, one.number ?? 0);
      }
    }
    return answer;
  }

  /** The answer is lost; then the epochs are raised, and what was late arrives. */
  async lose(commit: Commit, how: 'landed' | 'never' | 'late'): Promise<unknown> {
    // Its connection is open, so that the next exchange is the commit.
    await this.commit({ heads: commit.heads, entries: [] });
    const counted = commit.heads.map((head) => ({
      ...head,
      commits: this.heads.get(head.partition)?.commits ?? 0,
    }));
    this.#lossy.loseNext(how);
    const failure = await this.commit({ ...commit, heads: counted });
    const raised = await this.raise(commit.heads);
    if (how === 'late') await this.#lossy.deliver();
    return [failure, raised];
  }

  async raise(owned: readonly { readonly partition: number; readonly epoch: number }[]): Promise<unknown> {
    const raised = await this.ledger.raise(owned);
    for (const { partition, ...state } of raised) this.note(partition, state);
    return raised.toSorted((a, b) => a.partition - b.partition);
  }

  note(partition: number, { epoch, lastNumber, commits }: PartitionState): void {
    this.heads.set(partition, { epoch, lastNumber, commits });
  }

  async takeOver(partition: number, changes: Partial<LedgerIdentity>): Promise<unknown> {
    const taken = await (await this.#as(changes)).takeOver(partition);
    if (taken.outcome === 'refused') return [taken.outcome, taken.code];
    this.note(partition, taken);
    return taken;
  }

  async #as(changes: Partial<LedgerIdentity>): Promise<Ledger> {
    const who = JSON.stringify(changes);
    const ledger = this.#others.get(who) ?? (await this.fixture.open({ ...this.identity, ...changes }));
    this.#others.set(who, ledger);
    return ledger;
  }

  async propose(id: number, action: CommandAction): Promise<void> {
    const row = this.rows.get(this.id(id));
    if (row === undefined || !COMMAND_STATES[action].includes(row.state)) return;
    const { partition, location, state, token } = row;
    const expected = { expectedState: state, expectedToken: token === '0' ? null : token };
    const command = { ...COMMAND, partition, id: row.id, location, action, ...expected };
    this.commands.push(await this.fixture.propose(this.identity.topic, command));
  }

  // ---------------------------------------------------------------------------------------- what is there

  /** The rows as they are. */
  async readRows(): Promise<unknown> {
    const rows = (await this.ledger.read(this.ids)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.rows.clear();
    for (const row of rows) this.rows.set(row.id, row);
    return rows;
  }

  /** What else there is. */
  async rest(): Promise<unknown> {
    const { ledger, fixture, identity } = this;
    const partitions = PARTITIONS.map(async (partition) => ({
      results: await ledger.results(partition, 1, 5),
      counters: await fixture.counters(identity.topic, partition),
    }));
    const lanes = PARTITIONS.flatMap((partition) =>
      Array.from({ length: PLACES }, (_, place) => {
        const location = this.location(place);
        return ledger.parked({ partition, location, after: 0, limit: 3 });
      }),
    );
    const commands = (await ledger.commands(PARTITIONS)).map(({ sequence, ...command }) => {
      return { ...command, nth: this.commands.indexOf(sequence) };
    });
    const { limits } = await ledger.limits(null);
    return {
      commands,
      outcomes: await Promise.all(this.commands.map((command) => fixture.outcomeOf(command))),
      partitions: await Promise.all(partitions),
      lanes: await Promise.all(lanes),
      commits: [...(await ledger.commits([...PARTITIONS, 77]))].sort(),
      limits: limits.filter(({ location }) => location.startsWith(`${identity.topic}.`)),
    };
  }

  /** The history of each id: at least all but the plain begin and finish. */
  async history(): Promise<string[][]> {
    const lines = this.ids.map(async (id) =>
      (await this.fixture.history(id)).map((entry) => JSON.stringify(entry, Object.keys(entry).sort())),
    );
    return Promise.all(lines);
  }

  /** The same with tokens named in the order in which they are met. */
  named(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.named(one));
    if (value instanceof Error || value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, isToken(key, one) ? this.#name(one) : this.named(one)]),
    );
  }

  #name(token: string): string {
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    assert(BigInt(token) > this.#tokenBefore, `token ${token} is not above ${this.#tokenBefore}`);
    if (BigInt(token) > this.#tokenMax) this.#tokenMax = BigInt(token);
    const name = `token ${this.#tokens.size}`;
    this.#tokens.set(token, name);
    return name;
  }

  async close(): Promise<void> {
    for (const ledger of [this.ledger, ...this.#others.values()]) await ledger.close();
  }

  // ---------------------------------------------------------------------------------------- from draws to calls

  #head(partition: number, drawn: DrawnHead): PartitionHead {
    const { epoch, lastNumber, commits } = this.heads.get(partition) ?? {
      epoch: 0,
      lastNumber: 0,
      commits: 0,
    };
    const { watermark, published, duplicates, counted, is } = drawn;
    return {
      partition,
      epoch: is === 'old-epoch' ? epoch - 1 : epoch,
      lastNumber: is === 'other-number' ? lastNumber + 1 : lastNumber,
      commits: is === 'other-commits' ? commits + 1 : counted ? commits : null,
      watermark,
      published,
      duplicates,
    };
  }

  #entry(drawn: DrawnEntry, offset: number): Entry {
    const { kind, partition, slot } = drawn;
    const id = this.id(drawn.id);
    const row = this.rows.get(id);
    const location = row?.location ?? this.location(drawn.place);
    const record = {
      ...{ partition, offset, id, location, type: 't', payload: `payload ${offset % 7}`, plan: '1:a,b' },
      expiresAtMs: { none: null, past: PAST_MS, future: FUTURE_MS }[drawn.expiry],
      traceparent: drawn.text === 'unstorable' ? 'a\u0000b' : drawn.bits % 2 === 0 ? null : 'trace',
      recordTimeMs: 1_700_000_000_000 + offset,
    };
    const attempt = {
      slot,
      timeoutMs: 1_000,
      deadlineMs: deadlineOf(drawn) ?? 30_000,
      concurrency: CONCURRENCY,
    };
    switch (kind) {
      case 'begin':
        return { kind, ...record, ...attempt };
      case 'park':
        return { kind, ...record };
      case 'begin-parked':
        return { kind, partition: row?.partition ?? partition, id, location, plan: '2:c', ...attempt };
      case 'change':
        return row === undefined || isFinal(row.state)
          ? this.#strayChange(drawn, id)
          : this.#change(drawn, row);
      case 'dead-letter':
        return { kind, partition, offset: drawn.id, ...LETTER };
    }
  }

  /** Of what is not there, or over. */
  #strayChange({ partition }: DrawnEntry, id: string): Change {
    const from = { fromState: 'executing', fromToken: NO_TOKEN, event: 'done', to: 'completed' } as const;
    return { ...NO_CHANGE, partition, id, ...from };
  }

  #change(drawn: DrawnEntry, row: Row): Change {
    // A parked row begins by an entry of its own, and expires in it.
    const legal = TRANSITIONS.filter(
      ({ from, event }) => from === row.state && (from !== 'received' || event === 'cancel'),
    );
    // Half of them as most are: answered, plainly.
    const plain = legal.filter(({ event }) => event === 'done' || event === 'refused');
    const ways = (drawn.bits & 1) === 0 && plain.length > 0 ? plain : legal;
    const way = ways[drawn.way % ways.length];
    assert(way !== undefined && row.state !== 'completed' && row.state !== 'rolled_back');
    const late = legal.filter(({ event }) => event === way.event)[drawn.late];
    const bit = (n: number): boolean => (drawn.bits & (1 << n)) !== 0;
    const { event, to } = way;
    const text = drawn.text === 'none' ? null : drawn.text === 'some' ? `said ${drawn.step}` : 'a\u0000b';
    const bare = ways === plain && to !== 'reversing';
    const token = row.token === '0' ? null : row.token;
    return {
      ...NO_CHANGE,
      partition: bit(1) && bit(2) && bit(3) ? drawn.partition : row.partition,
      id: row.id,
      fromState: row.state,
      fromToken: bit(4) && bit(5) && bit(6) ? NO_TOKEN : token,
      ...{ event, to, step: drawn.step, lateStep: drawn.step === 0 ? 1 : 0 },
      lateTo: bare || bit(1) || row.state === 'received' ? null : (late?.to ?? null),
      newToken: row.state !== 'received' && (bare ? !isFinal(to) : bit(2)),
      aboveMark: !bare && bit(3) && token !== null ? String(BigInt(token) + 3n) : null,
      evidence: bit(4) ? null : `{"a":${drawn.step}}`,
      reason: text,
      code: bare || bit(5) ? null : 'SB-4101',
      detail: bare ? null : text,
      call: row.state === 'executing' ? 'execute' : bit(6) ? 'status' : null,
      ...{ startedMs: 1_700_000_000_000, answeredMs: 1_700_000_000_500 },
      nextAttemptMs: bare || bit(6) ? null : FUTURE_MS,
      timeoutMs: bit(7) ? 60_000 : 2_000,
      deadlineMs: bare ? null : deadlineOf(drawn),
      byPerson: bare || bit(2) ? null : bit(3),
      command: drawn.command ? (this.commands[drawn.late] ?? null) : null,
    };
  }
}

/** No row has it. */
const NO_TOKEN = String(2n ** 62n);

const LETTER: Omit<DeadLetter, 'kind' | 'partition' | 'offset'> = {
  ...{ key: 'k', value: null, headers: [], code: 'SB-1106', detail: 'd', id: null, location: null },
  recordTimeMs: 1,
};

const COMMAND = {
  evidence: null,
  reason: 'because',
  actor: 'alice',
};

function deadlineOf({ deadline }: DrawnEntry): number | null {
  return { none: null, past: -1, future: 40_000 }[deadline];
}

function isToken(key: string, value: unknown): value is string {
  return /token/i.test(key) && typeof value === 'string' && value !== '0';
}

async function failureOf<T>(asked: Promise<T>): Promise<T | string> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof LedgerError) return error.failure;
    throw error;
  }
}

function noLoss(): never {
  throw new Error('the fixture loses no answers');
}
