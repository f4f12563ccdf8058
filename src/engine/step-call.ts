/** One call to a participant for a holder: execute, status or reverse, by its state. */
import type { Answer, CallKind } from '../core/answer.ts';
import { stepKey } from '../core/plan.ts';
import type { HoldingState } from '../core/states.ts';
import type { StepCall } from './ports.ts';
import type { Slot } from './slot.ts';
import type { Holder } from './slot-work.ts';

export interface Called {
  readonly kind: CallKind;
  readonly answer: Answer;
  readonly startedMs: number;
  readonly answeredMs: number;
}

/** Which call a state asks for; null: a person decides. */
export function callFor(state: HoldingState): CallKind | null {
  switch (state) {
    case 'executing':
      return 'execute';
    case 'in_doubt':
      return 'status';
    case 'reversing':
      return 'reverse';
    case 'held':
      return null;
  }
}

export async function callStep(slot: Slot, holder: Holder, kind: CallKind): Promise<Called> {
  const { world, participant, observer } = slot.partition.doors;
  const step = holder.plan.steps[holder.step];
  const startedMs = world.now();
  const from = world.monotonic();
  const door = participant(step?.participant ?? '');
  const answer = await door[kind](callOf(slot, holder));
  observer.called({
    call: kind,
    outcome: answer.outcome,
    location: slot.lane.key,
    ms: world.monotonic() - from,
  });
  return { kind, answer, startedMs, answeredMs: world.now() };
}

function callOf(slot: Slot, holder: Holder): StepCall {
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
