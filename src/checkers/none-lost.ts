import { isFinal } from '../core/states.ts';
import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, TopicRecord } from './evidence.ts';
import { type Accounting, Lookup, placeText, rowText } from './lookup.ts';

/** S3: each record is a row that ended, a duplicate of one, or a dead letter; exactly one of these. */
export class NoneLost implements Checker {
  readonly name = 'S3';
  readonly promise = 'Every produced record ends completed, rolled back or dead-lettered; none is lost.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    for (const record of evidence.records) {
      const accounting = lookup.accounting(record);
      const problem = problemOf(accounting);
      findings.expect(problem === null, () => `${recordText(evidence, record)}: ${problem}`);
      const both = accounting.as === 'row' && lookup.deadLetterAt(record) !== undefined;
      findings.expect(!both, () => `${recordText(evidence, record)} is a row and a dead letter`);
    }
    return findings.verdict();
  }
}

function problemOf(accounting: Accounting): string | null {
  switch (accounting.as) {
    case 'row':
    case 'duplicate':
      if (isFinal(accounting.row.state)) return null;
      return `its transaction has not ended: ${rowText(accounting.row)}`;
    case 'dead letter':
      return null;
    case 'unreported conflict':
      return `other content than ${rowText(accounting.row)}, and no dead letter`;
    case 'nothing':
      return 'it is neither a row nor a dead letter';
  }
}

function recordText(evidence: Evidence, record: TopicRecord): string {
  const transaction = evidence.transactionOf(record);
  const name = transaction === null ? 'no transaction' : `${transaction.id} at ${transaction.location}`;
  return `record ${placeText(record)} (${name}, produced ${shownTime(record.producedAtMs)})`;
}
