import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';
import { idOfKey, Lookup } from './lookup.ts';

/** S8: when the site hears of a transaction, its begin stands in the ledger, with this location. */
export class IntentFirst implements Checker {
  readonly name = 'S8';
  readonly promise = 'The intent is durable before the first byte leaves.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    for (const { event, kind, key, location, at } of evidence.journal) {
      if (event !== 'call') continue;
      const began = lookup.row(idOfKey(key))?.beganAtMs ?? null;
      findings.expect(
        began !== null && began <= at + evidence.clockToleranceMs,
        () =>
          `${kind} of ${key} reached location ${location} at ${shownTime(at)}, its begin is ${shownTime(began)}`,
      );
    }
    return findings.verdict();
  }
}
