/** All checkers, and the judgement of a run by them. */
import { assert } from '../core/errors/catalogue.ts';
import { ActsAudited } from './acts-audited.ts';
import { AtMostConcurrency } from './at-most-concurrency.ts';
import { BeginOrder } from './begin-order.ts';
import type { Checker, Verdict } from './checker.ts';
import { ConflictsRefused } from './conflicts-refused.ts';
import { DoubtEnds } from './doubt-ends.ts';
import { Drains } from './drains.ts';
import { EverythingTraced } from './everything-traced.ts';
import type { Evidence } from './evidence.ts';
import { FewRebalances } from './few-rebalances.ts';
import { IntentFirst } from './intent-first.ts';
import { LegalChanges } from './legal-changes.ts';
import { MemoryBounded } from './memory-bounded.ts';
import { MoneyAgrees } from './money-agrees.ts';
import { NoStepTwice } from './no-step-twice.ts';
import { NoneLost } from './none-lost.ts';
import { CommittedOffsets, WatermarkGrows } from './offsets.ts';
import { OneOutcome } from './one-outcome.ts';
import { OutcomeIsTrue } from './outcome-is-true.ts';
import { StaleWorker } from './stale-worker.ts';
import { TokensGrow } from './tokens-grow.ts';

export const CHECKERS: readonly Checker[] = [
  new AtMostConcurrency(),
  new BeginOrder(),
  new NoneLost(),
  new EverythingTraced(),
  new OneOutcome(),
  new NoStepTwice(),
  new OutcomeIsTrue(),
  new IntentFirst(),
  new CommittedOffsets(),
  new WatermarkGrows(),
  new StaleWorker(),
  new TokensGrow(),
  new LegalChanges(),
  new MoneyAgrees(),
  new ConflictsRefused(),
  new ActsAudited(),
  new DoubtEnds(),
  new MemoryBounded(),
  new FewRebalances(),
  new Drains(),
];

export interface NamedVerdict extends Verdict {
  readonly name: string;
  readonly promise: string;
  /** Something was checked and nothing was violated. */
  readonly kept: boolean;
}

/**
 * The verdict of each checker. A run that cannot show something (no SIGTERM, no samples of offsets) leaves out the
 * checkers concerned by name: those that are run and check nothing fail (L7).
 */
export function verdicts(
  evidence: Evidence,
  options: { readonly without?: readonly string[] } = {},
): NamedVerdict[] {
  const { without = [] } = options;
  for (const name of without) assert(isChecker(name), `there is no checker ${name}`);
  return CHECKERS.filter(({ name }) => !without.includes(name)).map((checker) => {
    const { checked, violations } = checker.check(evidence);
    const found = checked === 0 ? ['nothing was checked'] : violations;
    return {
      name: checker.name,
      promise: checker.promise,
      kept: found.length === 0,
      checked,
      violations: found,
    };
  });
}

function isChecker(name: string): boolean {
  return CHECKERS.some((checker) => checker.name === name);
}
