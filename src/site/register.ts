/**
 * What a participant of grade G3 must remember, and how it decides on a call: one mark per (location, slot) and
 * one record per key. Pure and synchronous: one `ask`, with the change its decision calls for, is one atomic
 * step; making it durable before acting or answering is the caller's part.
 *
 * A record is `started` (the effect is under way), `done`, `refused`, `undoing` (a reversal is under way) or
 * `reversed` (undone, or a tombstone).
 * R1 a mark never goes down; a token below it, or equal to it for another key, changes nothing.
 * R2 only a key without a record may start, so a key starts at most once.
 * R3 done, refused and reversed are repeated; only `reverse` changes them, and only to reversed.
 */
import type { Answer, CallKind, JsonObject } from '../core/answer.ts';
import { assert } from '../core/errors/catalogue.ts';

/** What a participant can answer; `unknown` is what becomes of no answer. */
export type StepAnswer = Exclude<Answer, { readonly outcome: 'unknown' }>;

export interface Ask {
  readonly kind: CallKind;
  readonly key: string;
  readonly location: string;
  readonly slot: number;
  readonly token: bigint;
}

export type StepRecord =
  | { readonly state: 'started' }
  | { readonly state: 'done'; readonly evidence: JsonObject }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'undoing'; readonly evidence: JsonObject }
  | { readonly state: 'reversed' };

export type Decision =
  /** The token is too old: nothing changed. */
  | { readonly act: 'fence'; readonly mark: bigint }
  /** The answer is on record. */
  | { readonly act: 'answer'; readonly answer: StepAnswer }
  /** Execute of a key without a record: `start` it, `refuse` it, or leave it (retry). */
  | { readonly act: 'execute' }
  /** Reverse of a key of which nothing was done: call `reversed`. */
  | { readonly act: 'tombstone' }
  /** Reverse of a key that is done: `undo` it, or leave it (the participant refuses to reverse). */
  | { readonly act: 'undo'; readonly evidence: JsonObject };

export interface Mark {
  readonly token: bigint;
  readonly key: string;
}

/** What the steps of a site ask of a register; careless-register.ts is another one. */
export type StepRegister = Pick<
  Register,
  'ask' | 'start' | 'refuse' | 'retried' | 'end' | 'undo' | 'reversed'
>;

export class Register {
  readonly #marks = new Map<string, Mark>();
  readonly #records = new Map<string, StepRecord>();

  get size(): number {
    return this.#records.size;
  }

  ask(ask: Ask): Decision {
    const place = `${ask.location}/${ask.slot}`;
    const mark = this.#marks.get(place);
    if (mark !== undefined && !passes(ask, mark)) return { act: 'fence', mark: mark.token };
    if (mark?.token !== ask.token) this.#marks.set(place, { token: ask.token, key: ask.key });
    return decisionOn(ask.kind, this.#records.get(ask.key));
  }

  recordOf(key: string): StepRecord | undefined {
    return this.#records.get(key);
  }

  /** How often it had started before: never. */
  start(key: string): number {
    assert(!this.#records.has(key), `R2 ${key} starts once`);
    this.#records.set(key, { state: 'started' });
    return 0;
  }

  /** `retry` speaks of one request only (rule 6): there is nothing to remember. */
  retried(_key: string): void {}

  refuse(key: string, reason: string): void {
    assert(!this.#records.has(key), `R3 ${key} has no record before it is refused`);
    this.#records.set(key, { state: 'refused', reason });
  }

  end(key: string, evidence: JsonObject): void {
    assert(this.#records.get(key)?.state === 'started', `R3 ${key} ends after it has started`);
    this.#records.set(key, { state: 'done', evidence });
  }

  undo(key: string): void {
    const record = this.#records.get(key);
    assert(record?.state === 'done', `R3 ${key} is undone after it was done`);
    this.#records.set(key, { state: 'undoing', evidence: record.evidence });
  }

  reversed(key: string): void {
    const state = this.#records.get(key)?.state;
    assert(state !== 'started' && state !== 'done', `R3 ${key} is reversed through undo`);
    this.#records.set(key, { state: 'reversed' });
  }

  /** Keys whose effect or reversal is under way. */
  open(): { readonly key: string; readonly state: 'started' | 'undoing' }[] {
    const open: { key: string; state: 'started' | 'undoing' }[] = [];
    for (const [key, { state }] of this.#records) {
      if (state === 'started' || state === 'undoing') open.push({ key, state });
    }
    return open;
  }
}

/** What is to be done about a call that is not fenced. */
export function decisionOn(kind: CallKind, record: StepRecord | undefined): Decision {
  if (record !== undefined) return answerFrom(kind, record);
  if (kind === 'execute') return { act: 'execute' };
  if (kind === 'reverse') return { act: 'tombstone' };
  return { act: 'answer', answer: { outcome: 'never' } };
}

export function passes(ask: Ask, mark: Mark): boolean {
  return ask.token > mark.token || (ask.token === mark.token && ask.key === mark.key);
}

function answerFrom(kind: CallKind, record: StepRecord): Decision {
  switch (record.state) {
    case 'started':
    case 'undoing':
      return { act: 'answer', answer: { outcome: 'pending' } };
    case 'done':
      if (kind === 'reverse') return { act: 'undo', evidence: record.evidence };
      return { act: 'answer', answer: { outcome: 'done', evidence: record.evidence } };
    case 'refused':
      if (kind === 'reverse') return { act: 'tombstone' };
      return { act: 'answer', answer: { outcome: 'refused', reason: record.reason } };
    case 'reversed':
      return { act: 'answer', answer: { outcome: 'reversed' } };
  }
}
