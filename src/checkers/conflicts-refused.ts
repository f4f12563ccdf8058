import { type Checker, Findings, type Verdict } from './checker.ts';
import type { Evidence, TopicRecord } from './evidence.ts';
import { idOfKey, Lookup, placeText, rowText } from './lookup.ts';

/** The code under which a conflict is reported. */
const CONFLICT = 'SB-1116';

/**
 * S15: the first accounted record of an id has the row. Of the others, those with other content are dead letters
 * with SB-1116 and reach no location of their own; those with equal content are dropped and counted, once each.
 */
export class ConflictsRefused implements Checker {
  readonly name = 'S15';
  readonly promise = 'The same id with other content is refused and reported, never executed.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const duplicates = new Map<number, number>();
    for (const record of evidence.records) {
      const accounting = lookup.accounting(record);
      if (accounting.as === 'duplicate') {
        duplicates.set(record.partition, (duplicates.get(record.partition) ?? 0) + 1);
      }
      const problem = recordProblem(evidence, lookup, record);
      findings.expect(problem === null, () => `record ${placeText(record)}: ${problem}`);
    }
    for (const { event, key, location, kind } of evidence.journal) {
      const row = event === 'call' ? lookup.row(idOfKey(key)) : undefined;
      if (row === undefined) continue;
      findings.expect(
        row.location === location,
        () => `${kind} of ${key} reached location ${location}, its transaction is ${rowText(row)}`,
      );
    }
    for (const { partition, duplicates: counted, watermark } of evidence.partitions) {
      const last = evidence.records.findLast((record) => record.partition === partition);
      if (last === undefined || watermark === null || watermark <= last.offset) continue;
      const found = duplicates.get(partition) ?? 0;
      findings.expect(
        counted === found,
        () => `partition ${partition} counts ${counted} duplicates, its topic has ${found}`,
      );
    }
    return findings.verdict();
  }
}

function recordProblem(evidence: Evidence, lookup: Lookup, record: TopicRecord): string | null {
  const transaction = evidence.transactionOf(record);
  const row = transaction === null ? undefined : lookup.row(transaction.id);
  const letter = lookup.deadLetterAt(record);
  if (transaction === null || row === undefined || lookup.rowAt(record) === row) return null;
  if (lookup.sameContent(row, transaction)) {
    return letter?.code === CONFLICT ? `equal to ${rowText(row)}, but refused as a conflict` : null;
  }
  if (letter === undefined) return `other content than ${rowText(row)}, and no dead letter`;
  return null;
}
