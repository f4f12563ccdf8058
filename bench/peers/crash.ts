/**
 * The crash: a process is killed with SIGKILL in the middle of its work and started again in the same group. What every
 * handler wrote when it ended, to a file of its own, says what was lost and what was done twice.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, start } from './children.ts';
import type { Job } from './job.ts';
import type { Peer } from './peer.ts';
import type { Stand } from './stand.ts';
import { CRASH_AFTER_MS, type Work } from './works.ts';

/** The same for everybody, so that the broker lets the second process have the partitions soon. */
const SESSION_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
const FIRST_MS_MAX = 60_000;
/** Nothing new for so long: it will not come any more. */
const QUIET_MS = 20_000;
const RESUME_MS_MAX = 45_000;

export interface CrashRun {
  readonly peer: string;
  readonly at: string;
  readonly records: number;
  readonly doneAtKill: number;
  readonly committedAtKill: number;
  readonly lost: number;
  readonly doneTwice: number;
  /** Records that were first done after a later one of their location. */
  readonly outOfOrder: number;
  /** From the start of the second process to the first record it ended, in ms; null: it ended none. */
  readonly resumeMs: number | null;
}

export async function crash(peer: Peer, work: Work, stand: Stand): Promise<CrashRun> {
  const doneLog = join(tmpdir(), `signalbox-peers-${randomUUID()}.log`);
  const { records } = work.dataset;
  const topic = await stand.topicOf(work.dataset, records);
  const job: Job = {
    peer: peer.id,
    work: work.id,
    broker: stand.broker,
    topic,
    group: `${peer.id}-crash-${randomUUID().slice(0, 8)}`,
    records,
    expected: records,
    warmUp: 0,
    handlerMs: work.handlerMs,
    stuckLocation: null,
    postgresUrl: peer.onPostgres === true ? await stand.database() : null,
    timeoutMs: 10 * RESUME_MS_MAX,
    lingerMs: 0,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    doneLog,
  };
  let child = start(peer.command(job));
  try {
    await grown(doneLog, 0, FIRST_MS_MAX);
    await delay(CRASH_AFTER_MS);
    await killed(child);
    const doneAtKill = lines(doneLog).length;
    const committed = await stand.committed(job.group, topic);
    const startedMs = performance.now();
    child = start(peer.command(job));
    const resumed = await grown(doneLog, doneAtKill, RESUME_MS_MAX);
    const resumeMs = resumed ? Math.round(performance.now() - startedMs) : null;
    while (await grown(doneLog, lines(doneLog).length, QUIET_MS)) await delay(POLL_MS);
    return {
      peer: peer.id,
      at: new Date().toISOString(),
      records,
      doneAtKill,
      committedAtKill: committed.reduce((sum, offset) => sum + offset, 0),
      ...judge(lines(doneLog), records),
      resumeMs,
    };
  } finally {
    await killed(child);
    rmSync(doneLog, { force: true });
  }
}

/** `lines`: `number location sequence` of each handler that ended, in that order. */
export function judge(
  lines: readonly string[],
  records: number,
): Pick<CrashRun, 'lost' | 'doneTwice' | 'outOfOrder'> {
  const seen = new Set<number>();
  const highest = new Map<number, number>();
  let outOfOrder = 0;
  for (const line of lines) {
    const [number = -1, location = -1, sequence = -1] = line.split(' ').map(Number);
    if (seen.has(number)) continue;
    seen.add(number);
    const before = highest.get(location) ?? -1;
    if (sequence < before) outOfOrder += 1;
    highest.set(location, Math.max(before, sequence));
  }
  return { lost: records - seen.size, doneTwice: lines.length - seen.size, outOfOrder };
}

function lines(file: string): string[] {
  try {
    // A line that the kill cut is not complete.
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** True as soon as the file has more than `count` lines. */
async function grown(file: string, count: number, msMax: number): Promise<boolean> {
  const untilMs = performance.now() + msMax;
  while (performance.now() < untilMs) {
    if (lines(file).length > count) return true;
    await delay(POLL_MS);
  }
  return false;
}

async function killed(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  await child.ended;
}
