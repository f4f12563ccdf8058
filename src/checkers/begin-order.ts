import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, TransactionRow } from './evidence.ts';
import { idOfKey, Lookup, rowText } from './lookup.ts';

/**
 * S2 from the ledger, by the times of the begins, which are whole ms; and from the site where the concurrency is
 * one, by the order in which transactions were first heard of, which knows no ties.
 */
export class BeginOrder implements Checker {
  readonly name = 'S2';
  readonly promise = 'Transactions of a location begin in the order of their records.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const heard = firstHeard(evidence);
    const lanes = Map.groupBy(lookup.rows, ({ partition, location }) => `${partition}/${location}`);
    for (const rows of lanes.values()) {
      const ordered = rows.filter(waitsOrBegan).sort((a, b) => a.offset - b.offset);
      judge(ordered, beganAt, 'began', findings);
      const { location } = rows[0] ?? { location: '' };
      if (evidence.concurrencyOf(location) > 1) continue;
      judge(
        ordered.filter(({ id }) => heard.has(id)),
        ({ id }) => heard.get(id) ?? 0,
        'was heard of at the site',
        findings,
      );
    }
    return findings.verdict();
  }
}

/** Line of the journal at which the site first heard of a transaction. */
function firstHeard({ journal }: Evidence): Map<string, number> {
  const heard = new Map<string, number>();
  journal.forEach(({ event, key }, line) => {
    const id = idOfKey(key);
    if (event === 'call' && !heard.has(id)) heard.set(id, line);
  });
  return heard;
}

/** Expired and cancelled ones ended without a begin. */
function waitsOrBegan(row: TransactionRow): boolean {
  return row.beganAtMs !== null || row.state === 'received';
}

function beganAt(row: TransactionRow): number {
  return row.beganAtMs ?? Number.POSITIVE_INFINITY;
}

function judge(
  ordered: readonly TransactionRow[],
  when: (row: TransactionRow) => number,
  what: string,
  findings: Findings,
): void {
  let before: TransactionRow | null = null;
  for (const row of ordered) {
    const other = before;
    if (other !== null) {
      findings.expect(
        when(row) >= when(other),
        () =>
          `${rowText(row)} ${what} before ${rowText(other)}: their begins are ${shownTime(row.beganAtMs)} ` +
          `and ${shownTime(other.beganAtMs)}`,
      );
    }
    if (other === null || when(row) > when(other)) before = row;
  }
}
