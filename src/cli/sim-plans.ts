/**
 * The plans, deadlines and limits of a configuration, as the simulator takes them. Its locations are called L1, L2 and so
 * on; they take turns at the limits of the configuration. What no such participant withstands is left out, and said.
 */
import type { Config, TypeConfig } from '../config/config.ts';
import { configuredTypes } from '../config/types.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { GRADES, type Grade } from '../core/grade.ts';
import type { FaultKind } from '../sim/fault-kinds.ts';
import { OwnSites } from '../sim/own-sites.ts';
import type { OwnPlans } from '../sim/scenario.ts';

export interface SimPlans {
  readonly own: OwnPlans;
  /** The lowest grade of all participants that are called. */
  readonly grade: Grade;
  /** Faults that these plans leave to people. */
  readonly without: readonly FaultKind[];
  /** What is not simulated, for people. */
  readonly notes: readonly string[];
}

/** Throws SB-5002 (final) when nothing of the configuration can be simulated. */
export function simPlans(config: Config): SimPlans {
  const gradeOf = (participant: string): Grade => config.participants[participant]?.grade ?? 'G3';
  const all = Object.entries(config.types ?? {});
  const left = all.filter(([, type]) => isSimulated(type, gradeOf));
  if (config.types !== null && left.length === 0)
    throw new SignalboxError(
      'SB-5002',
      'types: none can be simulated: all have several steps below grade G2',
      {
        final: true,
      },
    );
  const names = config.types === null ? ['apply'] : left.map(([name]) => name);
  const participants =
    config.types === null
      ? ['default']
      : left.flatMap(([, { steps }]) => steps.map((step) => step.participant));
  const types = configuredTypes(config);
  const slots = [...config.limits.map(({ concurrency }) => concurrency), config.concurrency];
  const irreversible = left.some(([, { steps }]) => steps.slice(0, -1).some((step) => step.irreversible));
  const notes = [
    ...all.filter((entry) => !left.includes(entry)).map(([name]) => `${name}: several steps below grade G2`),
    ...(irreversible ? ['refusals: an irreversible step before another leaves them to a person'] : []),
  ];
  return {
    own: {
      types: { ...types, concurrencyOf: (location) => slots[Number(location.slice(1)) % slots.length] ?? 1 },
      transaction: (index) => ({
        type: names[Math.abs(index) % names.length] ?? 'apply',
        data: { amount: index },
      }),
      siteOf: (parts) => new OwnSites(parts, gradeOf),
    },
    grade: lowest(participants.map(gradeOf)),
    without: irreversible ? ['answers', 'people'] : [],
    notes: notes.map((note) => `not simulated: ${note}`),
  };
}

/** A reversal needs a participant that can be asked; below G2 only people undo steps. */
function isSimulated({ steps }: TypeConfig, gradeOf: (participant: string) => Grade): boolean {
  return steps.length === 1 || ['G3', 'G2'].includes(lowest(steps.map((step) => gradeOf(step.participant))));
}

function lowest(grades: readonly Grade[]): Grade {
  return GRADES[Math.max(0, ...grades.map((grade) => GRADES.indexOf(grade)))] ?? 'G3';
}
