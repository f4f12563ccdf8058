import { EVENTS, isFinal, isHolding, isLegal, type State, type TransitionEvent } from '../core/states.ts';
import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, TransactionRow, TransitionRow } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/**
 * S13: every change of the history is in the table of transitions, each begins where the one before ended, and the
 * last ends in the state of the row. The plain begin, the plain next step and the plain finish are not in the
 * history (they may be): received → executing, executing → executing, executing → a final state.
 */
export class LegalChanges implements Checker {
  readonly name = 'S13';
  readonly promise = 'States change only as the table of transitions says.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const histories = Map.groupBy(evidence.transitions, ({ id }) => id);
    for (const row of new Lookup(evidence).rows) {
      const history = histories.get(row.id) ?? [];
      let state: State | 'none' = 'none';
      for (const change of history) {
        const before: State | 'none' = state;
        findings.expect(
          isLegalRow(change),
          () =>
            `${rowText(row)}: ${change.event} from ${change.from} to ${change.to} at ${shownTime(change.atMs)}`,
        );
        findings.expect(
          follows(before, change.from),
          () => `${rowText(row)}: ${before}, then ${change.event} from ${change.from}`,
        );
        state = change.to;
      }
      const last = state;
      findings.expect(follows(last, row.state), () => `${rowText(row)}: its history ends in ${last}`);
      const problem = fieldProblem(row);
      findings.expect(problem === null, () => `${rowText(row)} ${problem}`);
    }
    return findings.verdict();
  }
}

function isLegalRow({ from, event, to }: TransitionRow): boolean {
  return (EVENTS as readonly string[]).includes(event) && isLegal(from, event as TransitionEvent, to);
}

/** Whether `to` is where `from` left off, or what changes without history lead there. */
function follows(from: State | 'none', to: State | 'none'): boolean {
  if (from === to) return true;
  if (from === 'none') return to === 'executing' || follows('executing', to) || to === 'received';
  if (from === 'received') return to === 'executing' || follows('executing', to);
  return from === 'executing' && to !== 'none' && isFinal(to);
}

/** A holder has begun and has slot and token; what waits has not. */
function fieldProblem({ state, slot, token, beganAtMs }: TransactionRow): string | null {
  if (state === 'received' && beganAtMs !== null) return 'waits and has begun';
  if (!isHolding(state) && state !== 'completed') return null;
  return slot !== null && token !== null && beganAtMs !== null ? null : 'has no slot, token or begin';
}
