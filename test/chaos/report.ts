/** The judgement of a run: its summary, everything that speaks against it, and a page for each violation. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { judge, summaryOf } from '../rig/judge.ts';
import { SESSION_TIMEOUT_MS } from '../rig/stage.ts';
import type { Crew } from './crew.ts';
import type { FaultLog } from './fault-log.ts';
import { healthyRatio, slowedDown } from './healthy.ts';
import { stuckTenth } from './inject.ts';
import { lateRecoveries, recoveriesOf, recoveryText } from './recovery.ts';
import type { ChaosSettings } from './run.ts';
import { type Schedule, scheduleText } from './schedule.ts';
import { storyOf, storyText } from './story.ts';
import { timelinePage } from './timeline-page.ts';

export interface ChaosReport {
  readonly transactions: number;
  readonly faults: number;
  readonly summary: readonly string[];
  /** None: the run has passed. */
  readonly failures: readonly string[];
  /** Seed, schedule and stories of a failed run; else empty. */
  readonly stories: readonly string[];
}

export interface ReportSettings {
  readonly evidence: Evidence;
  readonly schedule: Schedule;
  readonly log: FaultLog;
  readonly crew: Crew;
  readonly audit: { readonly rows: number; readonly brokenAt: number | null };
  /** Transactions that a person had to decide. */
  readonly decided: number;
  readonly startedMs: number;
  readonly loadMs: number;
  readonly settings: ChaosSettings;
}

/** The rate of the first second is that of a start; what was under way when the jam came still ends. */
const EDGE_MS = 2_000;
/** A broken run breaks a promise thousands of times: so many get a page of their own. */
const STORIES_MAX = 5;

export async function report(all: ReportSettings): Promise<ChaosReport> {
  const { evidence, schedule, log, crew, audit, settings, loadMs, decided } = all;
  const found = judge(evidence);
  const violations = found
    .filter(({ kept }) => !kept)
    .flatMap(({ name, violations: each }) => each.map((one) => `${name}: ${one}`));
  const recoveries = recoveriesOf(evidence, log.entries);
  const ratio = healthyRatioOf(all);
  const failures = [
    ...violations,
    ...log.missing(schedule),
    ...crew.strange,
    ...lateRecoveries(recoveries, SESSION_TIMEOUT_MS),
    ...slowedDown(ratio),
    ...(audit.brokenAt === null ? [] : [`S16: the audit is broken at row ${audit.brokenAt}`]),
    ...(evidence.transactions.some(({ state }) => state === 'completed') ? [] : ['nothing was completed']),
  ];
  const summary = [
    `chaos of seed ${settings.seed}: ${settings.workers} workers, ${settings.locations} locations, ` +
      `${settings.rate} records/s, ${(loadMs / 1000).toFixed(0)} s from the first record to the last end`,
    ...summaryOf(evidence, found),
    `${log.fired.length} faults took hold: ${log.countsText()}`,
    `kill points hit: ${[...log.hits].map(([point, times]) => `${point} ${times}`).join(', ')}`,
    recoveryText(recoveries),
    `healthy locations with a tenth stuck: ${ratio.toFixed(2)} of their rate in the calm before`,
    `parked ${evidence.transactions.filter(({ parkedAtMs }) => parkedAtMs !== null).length} transactions; ` +
      `a person decided ${decided}; audit of ${audit.rows} rows ${audit.brokenAt === null ? 'holds' : 'is broken'}`,
    failures.length === 0 ? 'PASSED' : `FAILED: ${failures.length} reasons`,
  ];
  const stories = failures.length === 0 ? [] : await tell(violations, all);
  return {
    transactions: evidence.transactions.length,
    faults: log.fired.length,
    summary,
    failures,
    stories,
  };
}

function healthyRatioOf({ evidence, log, settings, startedMs }: ReportSettings): number {
  const stuck = log.entries.find(({ kind }) => kind === 'stuck');
  if (stuck === undefined || stuck.toMs === null) return 0;
  const places = new Set(stuckTenth(settings.locations));
  const windows = {
    calm: { fromMs: startedMs + EDGE_MS, toMs: stuck.fromMs },
    stuck: { fromMs: stuck.fromMs + EDGE_MS, toMs: stuck.toMs },
  };
  return healthyRatio(evidence, windows, (location) => places.has(location));
}

async function tell(violations: readonly string[], all: ReportSettings): Promise<string[]> {
  const { evidence, schedule, log, settings } = all;
  const lines = [...scheduleText(schedule)];
  await mkdir(settings.pages, { recursive: true });
  for (const [index, violation] of violations.slice(0, STORIES_MAX).entries()) {
    const story = storyOf(violation, evidence, log.entries);
    if (story === null) continue;
    const path = join(settings.pages, `seed-${settings.seed}-violation-${index + 1}.html`);
    await writeFile(path, timelinePage(story, settings.seed));
    lines.push(...storyText(story), `timeline: ${path}`);
  }
  return lines;
}
