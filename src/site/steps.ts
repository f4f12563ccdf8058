/**
 * The site carries out steps: register, dispensers, faults and journal put together at grade G3.
 * ST1 what `register.ask` decides and the journal lines of it are made in one turn of the event loop, so their
 *     order in the file is the order of the decisions; replaying the file gives the same register.
 * ST2 an effect starts, and an answer leaves, only after every line before it is durable.
 * ST3 what had started when the site was killed is recorded to its end at restart, before the first request.
 */
import type { JsonObject } from '../core/answer.ts';
import { type Behaviour, behaviourOf, within } from './behaviours.ts';
import type { Counters } from './counters.ts';
import type { Dispenser, Notes } from './dispenser.ts';
import type { Effects } from './effects.ts';
import type { Faults } from './faults.ts';
import type { JournalLine } from './journal.ts';
import type { JournalFile } from './journal-file.ts';
import { receiptOf } from './receipt.ts';
import type { StepAnswer, StepRegister } from './register.ts';
import type { StepRequest } from './request.ts';

/** What goes back over the wire. */
export type Reply =
  | { readonly send: 'answer'; readonly answer: StepAnswer }
  /** The connection is destroyed. */
  | { readonly send: 'nothing' }
  | { readonly send: 'garbage' }
  | { readonly send: 'error' };

export interface StepsParts {
  readonly seed: string;
  readonly register: StepRegister;
  readonly counters: Counters;
  readonly dispenser: Dispenser;
  readonly effects: Effects;
  readonly faults: Faults;
}

/** A line without what `#note` and the request give. */
type Note = Pick<JournalLine, 'event'> & Partial<JournalLine>;

const REFUSALS = ['card refused', 'limit reached', 'account blocked', 'door open'] as const;
const KIND_BITS = { execute: 1, status: 2, reverse: 4 } as const;
/** Keys a site remembers, about 0.5 GB; it keeps its promises by taking no new key beyond. */
const KEYS_MAX = 2_000_000;

export class Steps {
  readonly #parts: StepsParts;
  #journal: JournalFile | null = null;
  /** Kinds of call that a key has met, as KIND_BITS. */
  readonly #met = new Map<string, number>();
  /** `started` lines without their end, during the replay. */
  readonly #unended = new Map<string, JournalLine>();

  constructor(parts: StepsParts) {
    this.#parts = parts;
  }

  /** One line of an earlier process, in order. */
  replay(line: JournalLine): void {
    const { register, counters } = this.#parts;
    const { key, kind, event } = line;
    counters.add(line);
    if (event === 'call') {
      this.#meet(key, KIND_BITS[kind]);
      if (line.accepted === true) register.ask({ ...line, token: BigInt(line.token) });
    } else if (event === 'started') {
      this.#unended.set(key, line);
      if (kind === 'execute') register.start(key);
      else register.undo(key);
    } else if (event === 'ended') {
      this.#unended.delete(key);
      if (line.outcome === 'refused') register.refuse(key, line.reason ?? '');
      else register.end(key, line.evidence ?? {});
    } else if (event === 'reversed') {
      this.#unended.delete(key);
      register.reversed(key);
    }
  }

  /** After the replay: ends what had started, and goes on with this journal. */
  async resume(journal: JournalFile): Promise<void> {
    this.#journal = journal;
    const { register, counters } = this.#parts;
    for (const { key, kind, location, slot, token, evidence = {} } of this.#unended.values()) {
      const common = { at: journal.now(), key, kind, location, slot, token, recovered: true } as const;
      const line: JournalLine =
        kind === 'execute'
          ? { ...common, event: 'ended', outcome: 'done', evidence }
          : { ...common, event: 'reversed', outcome: 'reversed' };
      if (kind === 'execute') register.end(key, evidence);
      else register.reversed(key);
      journal.append(line);
      counters.add(line);
    }
    this.#unended.clear();
    await journal.durable();
  }

  /** Whether a key can still be taken in. */
  hasRoomFor(key: string): boolean {
    return this.#met.size < KEYS_MAX || this.#met.has(key);
  }

  /** Rejects only when the journal cannot be written: then nothing may be answered. */
  async handle(request: StepRequest): Promise<Reply> {
    const { faults, effects, seed } = this.#parts;
    const { key, kind, location } = request;
    const behaviour = this.#behaviourOf(request);
    if (behaviour === 'lose request' || behaviour === 'error' || faults.isUnreachable(location)) {
      this.#note(request, { event: 'call', accepted: false });
      const error = behaviour === 'error' && !faults.isUnreachable(location);
      return this.#spoil(request, error ? 'error' : 'lost');
    }
    if (behaviour === 'late')
      await effects.pass(within(faults.behaviours.slowMs, seed, `late ${kind} ${key}`));
    const answer = await this.#carryOut(request, behaviour);
    const lost = behaviour === 'lose answer' || faults.takeLoseNext(location);
    if (lost || behaviour === 'garbage') return this.#spoil(request, lost ? 'lost' : 'garbage');
    const reason = 'reason' in answer ? { reason: answer.reason } : {};
    this.#note(request, { event: 'answer', outcome: answer.outcome, ...reason });
    await this.#durable();
    return { send: 'answer', answer };
  }

  async #carryOut(request: StepRequest, behaviour: Behaviour): Promise<StepAnswer> {
    const { register } = this.#parts;
    const decision = register.ask(request);
    this.#note(request, { event: 'call', accepted: decision.act !== 'fence' });
    switch (decision.act) {
      case 'fence':
        this.#note(request, { event: 'fenced', mark: String(decision.mark) });
        return { outcome: 'stale', mark: String(decision.mark) };
      case 'answer':
        return decision.answer;
      case 'tombstone':
        register.reversed(request.key);
        this.#note(request, { event: 'reversed', outcome: 'reversed' });
        return { outcome: 'reversed' };
      case 'undo':
        if (behaviour === 'refuse reverse') return { outcome: 'refused', reason: 'the notes were taken' };
        return this.#undo(request, decision.evidence);
      case 'execute':
        return this.#execute(request, behaviour);
    }
  }

  /** A new key. Up to `start` there is no await: deciding and recording are one step. */
  #execute(request: StepRequest, behaviour: Behaviour): StepAnswer | Promise<StepAnswer> {
    const { register, dispenser, seed } = this.#parts;
    const { key, location, notAfterMs, type, data } = request;
    const isLate = notAfterMs !== null && Date.now() > notAfterMs;
    if (isLate || behaviour === 'retry') {
      register.retried(key);
      return { outcome: 'retry', reason: isLate ? 'past Signalbox-Not-After' : 'the machine is warming up' };
    }
    const reservation =
      behaviour === 'refuse'
        ? {
            refused: REFUSALS[Math.floor(within([0, REFUSALS.length], seed, `reason ${key}`))] ?? REFUSALS[0],
          }
        : type === 'withdraw'
          ? dispenser.reserve(location, data, Date.now())
          : { notes: null };
    if ('refused' in reservation) {
      register.refuse(key, reservation.refused);
      this.#note(request, { event: 'ended', outcome: 'refused', reason: reservation.refused });
      return { outcome: 'refused', reason: reservation.refused };
    }
    const before = register.start(key);
    // A machine that acts once more prints another receipt.
    const evidence = receiptOf(seed, before === 0 ? key : `${key} again ${before}`, reservation.notes);
    this.#note(request, { event: 'started', evidence });
    const effect = this.#effect(request, behaviour, evidence);
    if (behaviour !== 'pending') return effect;
    effect.catch(() => undefined);
    return { outcome: 'pending' };
  }

  async #effect(request: StepRequest, behaviour: Behaviour, evidence: JsonObject): Promise<StepAnswer> {
    const { register } = this.#parts;
    await this.#durable();
    await this.#takeTime(request, behaviour);
    register.end(request.key, evidence);
    this.#note(request, { event: 'ended', outcome: 'done', evidence });
    return { outcome: 'done', evidence };
  }

  async #undo(request: StepRequest, evidence: JsonObject): Promise<StepAnswer> {
    const { register, dispenser } = this.#parts;
    const { key, location, data } = request;
    register.undo(key);
    this.#note(request, { event: 'started' });
    await this.#durable();
    await this.#takeTime(request, 'plain');
    if (evidence.notes !== undefined && typeof data.currency === 'string') {
      dispenser.restore(location, data.currency, evidence.notes as Notes, Date.now());
    }
    register.reversed(key);
    this.#note(request, { event: 'reversed', outcome: 'reversed' });
    return { outcome: 'reversed' };
  }

  #takeTime({ key, kind, location }: StepRequest, behaviour: Behaviour): Promise<void> {
    const { effects, faults, seed } = this.#parts;
    const { delayMs, slowMs } = faults.behaviours;
    return effects.run(
      location,
      within(behaviour === 'slow' ? slowMs : delayMs, seed, `delay ${kind} ${key}`),
    );
  }

  async #spoil(request: StepRequest, outcome: 'lost' | 'garbage' | 'error'): Promise<Reply> {
    this.#note(request, { event: 'answer', outcome });
    await this.#durable();
    return { send: outcome === 'lost' ? 'nothing' : outcome };
  }

  #behaviourOf({ kind, key }: StepRequest): Behaviour {
    if (!this.#meet(key, KIND_BITS[kind])) return 'plain';
    return behaviourOf(this.#parts.faults.behaviours, this.#parts.seed, kind, key);
  }

  /** True the first time. */
  #meet(key: string, bit: number): boolean {
    const met = this.#met.get(key) ?? 0;
    if ((met & bit) !== 0) return false;
    this.#met.set(key, met | bit);
    return true;
  }

  #note({ key, kind, location, slot, token }: StepRequest, note: Note): void {
    const journal = this.#open();
    const { event, ...rest } = note;
    const line = { at: journal.now(), event, key, kind, location, slot, token: String(token), ...rest };
    journal.append(line);
    this.#parts.counters.add(line);
  }

  #durable(): Promise<void> {
    return this.#open().durable();
  }

  #open(): JournalFile {
    if (this.#journal === null) throw new Error('the site has not resumed its journal');
    return this.#journal;
  }
}
