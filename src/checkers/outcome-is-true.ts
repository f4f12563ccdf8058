import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../core/answer.ts';
import { isFinal } from '../core/states.ts';
import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, JournalEntry, TransactionRow } from './evidence.ts';
import { Lookup, rowText, stepsOf } from './lookup.ts';

/** What became of the effect of a key, as the site saw it. */
interface Effect {
  state: 'under way' | 'done' | 'none';
  at: number;
  evidence: JsonObject | undefined;
}

/**
 * S7: of a completed transaction every step is done, was done when the ledger said so, and gave the evidence that
 * the ledger keeps; of a rolled back one nothing is done or under way. What a person decided is not judged.
 */
export class OutcomeIsTrue implements Checker {
  readonly name = 'S7';
  readonly promise =
    'Completed means the effects happened; rolled back means none remain and none can happen later.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const effects = effectsOf(evidence.journal);
    const decided = new Set(
      evidence.transitions.filter(({ event, to }) => event === 'decide' && isFinal(to)).map(({ id }) => id),
    );
    for (const row of new Lookup(evidence).rows) {
      if (!isFinal(row.state) || decided.has(row.id)) continue;
      const recorded = parse(row.evidence);
      for (const step of stepsOf(row.plan)) {
        const effect = effects.get(`${row.id}:${step}`);
        const problem =
          row.state === 'completed'
            ? completedProblem(row, effect, recorded[step], evidence.clockToleranceMs)
            : rolledBackProblem(effect);
        findings.expect(problem === null, () => `${rowText(row)}, step ${step}: ${problem}`);
      }
    }
    return findings.verdict();
  }
}

function effectsOf(journal: readonly JournalEntry[]): Map<string, Effect> {
  const effects = new Map<string, Effect>();
  for (const { event, kind, key, at, outcome, evidence } of journal) {
    if (event === 'started') effects.set(key, { state: 'under way', at, evidence: undefined });
    else if (event === 'reversed') effects.set(key, { state: 'none', at, evidence: undefined });
    else if (event === 'ended' && kind === 'execute') {
      effects.set(key, { state: outcome === 'done' ? 'done' : 'none', at, evidence });
    }
  }
  return effects;
}

function completedProblem(
  row: TransactionRow,
  effect: Effect | undefined,
  recorded: unknown,
  toleranceMs: number,
): string | null {
  if (effect === undefined || effect.state === 'none') return 'completed, but the site has no effect of it';
  if (effect.state === 'under way')
    return `completed, but its effect of ${shownTime(effect.at)} has not ended`;
  if (effect.at > (row.finishedAtMs ?? 0) + toleranceMs) {
    return `completed at ${shownTime(row.finishedAtMs)}, but done at ${shownTime(effect.at)}`;
  }
  if (isDeepStrictEqual(recorded, effect.evidence)) return null;
  return `the ledger has the evidence ${JSON.stringify(recorded)}, the site ${JSON.stringify(effect.evidence)}`;
}

function rolledBackProblem(effect: Effect | undefined): string | null {
  if (effect === undefined || effect.state === 'none') return null;
  return `rolled back, but its effect is ${effect.state} since ${shownTime(effect.at)}`;
}

function parse(evidence: string | null): Readonly<Record<string, unknown>> {
  const value: unknown = evidence === null ? {} : JSON.parse(evidence);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
