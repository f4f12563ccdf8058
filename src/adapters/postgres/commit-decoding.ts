/**
 * The answer of signalbox.commit, one for each entry. The server says one by one only what is out of the
 * ordinary; the rest follows from the commit itself.
 */
import type { Token } from '../../core/answer.ts';
import { byteString } from '../../core/byte-string.ts';
import { assert } from '../../core/errors/catalogue.ts';
import { isFinal, type State } from '../../core/states.ts';
import type {
  Begin,
  BeginAnswer,
  BeginParkedAnswer,
  ChangeAnswer,
  Entry,
  EntryAnswer,
  ParkAnswer,
} from '../../engine/ports-ledger.ts';
import type { EncodedCommit } from './commit-encoding.ts';

/** The columns of sql/commit.sql as text. */
export type CommitRow = readonly [
  atMs: string,
  fenced: string | null,
  tokens: string | null,
  slowAnswers: string | null,
  otherBegins: string | null,
  parks: string | null,
  parkedBegins: string | null,
];

type SlowAnswer = { readonly entry: number } & (
  | {
      status: 'done';
      state: State;
      step: number;
      /** Null: a row that never began was cancelled. */
      token: Token | null;
      notAfterMs: number;
      number: number | null;
    }
  | { status: 'changed'; state: State | null; token: Token | null }
);

type OtherBegin = { readonly entry: number } & (
  | { status: 'busy' | 'paused' }
  | { status: 'expired'; number: number }
  | {
      status: 'exists';
      topic: string;
      partition: number;
      offset: number;
      location: string;
      state: State;
      payload: string;
    }
);

interface KnownPark {
  readonly entry: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly location: string;
  readonly state: State;
  /** Base64; null: the payload that was sent. */
  readonly payload: string | null;
}

interface ParkedBegin {
  readonly status: 'done' | 'expired' | 'busy' | 'paused' | 'changed';
  readonly state: State | null;
  readonly token: Token | null;
  readonly notAfterMs: number;
  readonly number: number;
}

/** An int array as Postgres writes it: `{1,2,3}`. */
export function parseIntegers(text: string | null): string[] {
  if (text === null || text === '{}') return [];
  return text.slice(1, -1).split(',');
}

/** One answer an entry, in the order given. None of them is fenced. */
export function decodeAnswers(
  row: CommitRow,
  encoded: EncodedCommit,
  entries: readonly Entry[],
): EntryAnswer[] {
  const answers: Record<Exclude<Entry['kind'], 'dead-letter'>, Iterator<EntryAnswer>> = {
    change: changeAnswers(row, encoded).values(),
    begin: beginAnswers(row, encoded).values(),
    park: parkAnswers(row, encoded).values(),
    'begin-parked': parseList<ParkedBegin>(row[6]).map(parkedBeginAnswer).values(),
  };
  return entries.map((entry) => {
    if (entry.kind === 'dead-letter') return { status: 'done' };
    const answer = answers[entry.kind].next();
    assert(answer.done !== true, 'the ledger left an entry without an answer');
    return answer.value;
  });
}

function changeAnswers(row: CommitRow, { heads, changes, plain }: EncodedCommit): ChangeAnswer[] {
  const slow = new Map<number, SlowAnswer>();
  for (const answer of parseList<SlowAnswer>(row[3])) slow.set(answer.entry, answer);
  const numbers = new Map(heads.map((head) => [head.partition, head.lastNumber]));
  return changes.map((change, index) => {
    if (plain[index] === true && isFinal(change.to)) {
      const number = (numbers.get(change.partition) ?? 0) + 1;
      numbers.set(change.partition, number);
      const { to: state, step, fromToken: token } = change;
      return { status: 'done', state, step, token: token ?? '0', notAfterMs: 0, number };
    }
    const answer = slow.get(index + 1);
    assert(answer !== undefined, 'the ledger left a change without an answer');
    if (answer.status === 'changed') {
      return { status: 'changed', state: answer.state, token: answer.token };
    }
    const { status, state, step, number } = answer;
    if (number !== null) numbers.set(change.partition, number);
    const notAfterMs = isFinal(state) ? 0 : answer.notAfterMs;
    return { status, state, step, token: answer.token ?? '0', notAfterMs, number };
  });
}

function beginAnswers(row: CommitRow, { begins }: EncodedCommit): BeginAnswer[] {
  const atMs = Number(row[0]);
  const tokens = parseIntegers(row[2]);
  const others = new Map<number, OtherBegin>();
  for (const other of parseList<OtherBegin>(row[4])) others.set(other.entry, other);
  let next = 0;
  return begins.map((begin, index) => {
    const other = others.get(index + 1);
    if (other !== undefined) return otherAnswer(other);
    const token = tokens[next];
    next += 1;
    assert(token !== undefined, 'the ledger drew too few tokens');
    return { status: 'done', token, notAfterMs: notAfterMs(begin, atMs) };
  });
}

/** The same sum as in the insert: least(now + time-out, now + deadline, expires at). */
function notAfterMs({ timeoutMs, deadlineMs, expiresAtMs }: Begin, atMs: number): number {
  return Math.min(atMs + timeoutMs, atMs + deadlineMs, expiresAtMs ?? Number.POSITIVE_INFINITY);
}

function otherAnswer(other: OtherBegin): BeginAnswer {
  switch (other.status) {
    case 'busy':
    case 'paused':
      return { status: other.status };
    case 'expired':
      return { status: 'expired', number: other.number };
    case 'exists': {
      const { topic, partition, offset, location, state } = other;
      const payload = byteString(Buffer.from(other.payload, 'base64'));
      return { status: 'exists', row: { topic, partition, offset, location, state, payload } };
    }
  }
}

function parkAnswers(row: CommitRow, { parks }: EncodedCommit): ParkAnswer[] {
  const answers = parks.map((): ParkAnswer => ({ status: 'done' }));
  for (const { entry, ...known } of parseList<KnownPark>(row[5])) {
    const payload =
      known.payload === null ? parks[entry - 1]?.payload : byteString(Buffer.from(known.payload, 'base64'));
    assert(payload !== undefined, `the ledger answers a park ${entry} that was not sent`);
    answers[entry - 1] = { status: 'exists', row: { ...known, payload } };
  }
  return answers;
}

function parkedBeginAnswer(answer: ParkedBegin): BeginParkedAnswer {
  switch (answer.status) {
    case 'busy':
    case 'paused':
      return { status: answer.status };
    case 'expired':
      return { status: 'expired', number: answer.number };
    case 'changed':
      return { status: 'changed', state: answer.state, token: answer.token };
    case 'done':
      return { status: 'done', token: answer.token ?? '', notAfterMs: answer.notAfterMs };
  }
}

function parseList<T>(text: string | null): T[] {
  return text === null ? [] : (JSON.parse(text) as T[]);
}
