/** Many worlds, one after the other, and what they add up to. */
import { type Described, draw } from './draw.ts';
import type { OwnPlans, ScenarioReport } from './scenario.ts';
import { Scenario } from './scenario.ts';

/** The world of one seed in so many is run twice, and must do the same both times. */
const COMPARED_EVERY = 100;

export interface Failure {
  readonly described: Described;
  /** The plan of the exhaustive mode, if it was one. */
  readonly plan?: string;
  readonly violations: readonly string[];
}

export interface Totals {
  worlds: number;
  /** Worlds that were run twice. */
  compared: number;
  transactions: number;
  completed: number;
  rolledBack: number;
  faults: number;
  events: number;
  virtualMs: number;
  readonly happened: Record<string, number>;
  readonly problems: Record<string, number>;
  readonly reached: Record<string, number>;
  readonly failures: Failure[];
}

export interface RunOptions {
  readonly own?: OwnPlans | null;
  readonly compared?: boolean;
}

export function noWorlds(): Totals {
  return {
    worlds: 0,
    compared: 0,
    transactions: 0,
    completed: 0,
    rolledBack: 0,
    faults: 0,
    events: 0,
    virtualMs: 0,
    happened: {},
    problems: {},
    reached: {},
    failures: [],
  };
}

/** Runs the world and adds it; some are run twice, or all that are `compared`. */
export async function runWorld(
  described: Described,
  totals: Totals,
  { own = null, compared = described.seed % COMPARED_EVERY === 0 }: RunOptions = {},
): Promise<ScenarioReport> {
  const options = draw(described);
  const report = await new Scenario(options, own).run();
  const violations = [...report.violations];
  if (compared) {
    totals.compared += 1;
    const { trace } = await new Scenario(options, own).run();
    if (trace !== report.trace) violations.push(`the same seed made two worlds: ${report.trace}, ${trace}`);
  }
  addReport(totals, report);
  if (violations.length > 0) totals.failures.push({ described, violations });
  return report;
}

export function addReport(totals: Totals, report: ScenarioReport): void {
  const { faults: happened, struck: faults } = report;
  addTotals(totals, { ...report, worlds: 1, compared: 0, faults, happened, failures: [] });
}

/** Adds what another thread has run. */
export function addTotals(to: Totals, from: Totals): void {
  to.worlds += from.worlds;
  to.compared += from.compared;
  to.transactions += from.transactions;
  to.completed += from.completed;
  to.rolledBack += from.rolledBack;
  to.faults += from.faults;
  to.events += from.events;
  to.virtualMs += from.virtualMs;
  addCounts(to.happened, from.happened);
  addCounts(to.problems, from.problems);
  addCounts(to.reached, from.reached);
  to.failures.push(...from.failures);
}

function addCounts(to: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
}
