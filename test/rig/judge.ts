/** The judgement of a run: every checker, and what a person wants to read of it. */
import assert from 'node:assert/strict';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { CHECKERS, type NamedVerdict, verdicts } from '../../src/checkers/verdicts.ts';

/**
 * A SIGTERM is answered at the next turn of the worker's loop, and commits that were queued by then still carry
 * begins: on a busy machine that takes a few hundred ms. The checker of L6 alone is given this time.
 */
const SIGNAL_MS = 1_000;
const DRAINS = 'L6';

/** The verdict of each checker, but those that the run cannot show. */
export function judge(evidence: Evidence, without: readonly string[] = []): NamedVerdict[] {
  const others = CHECKERS.map(({ name }) => name).filter((name) => name !== DRAINS);
  const strict = verdicts(evidence, { without: [...new Set([...without, DRAINS])] });
  if (without.includes(DRAINS)) return strict;
  const patient = { ...evidence, clockToleranceMs: SIGNAL_MS };
  return [...strict, ...verdicts(patient, { without: others })];
}

export function assertKept(found: readonly NamedVerdict[]): void {
  const broken = found
    .filter(({ kept }) => !kept)
    .map(({ name, promise, violations }) => `${name} ${promise}\n  ${violations.slice(0, 10).join('\n  ')}`);
  assert.equal(broken.length, 0, `broken promises:\n${broken.join('\n')}`);
}

/** Lines for people: counts, speed and verdicts. */
export function summaryOf(evidence: Evidence, found: readonly NamedVerdict[]): string[] {
  const { transactions, deadLetters, records, results, partitions, transitions } = evidence;
  const count = (state: string): number => transactions.filter((row) => row.state === state).length;
  const begins = transactions.flatMap(({ beganAtMs }) => beganAtMs ?? []);
  const ends = transactions.flatMap(({ finishedAtMs }) => finishedAtMs ?? []);
  const seconds = (maximum(ends) - minimum(begins)) / 1000;
  const duplicates = partitions.reduce((sum, row) => sum + row.duplicates, 0);
  const doubts = new Set(transitions.filter(({ to }) => to === 'in_doubt').map(({ id }) => id)).size;
  return [
    `${records.length} records: ${count('completed')} completed, ${count('rolled_back')} rolled back, ` +
      `${deadLetters.length} dead letters, ${duplicates} duplicates; ${doubts} were in doubt`,
    `${(transactions.length / seconds).toFixed(0)} transactions/s over ${seconds.toFixed(1)} s; ` +
      `${results.length} results published, ${evidence.takeOvers.length} take-overs, ` +
      `${evidence.offsets.length} samples of offsets`,
    `verdicts: ${found.map(({ name, kept, checked }) => `${name} ${kept ? 'kept' : 'BROKEN'} (${checked})`).join(', ')}`,
  ];
}

function maximum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

function minimum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}
