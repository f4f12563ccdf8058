/**
 * What the steps under test act on: effects in virtual time, which go on when the process that began them dies, and are
 * counted. A machine counts and forgets nothing else: remembering keys is the participant's part.
 */
import type { Participant, StepCall, World } from '../engine/ports.ts';
import type { SimProcess } from '../sim/process.ts';
import type { Effect, Recorded, Site, SiteOptions } from '../sim/site.ts';

export interface Machine {
  /**
   * The effect of a step at its location. It takes a while, ends even when this process is killed meanwhile, and is counted:
   * twice under one key breaks S6, two at once at a location of one slot S1. `record` runs in the moment in which it has
   * happened, as in one transaction with it: for what is written to `durable`.
   */
  effect(call: Pick<StepCall, 'key' | 'location'>, record?: () => void): Promise<void>;
  /** Takes the effect of the key back, in the same way. One that never happened is nothing to take back. */
  undo(call: Pick<StepCall, 'key' | 'location'>, record?: () => void): Promise<void>;
  /** Virtual time, in ms: the only kind a simulated world has. */
  sleep(ms: number): Promise<void>;
  /** Unix time in ms. */
  now(): number;
  /** 0 <= x < 1, from the seed. */
  random(): number;
}

/** The participants of one process by name. */
export type ParticipantsOf = (world: World, machine: Machine) => ReadonlyMap<string, Participant>;

export class OwnSite implements Site {
  readonly effects: Effect[] = [];
  readonly #options: Omit<SiteOptions, 'defect' | 'grade'>;
  readonly #participantsOf: ParticipantsOf;
  readonly #processes = new Map<SimProcess, ReadonlyMap<string, Participant>>();
  /** Locations where effects do not end before a time of the virtual clock. */
  readonly #stuck = new Map<string, number>();

  constructor(options: Omit<SiteOptions, 'defect' | 'grade'>, participantsOf: ParticipantsOf) {
    this.#options = options;
    this.#participantsOf = participantsOf;
  }

  recorded(key: string): Recorded | undefined {
    const own = this.effects.filter((effect) => effect.key === key);
    if (own.length === 0) return undefined;
    if (own.some(({ endedMs }) => endedMs === null)) return 'started';
    return own.some(({ reversedMs }) => reversedMs === null) ? 'done' : 'reversed';
  }

  undoByHand(key: string): void {
    for (const effect of this.effects)
      if (effect.key === key && effect.happened) effect.reversedMs ??= this.#options.virtual.elapsedMs;
  }

  stick(location: string, untilMs: number): void {
    this.#stuck.set(location, untilMs);
  }

  participant(process: SimProcess, name: string): Participant {
    let own = this.#processes.get(process);
    if (own === undefined) {
      own = this.#participantsOf(process.world, this.#machineOf(process));
      this.#processes.set(process, own);
    }
    const participant = own.get(name);
    if (participant === undefined) throw new Error(`there is no participant ${name}`);
    return participant;
  }

  #machineOf(process: SimProcess): Machine {
    const { random, virtual } = this.#options;
    return {
      effect: ({ key, location }, record) => {
        const effect = this.#begin(key, location);
        return this.#later(process, this.#effectMs(location), () => {
          effect.endedMs = virtual.elapsedMs;
          effect.happened = true;
          record?.();
        });
      },
      undo: ({ key, location }, record) =>
        this.#later(process, this.#effectMs(location), () => {
          this.undoByHand(key);
          record?.();
        }),
      sleep: (ms) => this.#later(process, ms, () => undefined),
      now: () => virtual.wallClockMs(),
      random: () => random.next(),
    };
  }

  #begin(key: string, location: string): Effect {
    const startedMs = this.#options.virtual.elapsedMs;
    const effect = { key, location, startedMs, endedMs: null, happened: false, reversedMs: null };
    this.effects.push(effect);
    return effect;
  }

  #effectMs(location: string): number {
    const { random, virtual, effectMs } = this.#options;
    return Math.max(random.between(...effectMs), (this.#stuck.get(location) ?? 0) - virtual.elapsedMs);
  }

  /** It happens whatever becomes of the process; only a process that lives hears of it. */
  #later(process: SimProcess, ms: number, happen: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#options.virtual.after(ms, () => {
        happen();
        process.deliver(resolve);
      });
    });
  }
}
