/**
 * A commit as the parameters of signalbox.commit (migrations/0004_commit.sql): columns, each one array.
 *
 * CE1 A change is plain when an executed step was done or refused and the transaction goes on or ends; runs of
 *     plain changes go to the server as one statement, the others one by one. Which is which never alters the
 *     outcome.
 * CE2 `rank` counts the plain finishes of a partition up to and including a change: with the numbers of the
 *     slow ones it makes the result number, in entry order.
 * CE3 What few commits have (parks, begins of parked rows, slow changes) is null where there is none.
 */
import { assert } from '../../core/errors/catalogue.ts';
import { isFinal } from '../../core/states.ts';
import type {
  Begin,
  BeginParked,
  Change,
  Commit,
  DeadLetter,
  Entry,
  LedgerIdentity,
  Park,
  PartitionHead,
} from '../../engine/ports-ledger.ts';
import {
  asciiArray,
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  textArray,
  timeArray,
  tokenArray,
} from './binary-array.ts';
import { headersText } from './headers-text.ts';

/** A run is two statements however long it is; a change alone is two or three. */
const PLAIN_RUN_MIN = 2;

export interface EncodedCommit {
  readonly values: (Buffer | string | null)[];
  readonly heads: readonly PartitionHead[];
  readonly changes: readonly Change[];
  /** Which of `changes` are plain: the server does not answer them one by one. */
  readonly plain: readonly boolean[];
  readonly begins: readonly Begin[];
  readonly parks: readonly Park[];
  readonly parkedBegins: readonly BeginParked[];
  readonly beginsTogether: boolean;
}

export interface EncodingOptions {
  readonly identity: LedgerIdentity;
  /** False: every change goes one by one, because a plain one did not match its row. */
  readonly plainRuns: boolean;
  /** False: the begins are prepared for conflicts, because not all of them find id and slot free. */
  readonly beginsTogether: boolean;
}

export function encodeCommit(commit: Commit, options: EncodingOptions): EncodedCommit {
  const { identity, plainRuns, beginsTogether } = options;
  const heads = commit.heads.toSorted((a, b) => a.partition - b.partition); // the order of the locks
  const headOf = new Map(heads.map((head, index) => [head.partition, index + 1]));
  assert(headOf.size === heads.length, 'a partition has two heads in one commit');
  for (const { partition } of commit.entries) {
    assert(headOf.has(partition), `partition ${partition} has entries but no head`);
  }
  const { deadLetters, changes, begins, parks, parkedBegins } = byKind(commit.entries);
  const headIndexes = (entries: readonly Entry[]) =>
    int4Array(entries.map((entry) => headOf.get(entry.partition) ?? 0));
  const { plain, ends } = plainRuns ? runsOf(changes) : runsOf(changes, Number.POSITIVE_INFINITY);
  const counted = countPlain(heads, changes, plain);
  const { indexes, plans } = plansOf(
    parks.length + parkedBegins.length === 0
      ? begins
      : [...begins, ...parks.map(planOfPark), ...parkedBegins.map(planOfParkedBegin)],
  );
  const parkPlans = begins.length + parks.length;
  const values = [
    identity.topic,
    identity.topicId,
    identity.worker,
    ...headColumns(heads, counted),
    highestMark(changes),
    headIndexes(deadLetters),
    ...deadLetterColumns(deadLetters),
    headIndexes(changes),
    ...changeColumns(changes, { plain, ranks: counted.ranks, ends }),
    ...slowColumns(changes.filter((_, index) => plain[index] !== true)),
    ...parkColumns(parks, headIndexes(parks), int4Array(indexes.slice(begins.length, parkPlans))),
    headIndexes(begins),
    ...beginColumns(begins),
    int4Array(indexes.slice(0, begins.length)),
    ...parkedBeginColumns(parkedBegins, headIndexes(parkedBegins), int4Array(indexes.slice(parkPlans))),
    beginsTogether ? 'true' : 'false',
    firstExpiry(begins),
    ...planColumns(plans),
  ];
  return { values, heads, changes, plain, begins, parks, parkedBegins, beginsTogether };
}

function byKind(entries: readonly Entry[]) {
  const deadLetters: DeadLetter[] = [];
  const changes: Change[] = [];
  const begins: Begin[] = [];
  const parks: Park[] = [];
  const parkedBegins: BeginParked[] = [];
  for (const entry of entries) {
    switch (entry.kind) {
      case 'begin':
        begins.push(entry);
        break;
      case 'change':
        changes.push(entry);
        break;
      case 'park':
        parks.push(entry);
        break;
      case 'begin-parked':
        parkedBegins.push(entry);
        break;
      case 'dead-letter':
        deadLetters.push(entry);
    }
  }
  return { deadLetters, changes, begins, parks, parkedBegins };
}

function isPlain(change: Change): boolean {
  return (
    change.fromState === 'executing' &&
    isPlainOutcome(change) &&
    change.call === 'execute' &&
    change.lateTo === null &&
    change.aboveMark === null &&
    change.code === null &&
    change.detail === null &&
    change.nextAttemptMs === null &&
    change.deadlineMs === null &&
    change.byPerson === null &&
    change.command === null
  );
}

function isPlainOutcome({ event, to, newToken }: Change): boolean {
  if (event === 'done') return to === 'executing' ? newToken : to === 'completed' && !newToken;
  return event === 'refused' && to === 'rolled_back' && !newToken;
}

/** Which changes are plain, and the ends (from 1) of the runs of one kind, in order. */
function runsOf(changes: readonly Change[], runMin = PLAIN_RUN_MIN): { plain: boolean[]; ends: number[] } {
  const candidates = changes.map(isPlain);
  const plain = changes.map(() => false);
  const ends: number[] = [];
  let start = 0;
  while (start < changes.length) {
    let stop = start;
    while (candidates[stop] === true) stop += 1;
    if (stop - start >= runMin) {
      if (start > 0) ends.push(start);
      ends.push(stop);
      plain.fill(true, start, stop);
      start = stop;
    } else {
      start = stop + 1; // the change at `stop` is slow, or there is none
    }
  }
  if (changes.length > 0 && ends.at(-1) !== changes.length) ends.push(changes.length);
  return { plain, ends };
}

interface Counted {
  readonly ranks: readonly number[];
  /** Per head. */
  readonly finished: readonly number[];
  readonly refused: readonly number[];
}

function countPlain(
  heads: readonly PartitionHead[],
  changes: readonly Change[],
  plain: readonly boolean[],
): Counted {
  const finished = new Map<number, number>();
  const refused = new Map<number, number>();
  const ranks = changes.map((change, index) => {
    const before = finished.get(change.partition) ?? 0;
    if (plain[index] !== true || !isFinal(change.to)) return before;
    finished.set(change.partition, before + 1);
    if (change.to === 'rolled_back') refused.set(change.partition, (refused.get(change.partition) ?? 0) + 1);
    return before + 1;
  });
  const perHead = (counts: Map<number, number>) => heads.map((head) => counts.get(head.partition) ?? 0);
  return { ranks, finished: perHead(finished), refused: perHead(refused) };
}

function headColumns(heads: readonly PartitionHead[], { finished, refused }: Counted) {
  return [
    int4Array(heads.map((head) => head.partition)),
    int8Array(heads.map((head) => head.epoch)),
    int8Array(heads.map((head) => head.watermark)),
    int8Array(heads.map((head) => head.published)),
    int8Array(heads.map((head) => head.duplicates)),
    int8Array(heads.map((head) => head.lastNumber)),
    int8Array(heads.map((head) => head.commits)),
    int8Array(finished),
    int8Array(refused),
  ];
}

/** The sequence is raised once, above the highest mark, before any token is drawn. */
function highestMark(changes: readonly Change[]): string | null {
  let highest: bigint | null = null;
  for (const { aboveMark } of changes) {
    if (aboveMark === null) continue;
    const mark = BigInt(aboveMark);
    if (highest === null || mark > highest) highest = mark;
  }
  return highest === null ? null : highest.toString();
}

function deadLetterColumns(letters: readonly DeadLetter[]) {
  return [
    int8Array(letters.map((letter) => letter.offset)),
    byteaArray(letters.map((letter) => letter.key)),
    byteaArray(letters.map((letter) => letter.value)),
    asciiArray(letters.map((letter) => headersText(letter.headers))),
    asciiArray(letters.map((letter) => letter.code)),
    textArray(letters.map((letter) => letter.detail)),
    textArray(letters.map((letter) => letter.id)),
    textArray(letters.map((letter) => letter.location)),
    timeArray(letters.map((letter) => letter.recordTimeMs)),
  ];
}

interface ChangeParts {
  readonly plain: readonly boolean[];
  readonly ranks: readonly number[];
  readonly ends: readonly number[];
}

function changeColumns(changes: readonly Change[], { plain, ranks, ends }: ChangeParts) {
  let slow = 0;
  return [
    asciiArray(changes.map((change) => change.id)),
    tokenArray(changes.map((change) => change.fromToken)),
    boolArray(changes.map((change) => change.to === 'rolled_back')),
    int4Array(changes.map((change) => change.step)),
    int8Array(ranks),
    textArray(changes.map((change) => change.evidence)),
    textArray(changes.map((change) => change.reason)),
    timeArray(changes.map((change) => change.startedMs)),
    timeArray(changes.map((change) => change.answeredMs)),
    // Null says to a plain change that it ends the transaction.
    int8Array(
      changes.map((change, index) => (plain[index] === true && isFinal(change.to) ? null : change.timeoutMs)),
    ),
    int4Array(
      plain.map((isIt) => {
        if (isIt) return 0;
        slow += 1;
        return slow;
      }),
    ),
    int4Array(ends),
  ];
}

/** How many columns `slowColumns` are. */
const SLOW_COLUMNS = 13;

function slowColumns(changes: readonly Change[]) {
  if (changes.length === 0) return new Array<null>(SLOW_COLUMNS).fill(null);
  return [
    asciiArray(changes.map((change) => change.fromState)),
    asciiArray(changes.map((change) => change.event)),
    asciiArray(changes.map((change) => change.to)),
    asciiArray(changes.map((change) => change.lateTo)),
    int4Array(changes.map((change) => change.lateStep)),
    boolArray(changes.map((change) => change.newToken)),
    asciiArray(changes.map((change) => change.code)),
    textArray(changes.map((change) => change.detail)),
    asciiArray(changes.map((change) => change.call)),
    timeArray(changes.map((change) => change.nextAttemptMs)),
    int8Array(changes.map((change) => change.deadlineMs)),
    boolArray(changes.map((change) => change.byPerson)),
    int8Array(changes.map((change) => change.command)),
  ];
}

/** How many columns `parkColumns` are. */
const PARK_COLUMNS = 9;

function parkColumns(parks: readonly Park[], heads: Buffer, plans: Buffer) {
  if (parks.length === 0) return new Array<null>(PARK_COLUMNS).fill(null);
  return [
    heads,
    int8Array(parks.map((park) => park.offset)),
    asciiArray(parks.map((park) => park.id)),
    asciiArray(parks.map((park) => park.location)),
    byteaArray(parks.map((park) => park.payload)),
    timeArray(parks.map((park) => park.expiresAtMs)),
    timeArray(parks.map((park) => park.recordTimeMs)),
    asciiArray(parks.map((park) => park.traceparent)),
    plans,
  ];
}

/** How many columns `parkedBeginColumns` are. */
const PARKED_BEGIN_COLUMNS = 4;

function parkedBeginColumns(begins: readonly BeginParked[], heads: Buffer, plans: Buffer) {
  if (begins.length === 0) return new Array<null>(PARKED_BEGIN_COLUMNS).fill(null);
  return [
    heads,
    asciiArray(begins.map((begin) => begin.id)),
    int4Array(begins.map((begin) => begin.slot)),
    plans,
  ];
}

function beginColumns(begins: readonly Begin[]) {
  return [
    int8Array(begins.map((begin) => begin.offset)),
    asciiArray(begins.map((begin) => begin.id)),
    asciiArray(begins.map((begin) => begin.location)),
    int4Array(begins.map((begin) => begin.slot)),
    byteaArray(begins.map((begin) => begin.payload)),
    timeArray(begins.map((begin) => begin.expiresAtMs)),
    timeArray(begins.map((begin) => begin.recordTimeMs)),
    asciiArray(begins.map((begin) => begin.traceparent)),
  ];
}

function planColumns(plans: readonly PlanColumns[]) {
  return [
    textArray(plans.map((plan) => plan.type)),
    textArray(plans.map((plan) => plan.plan)),
    int8Array(plans.map((plan) => plan.timeoutMs)),
    int8Array(plans.map((plan) => plan.deadlineMs)),
    int4Array(plans.map((plan) => plan.concurrency)),
  ];
}

function firstExpiry(begins: readonly Begin[]): string | null {
  let first = Number.POSITIVE_INFINITY;
  for (const { expiresAtMs } of begins) if (expiresAtMs !== null && expiresAtMs < first) first = expiresAtMs;
  return first === Number.POSITIVE_INFINITY ? null : new Date(first).toISOString();
}

type PlanColumns = Pick<Begin, 'type' | 'plan' | 'timeoutMs' | 'deadlineMs' | 'concurrency'>;

/** A park starts no attempt, so its times and slots mean nothing. */
function planOfPark({ type, plan }: Park): PlanColumns {
  return { type, plan, timeoutMs: 0, deadlineMs: 0, concurrency: 1 };
}

/** The row has its type. */
function planOfParkedBegin({ plan, timeoutMs, deadlineMs, concurrency }: BeginParked): PlanColumns {
  return { type: '', plan, timeoutMs, deadlineMs, concurrency };
}

/** What most begins of a commit have in common goes over the wire once. Indexes count from 1. */
function plansOf(begins: readonly PlanColumns[]): { indexes: number[]; plans: PlanColumns[] } {
  const plans: PlanColumns[] = [];
  const known = new Map<string, number>();
  let last: PlanColumns | undefined;
  let lastIndex = 0;
  const indexes = begins.map((begin) => {
    if (last === undefined || !samePlan(last, begin)) {
      const { type, plan, timeoutMs, deadlineMs, concurrency } = begin;
      const key = JSON.stringify([type, plan, timeoutMs, deadlineMs, concurrency]);
      const index = known.get(key) ?? plans.push(begin);
      known.set(key, index);
      last = begin;
      lastIndex = index;
    }
    return lastIndex;
  });
  return { indexes, plans };
}

function samePlan(a: PlanColumns, b: PlanColumns): boolean {
  return (
    a.type === b.type &&
    a.plan === b.plan &&
    a.timeoutMs === b.timeoutMs &&
    a.deadlineMs === b.deadlineMs &&
    a.concurrency === b.concurrency
  );
}
