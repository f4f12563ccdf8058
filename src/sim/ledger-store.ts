/**
 * The ledger of the simulator: the exact semantics of the commit function, in memory and at once. Latency,
 * lost answers and the rest of a network are the business of `SimLedger`.
 */
import type { Token } from '../core/answer.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { isFinal, isHolding, isLegal, type State } from '../core/states.ts';
import type {
  Begin,
  BeginAnswer,
  BeginParked,
  BeginParkedAnswer,
  Change,
  ChangeAnswer,
  Commit,
  CommitAnswer,
  DeadLetter,
  EntryAnswer,
  Ledger,
  LedgerIdentity,
  LocationLimit,
  Park,
  ParkAnswer,
  ParkedRow,
  PartitionHead,
  RaisedPartition,
  Row,
  StoredResult,
  TakeOver,
} from '../engine/ports-ledger.ts';
import { parkedOf, prunableOf, resultsOf } from './ledger-reads.ts';
import {
  type Context,
  fits,
  NO_TOKEN,
  newPartition,
  newRow,
  placeOf,
  type SimCommand,
  type SimPartition,
  type SimRow,
  type SimTransition,
  stateOf,
  tokenOf,
} from './ledger-rows.ts';

/** Attempts in a row that may end by a take-over before the transaction is held. */
const TAKEOVERS_MAX = 3;

export class SimLedgerStore {
  readonly rows = new Map<string, SimRow>();
  readonly transitions: SimTransition[] = [];
  readonly deadLetters = new Map<string, DeadLetter>();
  readonly partitions = new Map<string, SimPartition>();
  /** Settings of locations, as an operator would make them. */
  readonly locations = new Map<string, { concurrency: number | null; paused: boolean }>();
  readonly commands = new Map<number, SimCommand>();
  readonly #topicPartitions = new Map<string, number>();
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
      if (known !== undefined && fits(head, known)) heads.set(head.partition, head);
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
    each('park', (index) => this.#park(context, commit.entries[index] as Park));
    each('begin', (index) => this.#begin(context, commit.entries[index] as Begin));
    each('begin-parked', (index) => this.#beginParked(context, commit.entries[index] as BeginParked));
    for (const head of heads.values()) this.#head(context, head);
    return { atMs, fenced, answers };
  }

  /** Rows were replaced from outside: holders are what they say. */
  rehold(): void {
    this.#holders.clear();
    for (const row of this.rows.values()) if (isHolding(row.state)) this.#hold(row);
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
    const waiting = new Map<string, number>();
    for (const row of this.rows.values()) {
      if (row.topic !== identity.topic || row.partition !== partition) continue;
      if (row.state === 'received') waiting.set(row.location, (waiting.get(row.location) ?? 0) + 1);
      if (!isHolding(row.state)) continue;
      if (row.state === 'executing') this.#takenOver(identity, row, known.epoch);
      holders.push({ ...row });
    }
    const parked = [...waiting].map(([location, count]) => ({ location, count }));
    return { outcome: 'owned', ...stateOf(known), holders, parked };
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
    return resultsOf(this.#rowsOf(identity, partition), after, limit);
  }

  parked(identity: LedgerIdentity, lane: Parameters<Ledger['parked']>[0]): ParkedRow[] {
    return parkedOf(this.#rowsOf(identity, lane.partition), lane);
  }

  #rowsOf({ topic }: LedgerIdentity, partition: number): SimRow[] {
    return [...this.rows.values()].filter((row) => row.topic === topic && row.partition === partition);
  }

  limits(): { atMs: number; limits: LocationLimit[] } {
    const limits = [...this.locations].map(([location, limit]) => ({ location, ...limit }));
    return { atMs: this.#clock(), limits };
  }

  prune(identity: LedgerIdentity, partition: number, older: { thanMs: number; limit: number }): number {
    const published = this.partitions.get(placeOf(identity.topic, partition))?.published ?? 0;
    const beforeMs = this.#clock() - older.thanMs;
    const old = prunableOf(this.#rowsOf(identity, partition), { published, beforeMs, limit: older.limit });
    for (const { id } of old) this.rows.delete(id);
    return old.length;
  }

  notePartitions({ topic }: LedgerIdentity, count: number): number | null {
    const before = this.#topicPartitions.get(topic);
    this.#topicPartitions.set(topic, count);
    return before ?? null;
  }

  #deadLetter({ identity }: Context, letter: DeadLetter): EntryAnswer {
    const place = `${identity.topicId}/${letter.partition}/${letter.offset}`;
    if (!this.deadLetters.has(place)) this.deadLetters.set(place, letter);
    return { status: 'done' };
  }

  #change(context: Context, change: Change): ChangeAnswer {
    const answer = this.#changeRow(context, change);
    const command = this.commands.get(change.command ?? -1);
    if (command?.outcome === null) {
      command.outcome = answer.status === 'done' ? 'applied' : 'refused';
      command.found = answer.status === 'changed' ? `${answer.state} ${answer.token}` : null;
    }
    return answer;
  }

  #changeRow(context: Context, change: Change): ChangeAnswer {
    const row = this.rows.get(change.id);
    if (row === undefined) return { status: 'changed', state: null, token: null };
    const here = row.topic === context.identity.topic && row.partition === change.partition;
    const token = tokenOf(row);
    if (!here || row.state !== change.fromState || token !== change.fromToken) {
      return { status: 'changed', state: row.state, token };
    }
    if (change.deadlineMs !== null) row.deadlineMs = context.atMs + change.deadlineMs;
    row.byPerson = change.byPerson ?? row.byPerson;
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
    const refused = this.#noRoom(begin);
    if (refused !== null) return refused;
    const row = this.#insert(context, begin, 'executing');
    this.#hold(row);
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs };
  }

  #park(context: Context, park: Park): ParkAnswer {
    const known = this.rows.get(park.id);
    if (known !== undefined) {
      const { topic, partition, offset, location, state, payload } = known;
      return { status: 'exists', row: { topic, partition, offset, location, state, payload } };
    }
    this.#insert(
      context,
      { ...park, kind: 'begin', slot: 0, timeoutMs: 0, deadlineMs: 0, concurrency: 0 },
      'received',
    );
    return { status: 'done' };
  }

  #beginParked(context: Context, begin: BeginParked): BeginParkedAnswer {
    const { identity, atMs } = context;
    const row = this.rows.get(begin.id);
    const here = row?.topic === identity.topic && row.partition === begin.partition;
    if (row === undefined || !here || row.state !== 'received') {
      return { status: 'changed', state: row?.state ?? null, token: row === undefined ? null : tokenOf(row) };
    }
    if (row.expiresAtMs !== null && row.expiresAtMs < atMs) {
      row.state = 'rolled_back';
      row.reason = 'expired';
      this.#note(context, row, 'expire', 'received');
      this.#finish(context, row);
      return { status: 'expired', number: row.number ?? 0 };
    }
    const refused = this.#noRoom(begin);
    if (refused !== null) return refused;
    const deadlineMs = Math.min(atMs + begin.deadlineMs, row.expiresAtMs ?? Number.MAX_SAFE_INTEGER);
    const notAfterMs = Math.min(atMs + begin.timeoutMs, deadlineMs);
    const { slot, plan } = begin;
    const { worker } = identity;
    const token = this.#nextToken(null);
    Object.assign(row, {
      slot,
      plan,
      token,
      worker,
      deadlineMs,
      notAfterMs,
      beganAtMs: atMs,
      state: 'executing',
    });
    this.#note(context, row, 'begin', 'received');
    this.#hold(row);
    return { status: 'done', token: row.token, notAfterMs };
  }

  /** Why nothing may begin in this slot now; null when it may. */
  #noRoom({ location, slot, concurrency: otherwise }: Pick<Begin, 'location' | 'slot' | 'concurrency'>): {
    readonly status: 'paused' | 'busy';
  } | null {
    const setting = this.locations.get(location);
    if (setting?.paused === true) return { status: 'paused' };
    const concurrency = setting?.concurrency ?? otherwise;
    const holders = this.#holders.get(location);
    const above = [...(holders?.keys() ?? [])].some((held) => held > concurrency);
    return slot > concurrency || above || holders?.has(slot) === true ? { status: 'busy' } : null;
  }

  #insert({ identity, atMs, heads }: Context, begin: Begin, state: State): SimRow {
    const token = state === 'received' ? NO_TOKEN : this.#nextToken(null);
    const row = newRow(begin, { identity, atMs, state, token });
    this.rows.set(begin.id, row);
    const epoch = heads.get(begin.partition)?.epoch ?? 0;
    const event = state === 'executing' ? 'begin' : state === 'received' ? 'park' : 'expire';
    this.transitions.push({
      id: row.id,
      atMs,
      event,
      from: 'none',
      to: state,
      token: tokenOf(row),
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
    known.commits += 1;
  }

  #takenOver(identity: LedgerIdentity, row: SimRow, epoch: number): void {
    row.takeovers += 1;
    row.state = row.takeovers >= TAKEOVERS_MAX ? 'held' : 'in_doubt';
    row.code = (row.state === 'held' ? 'SB-4201' : 'SB-4106') satisfies ErrorCode;
    row.token = this.#nextToken(null);
    const { id, token, state: to } = row;
    this.transitions.push({
      id,
      atMs: this.#clock(),
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
    const { id, state: to } = row;
    this.transitions.push({ id, atMs, event, from, to, token: tokenOf(row), worker: identity.worker, epoch });
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
