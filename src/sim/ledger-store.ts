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
  Command,
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
import { parkedOf, prunableOf, resultsOf, rowOf } from './ledger-reads.ts';
import { busyBeyondRoom, refuseOtherNumber, refuseUnstorable } from './ledger-rejects.ts';
import {
  attempt,
  type Context,
  fits,
  foundText,
  newPartition,
  placeOf,
  type SimCommand,
  type SimPartition,
  type SimRow,
  type SimTransition,
  stateOf,
  tokenOf,
  unbegunRow,
} from './ledger-rows.ts';
import { type LocationSetting, Slots } from './ledger-slots.ts';

/** Attempts in a row that may end by a take-over before the transaction is held. */
const TAKEOVERS_MAX = 3;
/** Commands of one answer. */
const COMMANDS_MAX = 100;
/** `limits` looks back this much further than it is asked. */
const LIMITS_OVERLAP_MS = 60_000;

export class SimLedgerStore {
  readonly rows = new Map<string, SimRow>();
  readonly transitions: SimTransition[] = [];
  readonly deadLetters = new Map<string, DeadLetter>();
  readonly partitions = new Map<string, SimPartition>();
  /** Settings of locations, as an operator would make them. */
  readonly locations = new Map<string, LocationSetting>();
  readonly commands = new Map<number, SimCommand>();
  readonly #topicPartitions = new Map<string, number>();
  readonly #slots = new Slots();
  readonly #clock: () => number;
  #token = 0n;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  commit(identity: LedgerIdentity, commit: Commit): CommitAnswer {
    const atMs = this.#clock();
    refuseUnstorable(commit.entries, this.rows);
    const heads = new Map<number, PartitionHead>();
    const fenced: number[] = [];
    for (const head of commit.heads) {
      const known = this.partitions.get(placeOf(identity.topic, head.partition));
      if (known === undefined || !fits(head, known)) fenced.push(head.partition);
      else {
        refuseOtherNumber(head, known);
        heads.set(head.partition, head);
      }
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
    busyBeyondRoom(commit.entries, answers);
    return { atMs, fenced: fenced.sort((a, b) => a - b), answers };
  }

  /** As an operator sets it, for a location or a pattern. */
  setLocation(
    location: string,
    setting: { readonly concurrency: number | null; readonly paused: boolean },
  ): void {
    this.locations.set(location, { ...setting, changedAtMs: this.#clock() });
  }

  /** Rows were replaced from outside: holders are what they say. */
  rehold(): void {
    this.#slots.clear();
    for (const row of this.rows.values()) if (isHolding(row.state)) this.#slots.hold(row);
  }

  takeOver(identity: LedgerIdentity, partition: number): TakeOver {
    const place = placeOf(identity.topic, partition);
    const known = this.partitions.get(place) ?? newPartition(identity);
    if (known.group !== identity.group) return { outcome: 'refused', code: 'SB-2005', detail: place };
    if (known.topicId !== identity.topicId) return { outcome: 'refused', code: 'SB-2006', detail: place };
    this.partitions.set(place, known);
    known.epoch += 1;
    known.worker = identity.worker;
    const holders: SimRow[] = [];
    const waiting = new Map<string, number>();
    for (const row of this.rows.values()) {
      if (row.topic !== identity.topic || row.partition !== partition) continue;
      if (row.state === 'received') waiting.set(row.location, (waiting.get(row.location) ?? 0) + 1);
      if (!isHolding(row.state)) continue;
      if (row.state === 'executing') this.#takenOver(identity, row, known.epoch);
      holders.push({ ...row });
    }
    holders.sort((a, b) => a.offset - b.offset);
    const parked = [...waiting].map(([location, count]) => ({ location, count }));
    parked.sort((a, b) => (a.location < b.location ? -1 : 1));
    return { outcome: 'owned', ...stateOf(known), holders: holders.map(rowOf), parked };
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
    return [...new Set(ids)].flatMap((id) => {
      const row = this.rows.get(id);
      return row === undefined ? [] : [rowOf(row)];
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

  limits(sinceMs: number | null): { atMs: number; limits: LocationLimit[] } {
    const limits = [...this.locations]
      .filter(([, { changedAtMs }]) => sinceMs === null || changedAtMs >= sinceMs - LIMITS_OVERLAP_MS)
      .map(([location, { concurrency, paused }]) => ({ location, concurrency, paused }))
      .sort((a, b) => (a.location < b.location ? -1 : 1));
    return { atMs: this.#clock(), limits };
  }

  commits({ topic }: LedgerIdentity, partitions: readonly number[]): Map<number, number> {
    const known = partitions.map((partition) => this.partitions.get(placeOf(topic, partition)));
    return new Map(
      partitions.flatMap((partition, index) => {
        const commits = known[index]?.commits;
        return commits === undefined ? [] : [[partition, commits]];
      }),
    );
  }

  openCommands({ topic }: LedgerIdentity, partitions: readonly number[]): Command[] {
    return [...this.commands.values()]
      .filter((known) => known.outcome === null && known.topic === topic)
      .filter(({ command }) => partitions.includes(command.partition))
      .map(({ command }) => command)
      .sort((a, b) => a.sequence - b.sequence)
      .slice(0, COMMANDS_MAX);
  }

  prune(identity: LedgerIdentity, partition: number, older: { thanMs: number; limit: number }): number {
    const published = this.partitions.get(placeOf(identity.topic, partition))?.published ?? 0;
    const beforeMs = this.#clock() - older.thanMs;
    const old = prunableOf(this.#rowsOf(identity, partition), { published, beforeMs, limit: older.limit });
    const gone = new Set(old.map(({ id }) => id));
    for (const id of gone) this.rows.delete(id);
    const kept = this.transitions.filter(({ id }) => !gone.has(id));
    if (gone.size > 0) this.transitions.splice(0, Number.POSITIVE_INFINITY, ...kept);
    return old.length;
  }

  notePartitions({ topic }: LedgerIdentity, count: number): number | null {
    const before = this.#topicPartitions.get(topic);
    this.#topicPartitions.set(topic, count);
    return before ?? null;
  }

  #deadLetter({ identity }: Context, letter: DeadLetter): EntryAnswer {
    const place = `${identity.topicId}/${letter.partition}/${letter.offset}`;
    if (this.deadLetters.has(place)) return { status: 'done' };
    this.deadLetters.set(place, letter);
    const partition = this.partitions.get(placeOf(identity.topic, letter.partition));
    if (partition !== undefined) partition.deadLetters += 1;
    return { status: 'done' };
  }

  #change(context: Context, change: Change): ChangeAnswer {
    const answer = this.#changeRow(context, change);
    const command = this.commands.get(change.command ?? -1);
    if (command?.outcome === null) {
      command.outcome = answer.status === 'done' ? 'applied' : 'refused';
      command.found = answer.status === 'changed' ? foundText(answer) : null;
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
    if (row.state === 'received') row.beganAtMs = context.atMs;
    const late = change.lateTo !== null && context.atMs > row.deadlineMs;
    const to = late && change.lateTo !== null ? change.lateTo : change.to;
    if (!isLegal(row.state, change.event, to)) throw new Error(`illegal: ${row.state} ${change.event} ${to}`);
    const from = row.state;
    if (change.newToken) row.token = this.#nextToken(change.aboveMark);
    row.state = to;
    const step = late ? change.lateStep : change.step;
    const sameStep = step === row.step;
    if (to === 'executing') row.attempts = sameStep ? row.attempts + 1 : 1;
    // An attempt that ended by an answer, and another step, start the count anew; so does a person.
    if (!sameStep || (from !== 'in_doubt' && from !== 'reversing')) row.takeovers = 0;
    row.step = step;
    row.evidence = change.evidence ?? row.evidence;
    row.reason = to === 'completed' ? null : (change.reason ?? row.reason);
    row.code = change.code;
    row.detail = change.detail;
    if (to === 'executing') row.notAfterMs = Math.min(context.atMs + change.timeoutMs, row.deadlineMs);
    this.#note(context, row, change.event, from);
    if (isFinal(to)) this.#finish(context, row);
    return {
      status: 'done',
      state: row.state,
      step: row.step,
      token: row.token,
      notAfterMs: isFinal(to) ? 0 : row.notAfterMs,
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
      this.#note(context, row, 'expire', 'none');
      this.#finish(context, row);
      return { status: 'expired', number: row.number ?? 0 };
    }
    const refused = this.#slots.noRoom(begin, this.locations.get(begin.location));
    if (refused !== null) return refused;
    const row = this.#insert(context, begin, 'executing');
    return this.#start(context, row, begin, 'none');
  }

  #park(context: Context, park: Park): ParkAnswer {
    const known = this.rows.get(park.id);
    if (known !== undefined) {
      const { topic, partition, offset, location, state, payload } = known;
      return { status: 'exists', row: { topic, partition, offset, location, state, payload } };
    }
    const row = this.#insert(context, park, 'received');
    this.#note(context, row, 'park', 'none');
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
      row.beganAtMs = atMs;
      row.worker = identity.worker;
      this.#note(context, row, 'expire', 'received');
      this.#finish(context, row);
      return { status: 'expired', number: row.number ?? 0 };
    }
    const { location } = row;
    const refused = this.#slots.noRoom({ ...begin, location }, this.locations.get(location));
    return refused ?? this.#start(context, row, begin, 'received');
  }

  #start(context: Context, row: SimRow, begin: Begin | BeginParked, from: 'none' | 'received') {
    const { identity, atMs } = context;
    attempt(row, begin, { identity, atMs, token: this.#nextToken(null) });
    this.#note(context, row, 'begin', from);
    this.#slots.hold(row);
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs } as const;
  }

  #insert({ identity, atMs }: Context, record: Begin | Park, state: State): SimRow {
    const row = unbegunRow(record, { identity, atMs, state });
    this.rows.set(row.id, row);
    return row;
  }

  #finish({ identity, atMs, numbers }: Context, row: SimRow): void {
    const number = (numbers.get(row.partition) ?? 0) + 1;
    numbers.set(row.partition, number);
    row.number = number;
    row.finishedAtMs = atMs;
    this.#slots.free(row);
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
    row.detail = null;
    row.worker = identity.worker;
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

  #note({ identity, atMs, heads }: Context, row: SimRow, event: string, from: State | 'none'): void {
    const epoch = heads.get(row.partition)?.epoch ?? 0;
    const { id, state: to } = row;
    this.transitions.push({ id, atMs, event, from, to, token: tokenOf(row), worker: identity.worker, epoch });
  }

  #nextToken(aboveMark: Token | null): Token {
    if (aboveMark !== null && BigInt(aboveMark) > this.#token) this.#token = BigInt(aboveMark);
    this.#token += 1n;
    return String(this.#token);
  }
}
