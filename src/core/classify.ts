/**
 * From the body of a participant's answer to the union of the contract (design 7, contract 1 to 7).
 *
 * C1 Whatever is not exactly one of the union, or does not fit the call, is unknown: nothing is guessed.
 * C2 What comes out can be stored: evidence is free of flaws, reasons are bounded and clean.
 */
import type { Answer, CallKind, Token } from './answer.ts';
import { findFlaw } from './json-flaw.ts';
import { isObject } from './json-strict.ts';
import { shown, storableText } from './storable-text.ts';

/** Characters of a reason that are kept: it is a sentence for people. */
export const REASON_MAX = 1_000;

type Outcome = Answer['outcome'];

const FITTING: Readonly<Record<CallKind, readonly Outcome[]>> = {
  execute: ['done', 'refused', 'retry', 'pending', 'reversed', 'stale', 'unknown'],
  status: ['done', 'refused', 'reversed', 'pending', 'never', 'stale', 'unknown'],
  reverse: ['reversed', 'refused', 'pending', 'stale', 'unknown'],
};

/** The answer as it counts: itself, or unknown SB-4111 when it does not fit the call. */
export function fitting(call: CallKind, answer: Answer): Answer {
  if (FITTING[call].includes(answer.outcome)) return answer;
  return { outcome: 'unknown', code: 'SB-4111', detail: `${answer.outcome} to ${call}` };
}

/** `body` is what JSON.parse gave for a 200 answer. Never throws. */
export function classify(call: CallKind, body: unknown): Answer {
  return fitting(call, answerOf(body));
}

function answerOf(body: unknown): Answer {
  if (!isObject(body)) return garbage('the body is not an object');
  const { outcome } = body;
  switch (outcome) {
    case 'done':
      return done(body.evidence);
    case 'refused':
    case 'retry':
      return withReason(outcome, body.reason);
    case 'pending':
    case 'never':
    case 'reversed':
      return { outcome };
    case 'stale':
      return stale(body.mark);
    default:
      return garbage(`outcome: ${shown(outcome)}`);
  }
}

function done(evidence: unknown = {}): Answer {
  if (!isObject(evidence)) return garbage(`evidence: ${shown(evidence)}`);
  const flaw = findFlaw(evidence);
  return flaw === null ? { outcome: 'done', evidence } : garbage(`evidence: ${flaw.detail}`);
}

function withReason(outcome: 'refused' | 'retry', reason: unknown): Answer {
  if (typeof reason !== 'string') return garbage(`reason: ${shown(reason)}`);
  return { outcome, reason: storableText(reason, REASON_MAX) };
}

function stale(mark: unknown): Answer {
  const token = tokenOf(mark);
  return token === null ? garbage(`mark: ${shown(mark)}`) : { outcome: 'stale', mark: token };
}

const TOKEN_LIMIT = 2n ** 63n;

/** Without leading zeros; null when it is no decimal integer below 2^63. */
function tokenOf(mark: unknown): Token | null {
  if (typeof mark === 'number')
    return Number.isSafeInteger(mark) && mark >= 0 ? BigInt(mark).toString() : null;
  if (typeof mark !== 'string' || !/^\d{1,19}$/.test(mark)) return null;
  const value = BigInt(mark);
  return value < TOKEN_LIMIT ? value.toString() : null;
}

function garbage(detail: string): Answer {
  return { outcome: 'unknown', code: 'SB-4104', detail };
}
