import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, JournalEntry, TopicRecord, TransactionRow } from './evidence.ts';
import { idOfKey, Lookup, placeText, rowText, stepsOf } from './lookup.ts';

/** S4: rows and dead letters stand at records, rows say what their record says, effects belong to rows. */
export class EverythingTraced implements Checker {
  readonly name = 'S4';
  readonly promise = 'Each row, dead letter and effect traces to a record.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const records = new Map(evidence.records.map((record) => [placeText(record), record]));
    for (const row of lookup.rows) {
      const problem = rowProblem(evidence, row, records.get(placeText(row)));
      findings.expect(problem === null, () => `${rowText(row)}: ${problem}`);
    }
    for (const letter of evidence.deadLetters) {
      findings.expect(
        records.has(placeText(letter)),
        () => `dead letter ${letter.code} at ${placeText(letter)}: there is no such record`,
      );
    }
    for (const line of evidence.journal) {
      if (line.event !== 'started') continue;
      const problem = effectProblem(line, lookup.row(idOfKey(line.key)));
      findings.expect(
        problem === null,
        () => `effect ${line.key} at ${line.location}, ${shownTime(line.at)}: ${problem}`,
      );
    }
    return findings.verdict();
  }
}

function rowProblem(evidence: Evidence, row: TransactionRow, record: TopicRecord | undefined): string | null {
  if (record === undefined) return 'there is no such record';
  const transaction = evidence.transactionOf(record);
  if (transaction === null) return 'its record is no transaction';
  const { id, location, payload } = transaction;
  if (id !== row.id) return `its record has the id ${id}`;
  if (location !== row.location) return `its record has the location ${location}`;
  return payload === row.payload ? null : 'its payload is not that of its record';
}

function effectProblem(line: JournalEntry, row: TransactionRow | undefined): string | null {
  if (row === undefined) return 'the ledger has no such transaction';
  if (row.location !== line.location) return `its transaction is at another location: ${rowText(row)}`;
  const step = line.key.slice(row.id.length + 1);
  return stepsOf(row.plan).includes(step) ? null : `its transaction has no such step: plan ${row.plan}`;
}
