/**
 * The simulated site: all locations with their journal, at one of the grades of design 7, behind a network that loses,
 * repeats, reorders and delays. It also keeps what the checkers need: effects with their times.
 */
import type { Answer, CallKind, Token } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import type { Capabilities, Participant, StepCall, Timer } from '../engine/ports.ts';
import type { Faults } from './faults.ts';
import type { SimProcess } from './process.ts';
import type { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export type Recorded = 'started' | 'done' | 'refused' | 'undoing' | 'reversed';

export interface Effect {
  readonly key: string;
  readonly location: string;
  readonly startedMs: number;
  endedMs: number | null;
  /** The effect happened (the step was not refused at its end). */
  happened: boolean;
  reversedMs: number | null;
}

export interface SiteOptions {
  readonly virtual: VirtualWorld;
  readonly random: RandomStream;
  readonly faults: () => Faults;
  /** Shortest and longest effect, in ms. */
  readonly effectMs: readonly [number, number];
  /** A rule of design 7 that this site breaks: a check of the checkers. */
  readonly defect: SiteDefect | null;
  readonly grade: Grade;
  /** Told of each packet that arrives, before it has an effect. */
  readonly arrived?: (arrival: SiteArrival) => void;
}

export interface SiteArrival {
  readonly kind: CallKind;
  readonly call: StepCall;
  /** Its token is refused. */
  readonly isStale: boolean;
  /** What stands under its key. */
  readonly recorded: Recorded | undefined;
}

export type SiteDefect = 'no-fence' | 'status-does-not-fence' | 'key-forgotten';

/** What a world asks of the locations in it: the simulated site, or participants of a user's own (src/testing). */
export interface Site {
  readonly effects: readonly Effect[];
  /** What the journal of the locations says of a key. */
  recorded(key: string): Recorded | undefined;
  /** A person takes the effect of a step back that is done. */
  undoByHand(key: string): void;
  /** No effect at the location ends before. */
  stick(location: string, untilMs: number): void;
  /** The participant of this name as one process sees it. */
  participant(process: SimProcess, name: string): Participant;
}

export class SimSite implements Site {
  readonly effects: Effect[] = [];
  readonly #options: SiteOptions;
  readonly #journal = new Map<string, Recorded>();
  /** Locations where effects do not end before a time of the virtual clock. */
  readonly #stuck = new Map<string, number>();
  /** What goes on where a location is free again. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #marks = new Map<string, { mark: bigint; key: string }>();

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  recorded(key: string): Recorded | undefined {
    return this.#journal.get(key);
  }

  undoByHand(key: string): void {
    if (this.#journal.get(key) === 'done') this.#undone(key);
  }

  #undone(key: string): void {
    const effect = this.effects.findLast((candidate) => candidate.key === key && candidate.happened);
    if (effect !== undefined) effect.reversedMs = this.#options.virtual.elapsedMs;
    this.#journal.set(key, 'reversed');
  }

  stick(location: string, untilMs: number): void {
    this.#stuck.set(location, untilMs);
    if (untilMs < Number.POSITIVE_INFINITY)
      this.#options.virtual.after(untilMs - this.#options.virtual.elapsedMs, () => this.#goOn(location));
  }

  #goOn(location: string): void {
    if ((this.#stuck.get(location) ?? 0) > this.#options.virtual.elapsedMs) return;
    const waiting = this.#waiting.get(location) ?? [];
    this.#waiting.delete(location);
    for (const end of waiting) end();
  }

  /** Calls `end` after the time that an effect takes here. */
  #takeTime(location: string, end: () => void): void {
    const { virtual, random, effectMs } = this.#options;
    virtual.after(random.between(...effectMs), () => {
      if ((this.#stuck.get(location) ?? 0) <= virtual.elapsedMs) end();
      else this.#waiting.set(location, [...(this.#waiting.get(location) ?? []), end]);
    });
  }

  /** The participant as one process sees it, through the network. */
  participant(process: SimProcess): Participant {
    return {
      execute: (call) => this.#send(process, 'execute', call),
      status: (call) => this.#send(process, 'status', call),
      reverse: (call) => this.#send(process, 'reverse', call),
      capabilities: () => Promise.resolve(CAPABILITIES[this.#options.grade]),
      close: () => Promise.resolve(),
    };
  }

  #send(process: SimProcess, kind: CallKind, call: StepCall): Promise<Answer> {
    const { virtual, random } = this.#options;
    return new Promise((resolve) => {
      let open = true;
      let timeOut: Timer | null = null;
      const answer = (value: Answer) => {
        if (!open) return;
        open = false;
        timeOut?.cancel();
        call.signal.removeEventListener('abort', aborted);
        resolve(value);
      };
      const aborted = () => answer({ outcome: 'unknown', code: 'SB-4101', detail: 'nobody waits any more' });
      call.signal.addEventListener('abort', aborted);
      if (call.signal.aborted) {
        aborted();
        return;
      }
      timeOut = virtual.after(call.timeoutMs, () =>
        process.deliver(() =>
          answer({ outcome: 'unknown', code: 'SB-4101', detail: `${call.timeoutMs} ms` }),
        ),
      );
      const reply = (value: Answer) => {
        if (random.strikes(this.#options.faults().callLost)) return;
        virtual.after(this.#transit(), () => process.deliver(() => answer(value)));
      };
      const copies = random.strikes(this.#options.faults().callTwice) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        if (random.strikes(this.#options.faults().callLost)) continue;
        virtual.after(this.#transit(), () => this.#receive(kind, call, reply));
      }
    });
  }

  #transit(): number {
    const { random, faults } = this.#options;
    // Slow ones from 50 ms to 30 s, late ones to two hours; each order of magnitude as often.
    if (random.strikes(faults().callLate)) return 30_000 * 240 ** random.next();
    return random.strikes(faults().callSlow) ? 50 * 600 ** random.next() : random.next() * 4;
  }

  #receive(kind: CallKind, call: StepCall, reply: (answer: Answer) => void): void {
    const stale = this.#fence(kind, call);
    this.#options.arrived?.({ kind, call, isStale: stale !== null, recorded: this.#journal.get(call.key) });
    if (stale !== null) reply({ outcome: 'stale', mark: stale });
    else if (kind !== 'execute' && !this.#can(kind)) reply(NO_SUCH_CALL);
    else if (kind === 'reverse') this.#reverse(call, reply);
    else if (kind === 'status') reply(this.#recorded(call.key) ?? { outcome: 'never' });
    else this.#execute(call, reply);
  }

  #can(ability: 'replay' | 'fence' | 'status' | 'reverse'): boolean {
    const capabilities = CAPABILITIES[this.#options.grade];
    return capabilities !== 'none' && capabilities[ability];
  }

  /** The mark when the token is too old, else null and the mark is raised. */
  #fence(kind: CallKind, call: StepCall): Token | null {
    const { defect } = this.#options;
    if (!this.#can('fence')) return null;
    const place = `${call.location}/${call.slot}`;
    const token = BigInt(call.token);
    const known = this.#marks.get(place);
    const old =
      known !== undefined && (token < known.mark || (token === known.mark && known.key !== call.key));
    if (old && defect !== 'no-fence') return String(known.mark);
    if (kind === 'status' && defect === 'status-does-not-fence') return null;
    this.#marks.set(place, { mark: token, key: call.key });
    return null;
  }

  #execute(call: StepCall, reply: (answer: Answer) => void): void {
    const { random, faults, virtual, defect } = this.#options;
    const known = this.#recorded(call.key);
    if (known !== null && this.#can('replay')) {
      reply(known);
      return;
    }
    const late = virtual.wallClockMs() > call.notAfterMs && !this.#startsLate();
    if (late || random.chance(faults().retry)) {
      reply({ outcome: 'retry', reason: late ? 'past Signalbox-Not-After' : 'warming up' });
      return;
    }
    this.#journal.set(call.key, 'started');
    const { key, location } = call;
    const effect: Effect = {
      key,
      location,
      startedMs: virtual.elapsedMs,
      endedMs: null,
      happened: false,
      reversedMs: null,
    };
    this.effects.push(effect);
    const refuses = random.chance(faults().refuse);
    this.#takeTime(location, () => {
      effect.endedMs = virtual.elapsedMs;
      effect.happened = !refuses;
      if (defect === 'key-forgotten') this.#journal.delete(key);
      else this.#journal.set(key, refuses ? 'refused' : 'done');
      reply(refuses ? { outcome: 'refused', reason: 'no cash' } : doneAnswer(key));
    });
  }

  /** Where tokens or keys are kept to, not-after is advice (contract 3), and some do not take it. */
  #startsLate(): boolean {
    const { random, faults } = this.#options;
    return this.#can('replay') && random.strikes(faults().lateStart);
  }

  #recorded(key: string): Answer | null {
    switch (this.#journal.get(key)) {
      case undefined:
        return null;
      case 'started':
      case 'undoing':
        return { outcome: 'pending' };
      case 'done':
        return doneAnswer(key);
      case 'refused':
        return { outcome: 'refused', reason: 'no cash' };
      case 'reversed':
        return { outcome: 'reversed' };
    }
  }

  #reverse({ key, location }: StepCall, reply: (answer: Answer) => void): void {
    const { random, faults } = this.#options;
    const recorded = this.#journal.get(key);
    if (recorded === 'started' || recorded === 'undoing') reply({ outcome: 'pending' });
    else if (recorded !== 'done') {
      this.#journal.set(key, 'reversed');
      reply({ outcome: 'reversed' });
    } else if (random.strikes(faults().refuseReverse)) {
      reply({ outcome: 'refused', reason: 'the notes were taken' });
    } else {
      this.#journal.set(key, 'undoing');
      this.#takeTime(location, () => {
        this.#undone(key);
        reply({ outcome: 'reversed' });
      });
    }
  }
}

const G3: Capabilities = {
  contract: 1,
  grade: 'G3',
  replay: true,
  fence: true,
  status: true,
  reverse: true,
  retentionSeconds: 3_024_000,
};

const CAPABILITIES: Readonly<Record<Grade, Capabilities | 'none'>> = {
  G3,
  G2: { ...G3, grade: 'G2', fence: false, status: false },
  G1: { ...G3, grade: 'G1', fence: false, replay: false },
  G0: 'none',
};

const NO_SUCH_CALL: Answer = { outcome: 'unknown', code: 'SB-4103', detail: 'status 404' };

function doneAnswer(key: string): Answer {
  return { outcome: 'done', evidence: { receipt: key } };
}
