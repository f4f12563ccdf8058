/**
 * Calls a participant as a worker would: tokens that only grow, keys used once, every field of the contract.
 * Used by the rules (participant-rules.ts), which test participants of strangers too.
 */
import { AssertionError } from 'node:assert/strict';
import { setTimeout as pass } from 'node:timers/promises';
import type { Answer, CallKind, JsonObject } from '../core/answer.ts';
import { stepKey } from '../core/plan.ts';
import type { Participant, StepCall } from '../engine/ports.ts';

export interface Subject {
  readonly participant: Participant;
  /** Location at which the rules may act. */
  readonly location: string;
  /** What to carry out there: each rule does it a few times, and undoes it or not. */
  readonly type: string;
  readonly data: JsonObject;
  /** Begins transaction ids: no earlier run must have used it. */
  readonly prefix: string;
  /** First token: above every mark at the location. */
  readonly firstToken: bigint;
  readonly timeoutMs: number;
  /** It answers `status`; one that does not is asked by the same execute again. */
  readonly hasStatus: boolean;
}

export interface Over {
  readonly token?: bigint;
  readonly slot?: number;
  readonly location?: string;
  readonly notAfterMs?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** An effect that is not through after so long is taken for a broken participant. */
const SETTLE_MS_MAX = 60_000;
const ASK_AGAIN_MS = 20;

export class Caller {
  readonly #subject: Subject;
  #nextToken: bigint;
  #nextId = 1;

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#nextToken = subject.firstToken;
  }

  get location(): string {
    return this.#subject.location;
  }

  /** The calls it can be asked. */
  get kinds(): readonly CallKind[] {
    return this.#subject.hasStatus ? ['execute', 'status', 'reverse'] : ['execute', 'reverse'];
  }

  /** A key no call has carried yet. */
  key(): string {
    return stepKey(`${this.#subject.prefix}-${this.#nextId++}`, 'apply');
  }

  /** Greater than every token before. */
  token(): bigint {
    return this.#nextToken++;
  }

  /** The next tokens will be `token` and above, if that is greater than they would be. */
  raise(token: bigint): void {
    if (token > this.#nextToken) this.#nextToken = token;
  }

  /** Under a new token and in slot 1, where `over` does not say otherwise. */
  async call(kind: CallKind, key: string, over: Over = {}): Promise<Answer> {
    const { participant, location, type, data, timeoutMs } = this.#subject;
    const [transaction = '', step = ''] = key.split(':');
    const call: StepCall = {
      key,
      transaction,
      type,
      step,
      location: over.location ?? location,
      slot: over.slot ?? 1,
      token: String(over.token ?? this.token()),
      data,
      evidence: {},
      notAfterMs: over.notAfterMs ?? Date.now() + timeoutMs,
      timeoutMs: over.timeoutMs ?? timeoutMs,
      traceparent: null,
      signal: over.signal ?? new AbortController().signal,
    };
    return participant[kind](call);
  }

  /** Asks what became of a key under new tokens until it is not pending. */
  async settled(key: string, over: Over = {}): Promise<Answer> {
    const deadline = Date.now() + SETTLE_MS_MAX;
    const kind = this.#subject.hasStatus ? 'status' : 'execute';
    let answer = await this.call(kind, key, over);
    while (answer.outcome === 'pending') {
      if (Date.now() > deadline) {
        throw new AssertionError({ message: `${key} is pending after ${SETTLE_MS_MAX} ms` });
      }
      await pass(ASK_AGAIN_MS);
      answer = await this.call(kind, key, over);
    }
    return answer;
  }

  /** Executes and waits until it is through; fails unless it was done. */
  async done(key: string, over: Over = {}): Promise<JsonObject> {
    const answer = await this.call('execute', key, over);
    const last = answer.outcome === 'pending' ? await this.settled(key, over) : answer;
    if (last.outcome === 'done') return last.evidence;
    throw new AssertionError({
      message: `execute of a new key: ${JSON.stringify(last)}`,
      actual: last.outcome,
      expected: 'done',
    });
  }
}
