/**
 * The answer of signalbox.commit, one for each entry. The server says one by one only what is out of the
 * ordinary; the rest follows from the commit itself.
 */
import type { Token } from '../../core/answer.ts';
import { byteString } from '../../core/byte-string.ts';
import { assert } from '../../core/errors/catalogue.ts';
import { isFinal, type State } from '../../core/states.ts';
import type { Begin, BeginAnswer, ChangeAnswer, Entry, EntryAnswer } from '../../engine/ports-ledger.ts';
import type { EncodedCommit } from './commit-encoding.ts';

/** The columns of sql/commit.sql as text. */
export type CommitRow = readonly [
  atMs: string,
  fenced: string | null,
  tokens: string | null,
  slowAnswers: string | null,
  otherBegins: string | null,
];

type SlowAnswer = { readonly entry: number } & (
  | { status: 'done'; state: State; step: number; token: Token; notAfterMs: number; number: number | null }
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
  const changes = changeAnswers(row, encoded);
  const begins = beginAnswers(row, encoded);
  let change = 0;
  let begin = 0;
  return entries.map((entry) => {
    if (entry.kind === 'dead-letter') return { status: 'done' };
    const answer = entry.kind === 'change' ? changes[change++] : begins[begin++];
    assert(answer !== undefined, 'the ledger left an entry without an answer');
    return answer;
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
      return { status: 'done', state, step, token, notAfterMs: 0, number };
    }
    const answer = slow.get(index + 1);
    assert(answer !== undefined, 'the ledger left a change without an answer');
    if (answer.status === 'changed') {
      return { status: 'changed', state: answer.state, token: answer.token };
    }
    const { status, state, step, token, number } = answer;
    if (number !== null) numbers.set(change.partition, number);
    return { status, state, step, token, notAfterMs: isFinal(state) ? 0 : answer.notAfterMs, number };
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

function parseList<T>(text: string | null): T[] {
  return text === null ? [] : (JSON.parse(text) as T[]);
}
