/** The ledger entry for a decision about a holder. */
import type { JsonObject } from '../core/answer.ts';
import type { Decision } from '../core/decide.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { isHolding } from '../core/states.ts';
import type { Change, Row } from './ports-ledger.ts';
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
export function giveUp(slot: Slot, row: Row, code: ErrorCode, detail: string): Change {
  return {
    kind: 'change',
    partition: slot.partition.state.partition,
    id: row.id,
    fromState: isHolding(row.state) ? row.state : 'held',
    fromToken: row.token,
    event: 'give_up',
    to: 'held',
    lateTo: null,
    step: row.step,
    lateStep: row.step,
    newToken: false,
    aboveMark: null,
    evidence: null,
    reason: null,
    code,
    detail,
    call: null,
    startedMs: null,
    answeredMs: null,
    nextAttemptMs: null,
    timeoutMs: 0,
  };
}
