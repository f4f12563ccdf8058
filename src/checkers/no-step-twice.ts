import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';

/** S6 from the site alone: an effect starts once for a key, and is done once. */
export class NoStepTwice implements Checker {
  readonly name = 'S6';
  readonly promise = 'No step is effected twice.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const first = new Map<string, number>();
    for (const { event, kind, key, location, at, outcome } of evidence.journal) {
      const what =
        event === 'started' && kind === 'execute'
          ? 'started'
          : event === 'ended' && outcome === 'done'
            ? 'done'
            : null;
      if (what === null) continue;
      const before = first.get(`${what} ${key}`);
      findings.expect(
        before === undefined,
        () =>
          `${key} at location ${location} was ${what} at ${shownTime(before ?? null)} and again at ${shownTime(at)}`,
      );
      first.set(`${what} ${key}`, before ?? at);
    }
    return findings.verdict();
  }
}
