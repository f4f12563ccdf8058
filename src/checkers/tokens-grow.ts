import type { Token } from '../core/answer.ts';
import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, JournalEntry, TransactionRow } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/**
 * S12: the tokens of a transaction never go down, those of the holders of a slot grow from one to the next, and
 * the site lets no request through below its mark, nor at it for another key.
 */
export class TokensGrow implements Checker {
  readonly name = 'S12';
  readonly promise = 'Tokens only grow.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    this.#judgeHistory(evidence, lookup, findings);
    const begun = lookup.rows.filter((row) => row.beganAtMs !== null);
    const slots = Map.groupBy(begun, ({ location, slot }) => `${location}/${slot}`);
    for (const holders of slots.values()) judgeHolders(holders, findings);
    const accepted = evidence.journal.filter((line) => line.event === 'call' && line.accepted === true);
    const marks = Map.groupBy(accepted, ({ location, slot }) => `${location}/${slot}`);
    for (const calls of marks.values()) judgeCalls(calls, findings);
    return findings.verdict();
  }

  #judgeHistory({ transitions }: Evidence, lookup: Lookup, findings: Findings): void {
    const last = new Map<string, Token>();
    const judge = (id: string, token: Token, when: () => string): void => {
      const before = last.get(id) ?? token;
      findings.expect(
        BigInt(token) >= BigInt(before),
        () => `${id}: token ${token} after ${before}, ${when()}`,
      );
      last.set(id, token);
    };
    for (const { id, token, event, atMs } of transitions) {
      if (token !== null) judge(id, token, () => `${event} at ${shownTime(atMs)}`);
    }
    for (const row of lookup.rows) if (row.token !== null) judge(row.id, row.token, () => rowText(row));
  }
}

/** Begins of one ms are taken in the order of their tokens: which was first cannot be seen. */
function judgeHolders(holders: readonly TransactionRow[], findings: Findings): void {
  const ordered = [...holders].sort(
    (a, b) => (a.beganAtMs ?? 0) - (b.beganAtMs ?? 0) || Number(BigInt(a.token ?? 0) - BigInt(b.token ?? 0)),
  );
  ordered.slice(1).forEach((row, index) => {
    const before = ordered[index];
    if (before === undefined) return;
    findings.expect(
      BigInt(row.token ?? 0) > BigInt(before.token ?? 0),
      () => `${rowText(row)} has token ${row.token}, before it ${rowText(before)} had ${before.token}`,
    );
  });
}

function judgeCalls(calls: readonly JournalEntry[], findings: Findings): void {
  let mark = { token: -1n, key: '' };
  for (const { token, key, kind, location, slot, at } of calls) {
    const number = BigInt(token);
    const before = mark;
    findings.expect(
      number > before.token || (number === before.token && key === before.key),
      () =>
        `location ${location}, slot ${slot}: ${kind} of ${key} with token ${token} was accepted at ${shownTime(at)}, ` +
        `the mark was ${before.token} of ${before.key}`,
    );
    if (number > mark.token) mark = { token: number, key };
  }
}
