/**
 * The ledger of the simulator: the exact semantics of the commit function, in memory and at once. Latency,
 * lost answers and the rest of a network are the business of `SimLedger`.
 */
import type { Token } from '../core/answer.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { type FinalState, isFinal, isHolding, isLegal, type State } from '../core/states.ts';
import type {
  Begin,
  BeginAnswer,
  Change,
  ChangeAnswer,
  Commit,
  CommitAnswer,
  DeadLetter,
  EntryAnswer,
  LedgerIdentity,
  PartitionHead,
  PartitionState,
  RaisedPartition,
  Row,
  StoredResult,
  TakeOver,
} from '../engine/ports-ledger.ts';

/** Attempts in a row that may end by a take-over before the transaction is held. */
const TAKEOVERS_MAX = 3;

export type SimRow = { -readonly [K in keyof Row]: Row[K] } & {
  topic: string;
  detail: string | null;
  worker: string;
};

export interface SimTransition {
  readonly id: string;
  readonly atMs: number;
  readonly event: string;
  readonly from: State | 'none';
  readonly to: State;
  readonly token: Token | null;
  readonly worker: string;
  readonly epoch: number;
}

interface SimPartition {
  topicId: string;
  group: string;
  epoch: number;
  worker: string;
  watermark: number | null;
  published: number;
  lastNumber: number;
  rolledBack: number;
  duplicates: number;
}

export class SimLedgerStore {
  readonly rows = new Map<string, SimRow>();
  readonly transitions: SimTransition[] = [];
  readonly deadLetters = new Map<string, DeadLetter>();
  readonly partitions = new Map<string, SimPartition>();
  /** Settings of locations, as an operator would make them. */
  readonly locations = new Map<string, { concurrency: number | null; paused: boolean }>();
  readonly #holders = new Map<string, Map<number, string>>();
  readonly #clock: () => number;
  #token = 0n;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  commit(identity: LedgerIdentity, commit: Commit): CommitAnswer {
    const atMs = this.#clock();
    const heads = new Map<number, PartitionHead>();
    const fenced: number[] = [];
    for (const head of commit.heads) {
      const known = this.partitions.get(placeOf(identity.topic, head.partition));
      if (known?.epoch === head.epoch) heads.set(head.partition, head);
      else fenced.push(head.partition);
    }
    const numbers = new Map([...heads].map(([partition, head]) => [partition, head.lastNumber]));
    const answers = new Array<EntryAnswer>(commit.entries.length);
    const each = (kind: string, apply: (index: number) => EntryAnswer) => {
      for (const [index, entry] of commit.entries.entries()) {
        if (entry.kind !== kind) continue;
        answers[index] = heads.has(entry.partition) ? apply(index) : { status: 'fenced' };
      }
    };
    const context = { identity, atMs, heads, numbers };
    each('dead-letter', (index) => this.#deadLetter(context, commit.entries[index] as DeadLetter));
    each('change', (index) => this.#change(context, commit.entries[index] as Change));
    each('begin', (index) => this.#begin(context, commit.entries[index] as Begin));
    for (const head of heads.values()) this.#head(context, head);
    return { atMs, fenced, answers };
  }

  takeOver(identity: LedgerIdentity, partition: number): TakeOver {
    const place = placeOf(identity.topic, partition);
    const known = this.partitions.get(place) ?? newPartition(identity);
    if (known.topicId !== identity.topicId) return { outcome: 'refused', code: 'SB-2006', detail: place };
    if (known.group !== identity.group) return { outcome: 'refused', code: 'SB-2005', detail: place };
    this.partitions.set(place, known);
    known.epoch += 1;
    known.worker = identity.worker;
    const holders: Row[] = [];
    for (const row of this.rows.values()) {
      if (row.topic !== identity.topic || row.partition !== partition || !isHolding(row.state)) continue;
      if (row.state === 'executing') this.#takenOver(identity, row, known.epoch);
      holders.push({ ...row });
    }
    return { outcome: 'owned', ...stateOf(known), holders };
  }

  raise(identity: LedgerIdentity, owned: readonly { partition: number; epoch: number }[]): RaisedPartition[] {
    return owned.flatMap(({ partition, epoch }) => {
      const known = this.partitions.get(placeOf(identity.topic, partition));
      if (known === undefined || known.epoch !== epoch) return [];
      known.epoch += 1;
      return [{ partition, ...stateOf(known) }];
    });
  }

  read(ids: readonly string[]): Row[] {
    return ids.flatMap((id) => {
      const row = this.rows.get(id);
      return row === undefined ? [] : [{ ...row }];
    });
  }

  results(identity: LedgerIdentity, partition: number, after: number, limit: number): StoredResult[] {
    return [...this.rows.values()]
      .filter(
        (row) => row.topic === identity.topic && row.partition === partition && (row.number ?? 0) > after,
      )
      .sort((a, b) => (a.number ?? 0) - (b.number ?? 0))
      .slice(0, limit)
      .map((row) => ({
        number: row.number ?? 0,
        id: row.id,
        location: row.location,
        type: row.type,
        state: row.state as FinalState,
        reason: row.reason,
        evidence: row.evidence,
        finishedAtMs: row.finishedAtMs ?? 0,
        traceparent: row.traceparent,
      }));
  }

  // ---------------------------------------------------------------------------------------- entries

  #deadLetter({ identity }: Context, letter: DeadLetter): EntryAnswer {
    const place = `${identity.topicId}/${letter.partition}/${letter.offset}`;
    if (!this.deadLetters.has(place)) this.deadLetters.set(place, letter);
    return { status: 'done' };
  }

  #change(context: Context, change: Change): ChangeAnswer {
    const row = this.rows.get(change.id);
    if (row === undefined) return { status: 'changed', state: null, token: null };
    const here = row.topic === context.identity.topic && row.partition === change.partition;
    if (!here || row.state !== change.fromState || row.token !== change.fromToken) {
      return { status: 'changed', state: row.state, token: row.token };
    }
    const late = change.lateTo !== null && context.atMs > row.deadlineMs;
    const to = late && change.lateTo !== null ? change.lateTo : change.to;
    if (!isLegal(row.state, change.event, to)) throw new Error(`illegal: ${row.state} ${change.event} ${to}`);
    const from = row.state;
    if (change.newToken) row.token = this.#nextToken(change.aboveMark);
    row.state = to;
    const step = late ? change.lateStep : change.step;
    if (step !== row.step) row.takeovers = 0;
    row.step = step;
    row.evidence = change.evidence ?? row.evidence;
    row.reason = to === 'completed' ? null : (change.reason ?? row.reason);
    row.code = change.code;
    row.detail = change.detail;
    if (change.call !== null) row.attempts += 1;
    if (to === 'executing') row.notAfterMs = Math.min(context.atMs + change.timeoutMs, row.deadlineMs);
    this.#note(context, row, change.event, from);
    if (isFinal(to)) this.#finish(context, row);
    return {
      status: 'done',
      state: row.state,
      step: row.step,
      token: row.token,
      notAfterMs: row.notAfterMs,
      number: row.number,
    };
  }

  #begin(context: Context, begin: Begin): BeginAnswer {
    const known = this.rows.get(begin.id);
    if (known !== undefined) {
      const { topic, partition, offset, location, state, payload } = known;
      return { status: 'exists', row: { topic, partition, offset, location, state, payload } };
    }
    if (begin.expiresAtMs !== null && begin.expiresAtMs < context.atMs) {
      const row = this.#insert(context, begin, 'rolled_back');
      row.reason = 'expired';
      this.#finish(context, row);
      return { status: 'expired', number: row.number ?? 0 };
    }
    const setting = this.locations.get(begin.location);
    if (setting?.paused === true) return { status: 'paused' };
    const concurrency = setting?.concurrency ?? begin.concurrency;
    const holders = this.#holders.get(begin.location);
    const above = [...(holders?.keys() ?? [])].some((slot) => slot > concurrency);
    const held = holders?.has(begin.slot) === true;
    if (begin.slot > concurrency || above || held) return { status: 'busy' };
    const row = this.#insert(context, begin, 'executing');
    this.#hold(row);
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs };
  }

  #insert({ identity, atMs, heads }: Context, begin: Begin, state: State): SimRow {
    const deadlineMs = Math.min(atMs + begin.deadlineMs, begin.expiresAtMs ?? Number.MAX_SAFE_INTEGER);
    const row: SimRow = {
      id: begin.id,
      topic: identity.topic,
      partition: begin.partition,
      offset: begin.offset,
      location: begin.location,
      slot: begin.slot,
      state,
      step: 0,
      token: this.#nextToken(null),
      type: begin.type,
      plan: begin.plan,
      payload: begin.payload,
      evidence: null,
      reason: null,
      code: null,
      detail: null,
      attempts: 0,
      takeovers: 0,
      notAfterMs: Math.min(atMs + begin.timeoutMs, deadlineMs),
      deadlineMs,
      beganAtMs: atMs,
      finishedAtMs: null,
      number: null,
      traceparent: begin.traceparent,
      worker: identity.worker,
    };
    this.rows.set(begin.id, row);
    const epoch = heads.get(begin.partition)?.epoch ?? 0;
    const event = state === 'executing' ? 'begin' : 'expire';
    this.transitions.push({
      id: row.id,
      atMs,
      event,
      from: 'none',
      to: state,
      token: row.token,
      worker: identity.worker,
      epoch,
    });
    return row;
  }

  #finish({ identity, atMs, numbers }: Context, row: SimRow): void {
    const number = (numbers.get(row.partition) ?? 0) + 1;
    numbers.set(row.partition, number);
    row.number = number;
    row.finishedAtMs = atMs;
    if (this.#holders.get(row.location)?.get(row.slot) === row.id)
      this.#holders.get(row.location)?.delete(row.slot);
    const partition = this.partitions.get(placeOf(identity.topic, row.partition));
    if (partition === undefined) return;
    partition.lastNumber = number;
    if (row.state === 'rolled_back') partition.rolledBack += 1;
  }

  #head({ identity }: Context, head: PartitionHead): void {
    const known = this.partitions.get(placeOf(identity.topic, head.partition));
    if (known === undefined) return;
    if (head.watermark !== null) known.watermark = Math.max(known.watermark ?? 0, head.watermark);
    if (head.published !== null) known.published = Math.max(known.published, head.published);
    known.duplicates += head.duplicates;
  }

  #takenOver(identity: LedgerIdentity, row: SimRow, epoch: number): void {
    row.takeovers += 1;
    row.state = row.takeovers >= TAKEOVERS_MAX ? 'held' : 'in_doubt';
    row.code = (row.state === 'held' ? 'SB-4201' : 'SB-4106') satisfies ErrorCode;
    row.token = this.#nextToken(null);
    const { id, token, state: to } = row;
    const atMs = this.#clock();
    this.transitions.push({
      id,
      atMs,
      event: to === 'held' ? 'give_up' : 'takeover',
      from: 'executing',
      to,
      token,
      worker: identity.worker,
      epoch,
    });
  }

  #note({ identity, atMs, heads }: Context, row: SimRow, event: string, from: State): void {
    const epoch = heads.get(row.partition)?.epoch ?? 0;
    const { id, token, state: to } = row;
    this.transitions.push({ id, atMs, event, from, to, token, worker: identity.worker, epoch });
  }

  #hold(row: SimRow): void {
    const holders = this.#holders.get(row.location) ?? new Map<number, string>();
    holders.set(row.slot, row.id);
    this.#holders.set(row.location, holders);
  }

  #nextToken(aboveMark: Token | null): Token {
    if (aboveMark !== null && BigInt(aboveMark) > this.#token) this.#token = BigInt(aboveMark);
    this.#token += 1n;
    return String(this.#token);
  }
}

interface Context {
  readonly identity: LedgerIdentity;
  readonly atMs: number;
  readonly heads: ReadonlyMap<number, PartitionHead>;
  /** Last number given, by partition. */
  readonly numbers: Map<number, number>;
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function stateOf({ epoch, watermark, published, lastNumber }: SimPartition): PartitionState {
  return { epoch, watermark, published, lastNumber };
}

function newPartition({ topicId, group, worker }: LedgerIdentity): SimPartition {
  return {
    topicId,
    group,
    epoch: 0,
    worker,
    watermark: null,
    published: 0,
    lastNumber: 0,
    rolledBack: 0,
    duplicates: 0,
  };
}
