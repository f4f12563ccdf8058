/** What a simulation is made from, and what it reports. */
import type { JsonObject } from '../core/answer.ts';
import type { InProcessOptions, TypesOptions } from '../library/options.ts';
import type { Faults } from '../sim/faults.ts';
import type { Machine } from './machine.ts';

/** Those that meet functions of a process. Probabilities are per message or call, rates per second of virtual time. */
export type SimulatedFaults = Pick<
  Faults,
  | 'commitLost'
  | 'ledgerRefused'
  | 'ledgerLost'
  | 'ledgerSlow'
  | 'publishLost'
  | 'killsPerSecond'
  | 'stopsPerSecond'
  | 'rebalancesPerSecond'
>;

export interface ParticipantParts<Durable> {
  /** What survives the death of a process, as a database of yours would. A change of it is atomic until the next `await`. */
  readonly durable: Durable;
  readonly machine: Machine;
}

export interface SimulateOptions<
  Participants extends Readonly<Record<string, InProcessOptions>>,
  Type extends string,
  Durable,
> {
  readonly types: TypesOptions<Participants, Type>;
  /** Made once a world. */
  readonly durable: () => Durable;
  /** Made once a process, as your program makes them at its start: what is in their memory dies with it. */
  readonly participants: (parts: ParticipantParts<Durable>) => Participants;
  /** Slots of a location; 1 by default. */
  readonly concurrency?: number;
  /** By pattern, as in the configuration. The locations of a world are named L1 to L30. */
  readonly limits?: Readonly<Record<string, { readonly concurrency: number }>>;
  /** The transactions of a world by their number; by default the types in turn, without data. */
  readonly transaction?: (number: number) => {
    readonly type: NoInfer<Type>;
    readonly data?: JsonObject;
  };
  /** Worlds to run; 50 by default. */
  readonly seeds?: number;
  /** 1 by default. */
  readonly firstSeed?: number;
  /** Instead of those that each seed draws. */
  readonly faults?: Partial<SimulatedFaults>;
}

export interface SimulationReport {
  readonly worlds: number;
  readonly transactions: number;
  readonly completed: number;
  readonly rolledBack: number;
  /** Times that automation stopped and a simulated person, who looked at the machine, decided. */
  readonly held: number;
  readonly effects: number;
  readonly virtualMs: number;
  /** What happened, by name: killed, stopped, rebalanced, … */
  readonly happened: Readonly<Record<string, number>>;
}

/** A promise was broken. The message is a story of at most 20 lines, and how to run that world alone. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number;
  /** Each begins with the promise that it breaks (docs/guarantees.md). */
  readonly violations: readonly string[];

  constructor(seed: number, violations: readonly string[], story: readonly string[]) {
    super(
      [`seed ${seed}: ${story.join('\n  ')}`, `Again: simulate({ …, firstSeed: ${seed}, seeds: 1 })`].join(
        '\n',
      ),
    );
    this.seed = seed;
    this.violations = violations;
  }
}
