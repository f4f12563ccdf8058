/** One thread of a simulation: runs its share of the worlds and tells what they add up to. */
import { parentPort, workerData } from 'node:worker_threads';
import { addReport, noWorlds, runWorld, type Totals } from '../sim/campaign.ts';
import { type PlanChoice, planText, runPlan, somePlans } from '../sim/exhaustive.ts';
import { loadPlans } from './sim-load.ts';
import type { SimNews, SimWork } from './sim-work.ts';

/** News this often, in ms. */
const NEWS_MS = 500;
/** A thread that has found so many failures has found enough. */
const FAILURES_MAX = 3;

const work = workerData as SimWork;
let totals: Totals = noWorlds();
let unhappened: string[] = [];
let failures = 0;
let toldMs = Date.now();

function tell(): void {
  failures += totals.failures.length;
  parentPort?.postMessage({ totals, unhappened } satisfies SimNews);
  totals = noWorlds();
  unhappened = [];
  toldMs = Date.now();
}

function isOver(): boolean {
  const nowMs = Date.now();
  if (nowMs - toldMs > NEWS_MS || totals.failures.length > 0) tell();
  return failures >= FAILURES_MAX || (work.untilMs !== null && nowMs >= work.untilMs);
}

async function runSeeds(seed: number, seeds: number | null): Promise<void> {
  const plans = await loadPlans(work);
  const { index, of } = work;
  const without = [...work.without, ...(plans?.without ?? [])];
  const chosen = { without, ...(plans === null ? {} : { grade: plans.grade }) };
  for (let world = index; world < (seeds ?? Number.POSITIVE_INFINITY) && !isOver(); world += of)
    await runWorld({ seed: seed + world, ...chosen }, totals, { own: plans?.own ?? null });
}

async function runPlans(choice: PlanChoice): Promise<void> {
  const plans = somePlans(choice);
  for (let index = work.index; index < plans.length && !isOver(); index += work.of) {
    const { plan, report, happened } = await runPlan(plans[index] ?? []);
    addReport(totals, report);
    if (!happened) unhappened.push(planText(plan));
    const { seed } = report;
    if (report.violations.length > 0)
      totals.failures.push({ described: { seed }, plan: planText(plan), violations: report.violations });
  }
}

// Simulated failures are errors by the thousand. Where one matters its world is run once more, with its stacks.
if (work.worlds.mode !== 'world') Error.stackTraceLimit = 0;

const { worlds } = work;
if (worlds.mode === 'seeds') await runSeeds(worlds.seed, worlds.seeds);
else if (worlds.mode === 'exhaustive') await runPlans(worlds.plans);
else if (work.index === 0) {
  const own = (await loadPlans(work))?.own ?? null;
  await runWorld(worlds.described, totals, { own, compared: true });
}
tell();
