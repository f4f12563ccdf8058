/**
 * The exhaustive mode: two workers, two locations, three transactions at each, and at every named point of the engine
 * every kind of mishap; then every ordered pair of them. A point may lie off the way of one small world (nothing was
 * parked, nothing lost), so each plan is tried in a few until all of it has happened.
 */
import { POINTS } from '../engine/points.ts';
import { NO_FAULTS } from './faults.ts';
import { MISHAP_KINDS, type Mishap } from './mishaps.ts';
import { Scenario, type ScenarioOptions, type ScenarioReport } from './scenario.ts';

export type Plan = readonly Mishap[];

/** Worlds in which a plan is tried. */
const WORLDS_MAX = 60;
/** Time for two mishaps, each with what follows from it, in ms. */
const FAULT_MS = 30_000;

const SINGLES: readonly Mishap[] = POINTS.flatMap((point) => MISHAP_KINDS.map((kind) => ({ point, kind })));

/** Every mishap alone, then every ordered pair. */
function allPlans(): Plan[] {
  return [
    ...SINGLES.map((mishap) => [mishap]),
    ...SINGLES.flatMap((first) => SINGLES.map((second) => [first, second])),
  ];
}

/** Plans whose text holds this; of pairs one in so many, spread over all of them. */
export function somePlans({ text, every }: PlanChoice): Plan[] {
  const chosen = allPlans().filter((plan, index) => plan.length === 1 || index % every === 0);
  return chosen.filter((plan) => planText(plan).includes(text));
}

export interface PlanChoice {
  readonly text: string;
  readonly every: number;
}

export function planText(plan: Plan): string {
  return plan.map(({ point, kind }) => `${kind} at ${point}`).join(', then ');
}

export interface PlanOutcome {
  readonly plan: Plan;
  /** Whether all of it happened in the last world. */
  readonly happened: boolean;
  readonly worlds: number;
  /** The last world. */
  readonly options: ScenarioOptions;
  readonly report: ScenarioReport;
}

export function planOfText(text: string): Plan {
  return allPlans().find((plan) => planText(plan) === text) ?? [];
}

/** Runs worlds until all of the plan has happened in one, or one has violations. */
export async function runPlan(plan: Plan): Promise<PlanOutcome> {
  for (let worlds = 1; ; worlds += 1) {
    const options = smallWorld(plan, worlds);
    const report = await new Scenario(options).run();
    const happened = report.mishaps === plan.length;
    const isLast = happened || report.violations.length > 0 || worlds === WORLDS_MAX;
    if (isLast) return { plan, happened, worlds, options, report };
  }
}

function smallWorld(mishaps: Plan, seed: number): ScenarioOptions {
  return {
    seed,
    workers: 2,
    partitions: 2,
    locations: 2,
    transactions: 6,
    concurrency: 1,
    // Every other world has something to reverse.
    steps: 1 + (seed % 2),
    // A little of everything, so that the ways lead past every point.
    faults: {
      ...NO_FAULTS,
      commitLost: 0.05,
      callLost: 0.05,
      refuse: 0.2,
      retry: 0.1,
      rebalancesPerSecond: 0.3,
    },
    faultMs: FAULT_MS,
    deadlineMs: 60_000,
    duplicates: 0,
    conflicts: 0,
    badRecords: 0,
    expiring: 0,
    people: { stuckPerSecond: 0.4, limitsPerSecond: 0, commandsPerSecond: 0.5 },
    parkedMax: 250_000,
    waitingRecordsMax: 200,
    siteDefect: null,
    grade: 'G3',
    mishaps,
  };
}
