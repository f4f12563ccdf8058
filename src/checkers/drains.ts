import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, TransactionRow, WorkerEvent } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/**
 * L6: a worker that gets SIGTERM begins nothing after it and ends by itself before the deadline, with code 0. One
 * that gets a second SIGTERM, or SIGKILL, before its end is not judged on the code.
 */
export class Drains implements Checker {
  readonly name = 'L6';
  readonly promise = 'SIGTERM drains: no new begins, exit before the deadline.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const rows = new Lookup(evidence).rows.filter((row) => row.beganAtMs !== null);
    evidence.workers.forEach((event, index) => {
      if (event.event !== 'sigterm') return;
      const life = lifeAround(evidence.workers, index);
      if (life.before.some(({ event }) => event === 'sigterm')) return;
      judgeExit(evidence, event, life.after, findings);
      const end = life.after.find(({ event }) => event === 'exited')?.atMs ?? Number.POSITIVE_INFINITY;
      for (const row of rows) {
        const began = row.beganAtMs ?? 0;
        if (began > end || beginner(evidence, row) !== event.worker) continue;
        findings.expect(
          began <= event.atMs + evidence.clockToleranceMs,
          () =>
            `${rowText(row)} was begun by ${event.worker} at ${shownTime(began)}, ` +
            `after its SIGTERM at ${shownTime(event.atMs)}`,
        );
      }
    });
    return findings.verdict();
  }
}

/** Events of the same worker from its start before `index` to its end after it. */
function lifeAround(
  events: readonly WorkerEvent[],
  index: number,
): { before: readonly WorkerEvent[]; after: readonly WorkerEvent[] } {
  const worker = events[index]?.worker;
  const earlier = events.slice(0, index).filter((event) => event.worker === worker);
  const later = events.slice(index + 1).filter((event) => event.worker === worker);
  const start = earlier.findLastIndex(({ event }) => event === 'started');
  const end = later.findIndex(({ event }) => event === 'started');
  return { before: earlier.slice(start + 1), after: end === -1 ? later : later.slice(0, end) };
}

function judgeExit(
  { exitDeadlineMs }: Evidence,
  { worker, atMs }: WorkerEvent,
  after: readonly WorkerEvent[],
  findings: Findings,
): void {
  const exit = after.find((event) => event.event === 'exited');
  const took = (exit?.atMs ?? Number.POSITIVE_INFINITY) - atMs;
  findings.expect(
    took <= exitDeadlineMs,
    () =>
      `${worker} got SIGTERM at ${shownTime(atMs)} and ended at ${shownTime(exit?.atMs ?? null)}, ` +
      `its deadline is ${exitDeadlineMs} ms`,
  );
  const forced = after.some(({ event }) => event === 'sigterm' || event === 'sigkill');
  if (exit === undefined || forced) return;
  findings.expect(exit.exitCode === 0, () => `${worker} ended with code ${exit.exitCode} after SIGTERM`);
}

/** Who owned the partition when the row was begun. */
function beginner({ takeOvers }: Evidence, row: TransactionRow): string {
  const owner = takeOvers.findLast(
    ({ partition, atMs }) => partition === row.partition && atMs <= (row.beganAtMs ?? 0),
  );
  return owner?.worker ?? row.worker;
}
