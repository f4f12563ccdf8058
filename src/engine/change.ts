/** The ledger entry for a decision about a holder. */
import type { JsonObject } from '../core/answer.ts';
import type { Decision } from '../core/decide.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { isHolding } from '../core/states.ts';
import { storableText } from '../core/storable-text.ts';
import { NO_CHANGE } from './ports-entries.ts';
import type { Change, Command } from './ports-ledger.ts';
import type { Slot } from './slot.ts';
import type { Holder } from './slot-work.ts';
import type { Called } from './step-call.ts';

/** Detail is for people: more than this belongs into the participant's own log. */
const DETAIL_CHARACTERS = 500;

export interface ChangeParts {
  readonly slot: Slot;
  readonly holder: Holder;
  readonly called: Called;
  readonly decision: Decision;
  /** Wait before the next call, in ms: its time-out starts after it. */
  readonly waitMs: number;
}

export function changeOf({ slot, holder, called, decision, waitMs }: ChangeParts): Change {
  const { answer } = called;
  const nextStep = holder.plan.steps[decision.step];
  const now = slot.partition.doors.world.now();
  return {
    kind: 'change',
    partition: slot.partition.state.partition,
    id: holder.id,
    fromState: holder.state,
    fromToken: holder.token,
    event: decision.event,
    to: decision.to,
    lateTo: decision.lateTo,
    step: decision.step,
    lateStep: decision.lateStep,
    newToken: decision.newToken,
    aboveMark: answer.outcome === 'stale' ? answer.mark : null,
    evidence: evidenceAfter(holder, called),
    reason: decision.reason,
    code: decision.code,
    detail: answer.outcome === 'unknown' ? answer.detail.slice(0, DETAIL_CHARACTERS) : null,
    call: called.kind,
    startedMs: called.startedMs,
    answeredMs: called.answeredMs,
    nextAttemptMs: waitMs > 0 && isHolding(decision.to) ? now + waitMs : null,
    timeoutMs: waitMs + (nextStep?.timeoutMs ?? 0),
    deadlineMs: null,
    byPerson: decision.byPerson,
    command: null,
  };
}

/** All evidence as JSON text when this answer adds to it, else null. */
function evidenceAfter(holder: Holder, { answer }: Called): string | null {
  const step = holder.plan.steps[holder.step];
  if (answer.outcome !== 'done' || step === undefined) return null;
  const evidence: JsonObject = { ...holder.evidence, [step.name]: answer.evidence };
  return JSON.stringify(evidence);
}

/** Automation stops: a person decides. */
export function giveUp(
  slot: Slot,
  { id, state, token, step }: Holder,
  { code, detail }: { readonly code: ErrorCode; readonly detail: string },
): { readonly decision: Decision; readonly change: Change } {
  const { partition } = slot.partition.state;
  const from = { partition, id, fromState: state, fromToken: token };
  const outcome = { event: 'give_up', to: 'held', step, lateStep: step, code } as const;
  const decision = { ...NO_CHANGE, ...outcome, askAgain: false, newDeadline: false };
  return { decision, change: { ...NO_CHANGE, ...from, ...outcome, detail } };
}

/** What a person decided about a holder, on the state and token that it has. */
export function decidedChange(slot: Slot, holder: Holder, command: Command, decision: Decision): Change {
  const nextStep = holder.plan.steps[decision.step];
  const rollsBack = command.action === 'roll_back';
  return {
    ...NO_CHANGE,
    partition: slot.partition.state.partition,
    id: holder.id,
    fromState: holder.state,
    fromToken: holder.token,
    event: decision.event,
    to: decision.to,
    lateTo: decision.lateTo,
    step: decision.step,
    lateStep: decision.lateStep,
    newToken: decision.newToken,
    evidence: command.action === 'complete' ? decidedEvidence(holder, command) : null,
    reason: rollsBack ? storableText(command.reason, DETAIL_CHARACTERS) : decision.reason,
    code: decision.code,
    timeoutMs: nextStep?.timeoutMs ?? 0,
    deadlineMs: decision.newDeadline ? holder.plan.deadlineMs : null,
    byPerson: decision.byPerson,
    command: command.sequence,
  };
}

/** The step's evidence by the person's word; null where none was given. */
function decidedEvidence(holder: Holder, { evidence }: Command): string | null {
  const step = holder.plan.steps[holder.step];
  if (evidence === null || step === undefined) return null;
  return JSON.stringify({ ...holder.evidence, [step.name]: JSON.parse(evidence) as JsonObject });
}
