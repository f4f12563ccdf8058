/** One call to a participant for a holder: execute, status or reverse, by its state. */
import type { Answer, CallKind } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import { stepKey } from '../core/plan.ts';
import type { StepCall } from './ports.ts';
import type { Slot } from './slot.ts';
import type { Holder } from './slot-work.ts';

export interface Called {
  readonly kind: CallKind;
  readonly answer: Answer;
  readonly startedMs: number;
  readonly answeredMs: number;
}

/** Grade of the participant that carries the holder's step out, at this location; null: it is away just now. */
export async function gradeAt(slot: Slot, holder: Holder): Promise<Grade | null> {
  const step = holder.plan.steps[holder.step];
  if (!holder.planKnown || step === undefined) return 'G0';
  const capabilities = await slot.partition.doors.participant(step.participant).capabilities(slot.lane.key);
  if (capabilities === 'away') return null;
  return capabilities === 'none' ? 'G0' : capabilities.grade;
}

export async function callStep(slot: Slot, holder: Holder, kind: CallKind): Promise<Called> {
  const { world, participant, observer, passing } = slot.partition.doors;
  const step = holder.plan.steps[holder.step];
  const startedMs = world.now();
  const from = world.monotonic();
  const door = participant(step?.participant ?? '');
  passing?.('calling');
  const answer = await door[kind](stepCall(slot, holder));
  passing?.('called');
  observer.called({
    call: kind,
    outcome: answer.outcome,
    id: holder.id,
    location: slot.lane.key,
    ms: world.monotonic() - from,
    traceparent: holder.traceparent,
  });
  return { kind, answer, startedMs, answeredMs: world.now() };
}

function stepCall(slot: Slot, holder: Holder): StepCall {
  const step = holder.plan.steps[holder.step];
  const name = step?.name ?? '';
  return {
    key: stepKey(holder.id, name),
    transaction: holder.id,
    type: holder.type,
    step: name,
    location: slot.lane.key,
    slot: slot.number,
    token: holder.token,
    data: holder.data,
    evidence: holder.evidence,
    notAfterMs: holder.notAfterMs,
    timeoutMs: step?.timeoutMs ?? 0,
    traceparent: holder.traceparent,
    signal: slot.partition.signal,
  };
}
