/**
 * `signalbox sim`: the real engine in simulated worlds under faults. Exit code 0 when every world kept every promise and
 * every point of the list was reached, else 1 with the story of what failed and the command that shows it again.
 */
import { writeFile } from 'node:fs/promises';
import type { World } from '../engine/ports.ts';
import type { Failure, Totals } from '../sim/campaign.ts';
import { type Described, draw } from '../sim/draw.ts';
import { planOfText, runPlan, somePlans } from '../sim/exhaustive.ts';
import type { FaultKind } from '../sim/fault-kinds.ts';
import { type OwnPlans, Scenario } from '../sim/scenario.ts';
import { shrink } from '../sim/shrink.ts';
import { neverReached } from '../sim/sometimes.ts';
import { storyOf } from '../sim/story.ts';
import { loadPlans } from './sim-load.ts';
import { type SimOutcome, type ToldFailure, verdictOf } from './sim-outcome.ts';
import { simReport } from './sim-report.ts';
import { runThreads } from './sim-threads.ts';
import type { Worlds } from './sim-work.ts';
import { duration, fields, show, type Terminal } from './terminal.ts';

export interface SimOptions {
  readonly worlds: Worlds;
  readonly minutes: number | null;
  readonly without: readonly FaultKind[];
  readonly config: string | null;
  readonly threads: number;
  /** File of the report; null: none is written. */
  readonly report: string | null;
}

export interface SimDoors {
  readonly world: World;
  readonly folder: string;
  readonly machine: string;
}

/** Below this many worlds, and where faults were left out, a point that was never reached proves nothing. */
const WORLDS_THAT_REACH_ALL = 1_000;
/** So many failures are made smaller and told. */
const TOLD_MAX = 3;
/** Between two lines of progress where nothing can be redrawn, in ms. */
const LINE_MS = 60_000;
const MS_A_MINUTE = 60_000;
const MS_AN_HOUR = 3_600_000;

export async function simCommand(options: SimOptions, doors: SimDoors, terminal: Terminal): Promise<number> {
  const { world, folder, machine } = doors;
  const { worlds, minutes, config, threads } = options;
  const plans = await loadPlans({ config, folder });
  const startedMs = world.monotonic();
  const untilMs = minutes === null ? null : world.now() + minutes * MS_A_MINUTE;
  const progress = progressOf(options, startedMs, { world, terminal });
  const work = { worlds, untilMs, without: options.without, config, folder };
  const { totals, unhappened } = await runThreads(work, { threads, told: progress });
  const tookMs = world.monotonic() - startedMs;
  if (terminal.tty) terminal.err('\r\x1b[K');
  const failures: ToldFailure[] = [];
  for (const failure of totals.failures.slice(0, TOLD_MAX))
    failures.push(await toldFailure(failure, plans?.own ?? null, config));
  const mustReachAll =
    worlds.mode === 'seeds' &&
    totals.worlds >= WORLDS_THAT_REACH_ALL &&
    options.without.length === 0 &&
    plans === null;
  const never = neverReached(totals.reached);
  const isMissed = unhappened.length > 0 || (mustReachAll && never.length > 0);
  const ok = totals.worlds > 0 && totals.failures.length === 0 && !isMissed;
  const notes = plans?.notes ?? [];
  const reached = { neverReached: never, mustReachAll, unhappened };
  const outcome = { ok, machine, tookMs, threads, totals, ...reached, failures, notes };
  if (options.report !== null) await writeFile(options.report, simReport(outcome, new Date(world.now())));
  show(terminal, outcome, () => linesOf(outcome));
  return ok ? 0 : 1;
}

/** A line that is redrawn on a terminal; elsewhere one a minute. */
function progressOf(
  { worlds, minutes }: SimOptions,
  startedMs: number,
  { world, terminal }: { readonly world: World; readonly terminal: Terminal },
): (totals: Totals) => void {
  let saidMs = startedMs;
  return ({ worlds: run, transactions, faults, failures }) => {
    const nowMs = world.monotonic();
    if (!terminal.tty && nowMs - saidMs < LINE_MS) return;
    saidMs = nowMs;
    const share = shareOf(worlds, { run, minutes, passedMs: nowMs - startedMs });
    const bar = share === null ? '' : `${barOf(share)} ${Math.floor(share * 100)} %  `;
    const counts = `${count(run)} worlds, ${count(transactions)} transactions, ${count(faults)} faults, ${failures.length} failures`;
    const line = `${bar}${counts}, ${duration(nowMs - startedMs)}`;
    if (terminal.tty) process.stderr.write(`\r\x1b[K${line.slice(0, terminal.columns - 1)}`);
    else terminal.err(line);
  };
}

function shareOf(
  worlds: Worlds,
  {
    run,
    minutes,
    passedMs,
  }: { readonly run: number; readonly minutes: number | null; readonly passedMs: number },
): number | null {
  if (minutes !== null) return Math.min(1, passedMs / (minutes * MS_A_MINUTE));
  if (worlds.mode === 'seeds' && worlds.seeds !== null) return run / worlds.seeds;
  if (worlds.mode !== 'exhaustive') return null;
  return run / somePlans(worlds.plans).length;
}

function barOf(share: number): string {
  const cells = 20;
  const full = Math.round(share * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}

// ------------------------------------------------------------------------------------------ failures

async function toldFailure(
  failure: Failure,
  own: OwnPlans | null,
  config: string | null,
): Promise<ToldFailure> {
  if (failure.plan !== undefined) return await toldPlan(failure.plan, failure);
  const shrunk = await shrink(failure, { own });
  const { scenario, violations } = await runAgain(shrunk.described, own);
  const plans = config === null ? '' : `--config ${config} `;
  return {
    command: `npx signalbox sim ${plans}--world '${JSON.stringify(shrunk.described)}'`,
    violations,
    story: storyOf(scenario, violations),
  };
}

async function toldPlan(text: string, { violations }: Failure): Promise<ToldFailure> {
  const { options } = await runPlan(planOfText(text));
  const scenario = new Scenario(options);
  await scenario.run();
  const command = `npx signalbox sim --exhaustive --plan '${text}'`;
  return { command, violations, story: storyOf(scenario, violations) };
}

async function runAgain(
  described: Described,
  own: OwnPlans | null,
): Promise<{ readonly scenario: Scenario; readonly violations: readonly string[] }> {
  const scenario = new Scenario(draw(described), own);
  const { violations } = await scenario.run();
  return { scenario, violations };
}

// ------------------------------------------------------------------------------------------ for people

function linesOf(outcome: SimOutcome): string[] {
  const { totals, tookMs, threads, failures, notes, unhappened, mustReachAll } = outcome;
  const { worlds, transactions, faults, compared, virtualMs, events } = totals;
  const seconds = Math.max(0.001, tookMs / 1_000);
  const never = outcome.neverReached;
  const reached = Object.keys(totals.reached).length;
  return [
    ...fields([
      ['worlds', `${count(worlds)}, ${count(compared)} of them run twice and compared`],
      [
        'transactions',
        `${count(transactions)}: ${count(totals.completed)} completed, ${count(totals.rolledBack)} rolled back`,
      ],
      ['faults', count(faults)],
      ['simulated', `${(virtualMs / MS_AN_HOUR).toFixed(1)} h, ${count(events)} events`],
      [
        'took',
        `${duration(tookMs)} with ${threads} threads: ${count(Math.round(transactions / seconds))} transactions a second`,
      ],
      ['points', `${reached} reached, ${never.length} never`],
      ['machine', outcome.machine],
    ]),
    ...(never.length > 0 && worlds > 1 && (mustReachAll || never.length < reached)
      ? never.map((point) => `never reached: ${point}`)
      : []),
    ...unhappened.map((plan) => `never happened: ${plan}`),
    ...notes,
    ...failures.flatMap(({ command, story }) => ['', ...story, `again: ${command}`]),
    '',
    `${verdictOf(outcome)}.`,
  ];
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
