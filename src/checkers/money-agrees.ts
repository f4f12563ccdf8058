import { type Checker, Findings, type Verdict } from './checker.ts';
import type { Evidence, JournalEntry, TransactionRow } from './evidence.ts';
import { idOfKey, Lookup, rowText } from './lookup.ts';

/** In minor units. */
interface Sums {
  readonly location: string;
  readonly currency: string;
  ledger: number;
  site: number;
}

/**
 * S14: what a withdrawal asks for is a positive integer, the notes of its receipt are worth it, and at each location
 * and currency the completed withdrawals of the ledger are worth what the site dispensed and did not take back. What
 * a person has decided counts on neither side: the site need not know of it.
 */
export class MoneyAgrees implements Checker {
  readonly name = 'S14';
  readonly promise = 'Money is integer minor units; sums agree between ledger and journals.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const decided = new Set(
      evidence.transitions.flatMap(({ id, event }) => (event === 'decide' ? [id] : [])),
    );
    const sums = new Map<string, Sums>();
    const sumsOf = ({ location }: TransactionRow, currency: string): Sums => {
      const place = `${location} ${currency}`;
      const found = sums.get(place) ?? { location, currency, ledger: 0, site: 0 };
      sums.set(place, found);
      return found;
    };
    const worth = worthOfKeys(evidence.journal);
    for (const [key, { notes, standing }] of worth) {
      const row = lookup.row(idOfKey(key));
      const money = row === undefined ? null : moneyIn(row);
      if (row === undefined || money === null || decided.has(row.id)) continue;
      findings.expect(
        notes === money.amount,
        () => `${rowText(row)} asks for ${money.amount}, the site gave ${notes}`,
      );
      if (standing) sumsOf(row, money.currency).site += notes;
    }
    for (const row of lookup.rows) {
      const money = decided.has(row.id) ? null : moneyIn(row);
      if (money === null || row.state !== 'completed') continue;
      findings.expect(
        Number.isSafeInteger(money.amount) && money.amount > 0,
        () => `${rowText(row)} is completed with an amount of ${money.amount}`,
      );
      sumsOf(row, money.currency).ledger += money.amount;
    }
    for (const { location, currency, ledger, site } of sums.values()) {
      findings.expect(
        ledger === site,
        () => `location ${location}: ${ledger} ${currency} in the ledger, ${site} by the site's journal`,
      );
    }
    return findings.verdict();
  }
}

/** What the notes of each key are worth, and whether they are still out there. */
function worthOfKeys(journal: readonly JournalEntry[]): Map<string, { notes: number; standing: boolean }> {
  const worth = new Map<string, { notes: number; standing: boolean }>();
  for (const { event, key, outcome, evidence } of journal) {
    if (event === 'ended' && outcome === 'done' && evidence?.notes !== undefined) {
      const counts = Object.entries(evidence.notes as Record<string, number>);
      const notes = counts.reduce((sum, [denomination, count]) => sum + Number(denomination) * count, 0);
      worth.set(key, { notes, standing: true });
    }
    const before = worth.get(key);
    if (event === 'reversed' && before !== undefined) worth.set(key, { ...before, standing: false });
  }
  return worth;
}

/** Null for a transaction without money. */
function moneyIn({ payload }: TransactionRow): { amount: number; currency: string } | null {
  const { data } = JSON.parse(payload) as { data?: { amount?: unknown; currency?: unknown } };
  if (data?.amount === undefined || typeof data.currency !== 'string') return null;
  return { amount: Number(data.amount), currency: data.currency };
}
