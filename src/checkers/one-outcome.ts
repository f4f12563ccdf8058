import { type FinalState, isFinal } from '../core/states.ts';
import { type Checker, Findings, type Verdict } from './checker.ts';
import type { Evidence, ResultTopicRecord, TransactionRow } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/**
 * S5, and with it the results: one outcome a transaction, results numbered without gaps, each published result
 * true and the same bytes each time, none missing up to the published number.
 */
export class OneOutcome implements Checker {
  readonly name = 'S5';
  readonly promise = 'Each transaction has one final outcome, which never changes, and its result says so.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    this.#judgeRows(lookup.rows, findings);
    this.#judgeEndings(evidence, lookup, findings);
    const published = this.#judgeResults(evidence, lookup, findings);
    for (const { partition, published: upTo } of evidence.partitions) {
      for (let number = 1; number <= upTo; number++) {
        findings.expect(
          published.has(`${partition}/${number}`),
          () =>
            `result ${number} of partition ${partition} is not on the results topic; ${upTo} are published`,
        );
      }
    }
    return findings.verdict();
  }

  #judgeRows(rows: readonly TransactionRow[], findings: Findings): void {
    for (const row of rows) {
      const ended = row.number !== null && row.finishedAtMs !== null;
      findings.expect(
        ended === isFinal(row.state),
        () => `${rowText(row)} has result number ${row.number}, finished ${row.finishedAtMs}`,
      );
    }
    const numbered = Map.groupBy(
      rows.filter((row) => row.number !== null),
      (row) => row.partition,
    );
    for (const [partition, finals] of numbered) {
      const ordered = [...finals].sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
      ordered.forEach((row, index) => {
        findings.expect(
          row.number === index + 1,
          () => `${rowText(row)} has number ${row.number} where partition ${partition} expects ${index + 1}`,
        );
      });
    }
  }

  /** The history ends at most once, and as the row does. */
  #judgeEndings({ transitions }: Evidence, lookup: Lookup, findings: Findings): void {
    const ended = new Map<string, FinalState>();
    for (const { id, to } of transitions) {
      if (!isFinal(to)) continue;
      const before = ended.get(id);
      findings.expect(before === undefined, () => `${id} ended twice: ${before}, then ${to}`);
      ended.set(id, to);
      const row = lookup.row(id);
      if (row === undefined) continue;
      findings.expect(row.state === to, () => `${rowText(row)} ended ${to} by its history`);
    }
  }

  /** Gives back which `partition/number` are on the results topic. */
  #judgeResults(evidence: Evidence, lookup: Lookup, findings: Findings): Set<string> {
    const bytes = new Map<string, string>();
    for (const result of evidence.results) {
      const said = parse(result.value);
      const name = `${said.partition}/${said.number}`;
      const problem = resultProblem(evidence.topic, result, said, lookup.row(String(said.id)));
      findings.expect(
        problem === null,
        () => `result ${name} at offset ${result.offset}: ${problem}: ${result.value}`,
      );
      const before = bytes.get(name) ?? result.value;
      findings.expect(
        before === result.value,
        () => `result ${name} was published as ${before} and as ${result.value}`,
      );
      bytes.set(name, before);
    }
    return new Set(bytes.keys());
  }
}

interface Said {
  readonly id?: unknown;
  readonly location?: unknown;
  readonly outcome?: unknown;
  readonly partition?: unknown;
  readonly number?: unknown;
}

function parse(value: string): Said {
  try {
    const said: unknown = JSON.parse(value);
    return typeof said === 'object' && said !== null ? said : {};
  } catch {
    return {};
  }
}

function resultProblem(
  topic: string,
  { key, headers }: ResultTopicRecord,
  said: Said,
  row: TransactionRow | undefined,
): string | null {
  if (row === undefined) return 'there is no such transaction';
  if (said.outcome !== row.state) return `the outcome is not that of ${rowText(row)}`;
  if (said.location !== row.location || key !== row.location)
    return `key ${key} or location is not ${row.location}`;
  if (said.partition !== row.partition || said.number !== row.number) {
    return `the ledger's number is ${row.partition}/${row.number}`;
  }
  const name = `${topic}/${row.partition}/${row.number}`;
  const header = headers['signalbox-result-id'];
  return header === name ? null : `the header signalbox-result-id is ${header}, not ${name}`;
}
