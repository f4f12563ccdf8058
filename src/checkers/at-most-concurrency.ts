import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, JournalEntry, TransactionRow } from './evidence.ts';
import { idOfKey, Lookup, rowText } from './lookup.ts';

/**
 * S1, twice: from the ledger, a slot of a location has one holder at a time and no slot lies above the concurrency;
 * from the site, at most `concurrency` transactions have an effect under way at a location.
 */
export class AtMostConcurrency implements Checker {
  readonly name = 'S1';
  readonly promise = 'At most `concurrency` transactions are between intent and outcome at a location.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const begun = new Lookup(evidence).rows.filter((row) => row.beganAtMs !== null);
    const slots = Map.groupBy(begun, ({ location, slot }) => `${location}/${slot}`);
    for (const holders of slots.values()) {
      const [first] = holders;
      if (first === undefined) continue;
      const concurrency = evidence.concurrencyOf(first.location);
      findings.expect(
        first.slot !== null && first.slot <= concurrency,
        () => `${rowText(first)} began above the concurrency ${concurrency}`,
      );
      judgeSlot(holders, findings);
    }
    const places = Map.groupBy(evidence.journal, ({ location }) => location);
    for (const [location, lines] of places) judgeSite(lines, evidence.concurrencyOf(location), findings);
    return findings.verdict();
  }
}

/** A begin may have the time of the finish before it: they are one commit. */
function judgeSlot(holders: readonly TransactionRow[], findings: Findings): void {
  const endOf = (row: TransactionRow): number => row.finishedAtMs ?? Number.POSITIVE_INFINITY;
  const ordered = [...holders].sort(
    (a, b) => (a.beganAtMs ?? 0) - (b.beganAtMs ?? 0) || endOf(a) - endOf(b) || a.offset - b.offset,
  );
  let before: TransactionRow | null = null;
  for (const row of ordered) {
    const other: TransactionRow | null = before;
    findings.expect(
      other === null || (row.beganAtMs ?? 0) >= endOf(other),
      () =>
        `${rowText(row)} began at ${shownTime(row.beganAtMs)} while ${other === null ? '' : rowText(other)} ` +
        `held the slot until ${shownTime(other?.finishedAtMs ?? null)}`,
    );
    if (before === null || endOf(row) > endOf(before)) before = row;
  }
}

function judgeSite(lines: readonly JournalEntry[], concurrency: number, findings: Findings): void {
  /** Keys with an effect under way. */
  const underWay = new Set<string>();
  for (const { event, key, location, at } of lines) {
    if (event === 'ended' || event === 'reversed') underWay.delete(key);
    if (event !== 'started') continue;
    underWay.add(key);
    const transactions = new Set([...underWay].map(idOfKey));
    findings.expect(
      transactions.size <= concurrency,
      () =>
        `location ${location}: at ${shownTime(at)} effects of ${[...transactions].join(', ')} are under way, ` +
        `its concurrency is ${concurrency}`,
    );
  }
}
