/**
 * One run: a load on real broker, ledger and site, everything of the schedule done to it, then calm, then judgement.
 *
 * R1 The load goes on until every fault and kill point has had its turn, at most EXTRA_MS beyond the schedule.
 * R2 What is judged is what is left behind after everything is whole again and nothing is left to do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { meanSite } from '../rig/mean-site.ts';
import type { Producer } from '../rig/producer.ts';
import { SESSION_TIMEOUT_MS, Stage } from '../rig/stage.ts';
import { until } from '../rig/wait.ts';
import { mendLinks } from '../rig/worker-links.ts';
import { makeWorkload } from '../rig/workload.ts';
import { Crew } from './crew.ts';
import { FaultLog } from './fault-log.ts';
import { inject } from './inject.ts';
import { Operator } from './operator.ts';
import { type ChaosReport, report } from './report.ts';
import { faultText, makeSchedule, type Schedule, scheduleText } from './schedule.ts';

export interface ChaosSettings {
  readonly seed: number;
  /** Of load, before what R1 adds. */
  readonly minutes: number;
  readonly workers: number;
  readonly locations: number;
  /** Records a second. */
  readonly rate: number;
  /** Each kill point is to be hit so often. */
  readonly armsPerPoint: number;
  /** Holds the pages of violations. */
  readonly pages: string;
  readonly say: (line: string) => void;
}

const PARTITIONS = 24;
const START_MS = 60_000;
/** R1: the last armed workers come to their points in this time. */
const EXTRA_MS = 60_000;
const SETTLE_MS = 180_000;
/** Records that may wait: in a long run faults come faster than a backlog is worked off. */
const BACKLOG_MAX = 10_000;
/** Faults that have not taken hold are tried so often again. */
const ROUNDS_MORE = 3;
const PROGRESS_MS = 10_000;
const POLL_MS = 100;
/** Two places more than workers: for bursts of joins. */
const BURST_PLACES = 2;

const SHARES = { duplicate: 0.02, conflict: 0.005, bad: 0.005, expired: 0.005, event: 0.05 };

/** Gives the reason instead when there is no broker. */
export async function runChaos(settings: ChaosSettings): Promise<ChaosReport | { readonly skip: string }> {
  const { seed, workers, say } = settings;
  const schedule = scheduleOf(settings);
  for (const line of scheduleText(schedule)) say(line);
  // Beside the faults of the schedule the site loses answers, is slow, late, garbled: as in the main job.
  const site = meanSite({ seed: `chaos-${seed}`, lostAnswers: 0.01, lostAsks: 0.02 });
  const stage = await Stage.open({ partitions: PARTITIONS, site, places: workers + BURST_PLACES });
  if ('skip' in stage) return stage;
  let passed = false;
  try {
    const found = await onStage(stage, schedule, settings);
    passed = found.failures.length === 0;
    return found;
  } finally {
    await stage.close(passed);
  }
}

function scheduleOf({ seed, minutes, workers, armsPerPoint }: ChaosSettings): Schedule {
  const times = { durationMs: minutes * 60_000, sessionTimeoutMs: SESSION_TIMEOUT_MS };
  return makeSchedule({ seed, places: workers, armsPerPoint, ...times });
}

async function onStage(stage: Stage, schedule: Schedule, settings: ChaosSettings): Promise<ChaosReport> {
  const { workers: places, locations } = settings;
  const log = new FaultLog();
  const crew = new Crew({ stage, log, places, locations, arms: schedule.arms });
  const operator = new Operator({
    connectionString: stage.postgres.connectionString,
    topic: stage.topic.name,
  });
  try {
    crew.start();
    const first = crew.workers;
    await until(
      { what: 'the first workers are ready', timeoutMs: START_MS, pollMs: POLL_MS },
      () => crew.allReady,
    );
    await stage.ownedBy(first, START_MS);
    const startedMs = Date.now();
    const producer = produce(stage, settings);
    const progress = sayProgress({ stage, crew, log, producer, startedMs, settings });
    await undergo(schedule, { stage, crew, log, places, locations, startedMs, say: settings.say });
    await producer.stop();
    for (const links of stage.links) mendLinks(links);
    await stage.settle(SETTLE_MS);
    progress.stop();
    const loadMs = Date.now() - startedMs;
    // Drains are judged too: the last workers are told to leave before the evidence is taken.
    await crew.end();
    const audit = await operator.auditText();
    const evidence = await stage.collect(log.fired.length);
    const decided = operator.decided;
    return await report({ evidence, schedule, log, crew, audit, decided, startedMs, loadMs, settings });
  } finally {
    await operator.close();
    await crew.end();
  }
}

function produce(stage: Stage, { seed, minutes, locations, rate }: ChaosSettings): Producer {
  const transactions = Math.ceil(rate * (minutes * 60 + EXTRA_MS / 1000));
  const workload = { seed, run: `chaos-${seed}`, transactions, locations, skew: 0.5, shares: SHARES };
  return stage.produceNotAhead(makeWorkload(workload), rate, BACKLOG_MAX);
}

/** Every fault at its time, whatever the others do; then the kill points that are left. */
async function undergo(
  schedule: Schedule,
  doors: Parameters<typeof inject>[1] & { readonly startedMs: number; readonly say: (line: string) => void },
): Promise<void> {
  const { crew, startedMs, say } = doors;
  const done: Promise<void>[] = [];
  for (const fault of schedule.faults) {
    await delay(Math.max(0, startedMs + fault.atMs - Date.now()));
    say(`  ${((Date.now() - startedMs) / 1000).toFixed(1)} s: ${faultText(fault)}`);
    const over = inject(fault, doors);
    over.catch(() => undefined); // told below, when all are over
    done.push(over);
  }
  await Promise.all(done);
  const again = onceMore(schedule, doors);
  await delay(Math.max(0, startedMs + schedule.durationMs - Date.now()));
  const timeoutMs = startedMs + schedule.durationMs + EXTRA_MS - Date.now();
  const what = 'every kill point was hit';
  // Which one was not is in the report.
  await until({ what, timeoutMs, pollMs: POLL_MS }, () => crew.hit >= schedule.arms.length).catch(() =>
    say(`not: ${what}`),
  );
  await again;
}

/** A fault that met no ready worker, or no connection in use, gets other chances at other places. */
async function onceMore(schedule: Schedule, doors: Parameters<typeof undergo>[1]): Promise<void> {
  const { log, places, say } = doors;
  for (let round = 1; round <= ROUNDS_MORE; round += 1) {
    for (const fault of log.unfired(schedule)) {
      say(`  once more: ${fault.kind}`);
      await inject({ ...fault, place: (fault.place + round) % places }, doors);
    }
  }
}

function sayProgress({
  stage,
  crew,
  log,
  producer,
  startedMs,
  settings,
}: {
  readonly stage: Stage;
  readonly crew: Crew;
  readonly log: FaultLog;
  readonly producer: Producer;
  readonly startedMs: number;
  readonly settings: ChaosSettings;
}): { stop(): void } {
  const timer = setInterval(() => {
    void stage.ended().then(
      (ended) =>
        settings.say(
          `${((Date.now() - startedMs) / 1000).toFixed(0)} s: ${producer.acknowledged} records, ${ended} ended, ` +
            `${log.fired.length} faults, ${crew.hit} kill points; ${crew.workers.join(' ')}`,
        ),
      () => settings.say('the ledger does not answer now'),
    );
  }, PROGRESS_MS);
  return { stop: () => clearInterval(timer) };
}
