/**
 * L2 from the evidence: how long partitions of a crashed worker stood still, counted as the contract counts (18):
 * from the crash, or from the end of the last other fault before work went on.
 */
import type { Evidence } from '../../src/checkers/evidence.ts';
import type { FaultEntry } from './fault-log.ts';

export interface Recovery {
  readonly worker: string;
  readonly crashedMs: number;
  readonly partition: number;
  /** From the crash to the first begin under the next epoch. */
  readonly tookMs: number;
  /** The same, counted from the end of the last other fault. */
  readonly countedMs: number;
  /** No other fault between crash and begin. */
  readonly clean: boolean;
}

interface Crash {
  readonly worker: string;
  readonly atMs: number;
}

interface Disturbance {
  readonly worker: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface RecoveryEvidence
  extends Pick<Evidence, 'takeOvers' | 'transactions' | 'workers' | 'records'> {}

/** L2. */
const RESUME_GRACE_MS = 5_000;

/** What a take-over does not need. Kill points are in the events of the workers. */
const HARMLESS = /^(kill-point|provoked|stuck|.*-site|site-restart)$/;

/** SIGKILL, by whomever, and hosts that fell silent. A worker crashes once. */
function crashesOf({ workers }: Pick<Evidence, 'workers'>, faults: readonly FaultEntry[]): Crash[] {
  const crashes = new Map<string, Crash>();
  for (const { kind, target, fromMs, fired } of faults) {
    if (kind === 'silent-host' && fired) crashes.set(target, { worker: target, atMs: fromMs });
  }
  for (const { worker, atMs, event } of workers) {
    if (event === 'sigkill' && !crashes.has(worker)) crashes.set(worker, { worker, atMs });
  }
  return [...crashes.values()].sort((a, b) => a.atMs - b.atMs);
}

/** One entry for each partition that a crashed worker owned and that went on to begin something. */
export function recoveriesOf(evidence: RecoveryEvidence, faults: readonly FaultEntry[]): Recovery[] {
  const begins = beginsByPartition(evidence);
  const disturbances = disturbancesOf(evidence, faults);
  return crashesOf(evidence, faults).flatMap((crash) => {
    const owned = ownedAt(evidence, crash);
    return owned.flatMap((partition) => {
      const resumed = resumedMs(evidence, { begins: begins.get(partition) ?? [], partition, crash });
      if (resumed === null) return [];
      return [recoveryOf(crash, partition, { resumed, disturbances })];
    });
  });
}

function recoveryOf(
  { worker, atMs }: Crash,
  partition: number,
  { resumed, disturbances }: { readonly resumed: number; readonly disturbances: readonly Disturbance[] },
): Recovery {
  const others = disturbances.filter(
    (other) => other.worker !== worker && other.toMs > atMs && other.fromMs < resumed,
  );
  const fromMs = others.reduce((last, { toMs }) => Math.max(last, Math.min(toMs, resumed)), atMs);
  const counted = resumed - fromMs;
  const times = { tookMs: resumed - atMs, countedMs: counted, clean: others.length === 0 };
  return { worker, crashedMs: atMs, partition, ...times };
}

function beginsByPartition({ transactions }: RecoveryEvidence): Map<number, number[]> {
  const begins = new Map<number, number[]>();
  for (const { partition, beganAtMs } of transactions) {
    if (beganAtMs === null) continue;
    const list = begins.get(partition);
    if (list === undefined) begins.set(partition, [beganAtMs]);
    else list.push(beganAtMs);
  }
  for (const list of begins.values()) list.sort((a, b) => a - b);
  return begins;
}

/** Partitions whose last take-over before the crash was the worker's. */
function ownedAt({ takeOvers }: RecoveryEvidence, { worker, atMs }: Crash): number[] {
  const partitions = [...new Set(takeOvers.map(({ partition }) => partition))];
  return partitions.filter((partition) => {
    const last = takeOvers.findLast((event) => event.partition === partition && event.atMs <= atMs);
    return last?.worker === worker;
  });
}

/**
 * The first begin after the next take-over; counted are only waits behind which a record was there in time. Null
 * when nothing came any more.
 */
function resumedMs(
  { takeOvers, records }: RecoveryEvidence,
  { begins, partition, crash }: { begins: readonly number[]; partition: number; crash: Crash },
): number | null {
  const next = takeOvers.find((event) => event.partition === partition && event.atMs > crash.atMs);
  if (next === undefined) return null;
  const began = begins.find((atMs) => atMs >= next.atMs);
  if (began === undefined) return null;
  const waiting = records.some(
    (record) =>
      record.partition === partition && record.producedAtMs > crash.atMs && record.producedAtMs < next.atMs,
  );
  return waiting ? began : next.atMs;
}

/** Everything else that was done, with the time it lasted; starts and ends of workers count as moments. */
function disturbancesOf({ workers }: RecoveryEvidence, faults: readonly FaultEntry[]): Disturbance[] {
  const events = workers.map(({ worker, atMs }) => ({ worker, fromMs: atMs, toMs: atMs }));
  const done = faults
    .filter(({ kind, fired }) => fired && !HARMLESS.test(kind))
    .map(({ target, fromMs, toMs }) => ({ worker: target, fromMs, toMs: toMs ?? Number.POSITIVE_INFINITY }));
  return [...events, ...done];
}

/** L2: what speaks against it. A run that measured nothing has shown nothing (L7). */
export function lateRecoveries(recoveries: readonly Recovery[], sessionTimeoutMs: number): string[] {
  const boundMs = sessionTimeoutMs + RESUME_GRACE_MS;
  if (recoveries.length === 0) return ['L2: no recovery was measured'];
  return recoveries
    .filter(({ countedMs }) => countedMs > boundMs)
    .map(({ worker, partition, crashedMs, tookMs, countedMs }) => {
      const at = new Date(crashedMs).toISOString();
      return (
        `L2: partition ${partition} of ${worker}, which crashed at ${at}, went on after ${tookMs.toFixed(0)} ms, ` +
        `${countedMs.toFixed(0)} ms after the last fault; bound ${boundMs}`
      );
    });
}

/** What a person reads of it. */
export function recoveryText(recoveries: readonly Recovery[]): string {
  const all = recoveries.map(({ countedMs }) => countedMs).sort((a, b) => a - b);
  const clean = recoveries.filter((each) => each.clean).map(({ tookMs }) => tookMs);
  clean.sort((a, b) => a - b);
  return (
    `recovery after a crash, from the last fault before: ${spread(all)}; ` +
    `of crashes with nothing else wrong: ${spread(clean)}`
  );
}

function spread(sorted: readonly number[]): string {
  const at = (share: number): string =>
    `${((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000).toFixed(1)} s`;
  if (sorted.length === 0) return 'none';
  return `p50 ${at(0.5)}, worst ${at(1)} (${sorted.length} partitions)`;
}
