/**
 * Registers of participants that keep to less than grade G3: those of a lower grade, and those that break one of the
 * rules of design 7. For `signalbox conformance`, which must tell them all apart, and for runs at lower grades.
 */
import type { JsonObject } from '../core/answer.ts';
import {
  type Ask,
  type Decision,
  decisionOn,
  type Mark,
  passes,
  type StepRecord,
  type StepRegister,
} from './register.ts';

/** The rules for participants, as design 7 numbers them. */
export const RULES = [1, 2, 3, 4, 5, 6] as const;
export type Rule = (typeof RULES)[number];

export interface Carelessness {
  /** Older tokens are refused. */
  readonly fence: boolean;
  /** An execute of a known key is answered from the record. */
  readonly replay: boolean;
  /**
   * 1: only an execute is fenced. 2: a key is recorded when its effect is over. 3: what is done or refused is carried
   * out again. 4: reversing an unknown key leaves no tombstone. 5: `never` does not raise the mark. 6: a key that was
   * answered `retry` is answered so for ever.
   */
  readonly breaks: Rule | null;
}

export class CarelessRegister implements StepRegister {
  readonly #carelessness: Carelessness;
  readonly #marks = new Map<string, Mark>();
  readonly #records = new Map<string, StepRecord>();
  readonly #starts = new Map<string, number>();
  readonly #retried = new Set<string>();

  constructor(carelessness: Carelessness) {
    this.#carelessness = carelessness;
  }

  ask(ask: Ask): Decision {
    const { fence, replay, breaks } = this.#carelessness;
    const { kind, key } = ask;
    const record = this.#records.get(key);
    const fenced = fence ? this.#fenced(ask, record) : null;
    if (fenced !== null) return fenced;
    if (kind === 'execute' && this.#actsAgain(record)) return { act: 'execute' };
    if (kind === 'execute' && !replay) return { act: 'execute' };
    if (kind === 'execute' && breaks === 6 && record === undefined && this.#retried.has(key)) {
      return { act: 'answer', answer: { outcome: 'retry', reason: 'asked for before' } };
    }
    const isUnseen = breaks === 2 && kind === 'status' && record?.state === 'started';
    return decisionOn(kind, isUnseen ? undefined : record);
  }

  start(key: string): number {
    const before = this.#starts.get(key) ?? 0;
    this.#starts.set(key, before + 1);
    this.#records.set(key, { state: 'started' });
    return before;
  }

  refuse(key: string, reason: string): void {
    this.#records.set(key, { state: 'refused', reason });
  }

  retried(key: string): void {
    this.#retried.add(key);
  }

  end(key: string, evidence: JsonObject): void {
    this.#records.set(key, { state: 'done', evidence });
  }

  undo(key: string): void {
    const record = this.#records.get(key);
    this.#records.set(key, { state: 'undoing', evidence: record?.state === 'done' ? record.evidence : {} });
  }

  reversed(key: string): void {
    if (this.#carelessness.breaks === 4 && !this.#records.has(key)) return;
    this.#records.set(key, { state: 'reversed' });
  }

  #fenced(ask: Ask, record: StepRecord | undefined): Decision | null {
    const { breaks } = this.#carelessness;
    const place = `${ask.location}/${ask.slot}`;
    const mark = this.#marks.get(place);
    if (mark !== undefined && !passes(ask, mark)) {
      return breaks === 1 && ask.kind !== 'execute' ? null : { act: 'fence', mark: mark.token };
    }
    const isNever = ask.kind === 'status' && record === undefined;
    if (!(breaks === 5 && isNever)) this.#marks.set(place, { token: ask.token, key: ask.key });
    return null;
  }

  #actsAgain(record: StepRecord | undefined): boolean {
    const { breaks } = this.#carelessness;
    if (breaks === 2) return record?.state === 'started';
    return breaks === 3 && (record?.state === 'done' || record?.state === 'refused');
  }
}
