/**
 * Which world a seed draws, of which family; and what of it is changed: fewer kinds of faults, fewer and smaller things.
 * A description is JSON, so that a command line can name the same world again.
 */
import type { Grade } from '../core/grade.ts';
import { type FaultKind, without } from './fault-kinds.ts';
import type { ScenarioOptions } from './scenario.ts';
import { atGrade, crowdSwarm, forgetfulSwarm, gradeSwarm, meanSwarm, stormSwarm, swarm } from './swarm.ts';

/** Weights by repetition: a seed takes the family at its remainder. */
const FAMILIES: readonly ((seed: number) => ScenarioOptions)[] = [
  swarm,
  crowdSwarm,
  meanSwarm,
  stormSwarm,
  swarm,
  crowdSwarm,
  forgetfulSwarm,
  (seed) => gradeSwarm(seed, 'G2'),
  swarm,
  crowdSwarm,
  stormSwarm,
  (seed) => gradeSwarm(seed, seed % 24 < 12 ? 'G1' : 'G0'),
];

/** What shrinks. */
export const SIZES = [
  'transactions',
  'locations',
  'workers',
  'partitions',
  'steps',
  'concurrency',
  'faultMs',
] as const;
export type Size = (typeof SIZES)[number];

/** A world: the one of the seed, less what is named. */
export interface Described extends Partial<Readonly<Record<Size, number>>> {
  readonly seed: number;
  readonly without?: readonly FaultKind[];
  /** Grade of the participants; absent: as drawn. */
  readonly grade?: Grade;
}

export function draw({ seed, without: kinds, grade, ...sizes }: Described): ScenarioOptions {
  const family = FAMILIES[seed % FAMILIES.length] ?? swarm;
  const drawn = without(family(seed), kinds ?? []);
  return { ...(grade === undefined ? drawn : atGrade(drawn, grade)), ...sizes };
}
