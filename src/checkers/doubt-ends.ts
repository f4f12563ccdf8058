import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/** Contract 18: back-off of status queries is at most 10 s, so that all doubt has ended this long after healing. */
const ENDS_WITHIN_MS = 60_000;

/** L3: whatever was in doubt has ended a minute after everything was whole again, or after the doubt began. */
export class DoubtEnds implements Checker {
  readonly name = 'L3';
  readonly promise = 'No doubt stays open while the participant answers.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const doubtAtMs = new Map<string, number>();
    for (const { id, to, atMs } of evidence.transitions) {
      if (to === 'in_doubt') doubtAtMs.set(id, atMs);
    }
    for (const [id, atMs] of doubtAtMs) {
      const row = lookup.row(id);
      if (row === undefined) continue;
      const endsByMs = Math.max(atMs, evidence.healedAtMs) + ENDS_WITHIN_MS;
      findings.expect(
        (row.finishedAtMs ?? Number.POSITIVE_INFINITY) <= endsByMs,
        () =>
          `${rowText(row)} was in doubt at ${shownTime(atMs)} and ended at ${shownTime(row.finishedAtMs)}; ` +
          `everything was whole at ${shownTime(evidence.healedAtMs)}`,
      );
    }
    return findings.verdict();
  }
}
