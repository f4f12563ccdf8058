/**
 * What follows from the answer of a participant: the heart of a transaction's life (design 5), for plans of any
 * number of steps whose participants are of grade G3 (keys are replayed, old tokens refused, status fences).
 *
 * Step k is executed after the steps below it are done, and reversed after those above it are undone; so at step k
 * exactly the steps below k have effects, whatever is known of k itself.
 *
 * E1 Every decision is a legal transition (states.ts), `to` and `lateTo` alike.
 * E2 A new token for each new attempt, on entering doubt and above a mark; never for asking the same again.
 * E3 Nothing rolls back over an irreversible step without a person.
 */
import type { Answer, CallKind } from './answer.ts';
import { fitting } from './classify.ts';
import { assert, type ErrorCode, SignalboxError } from './errors/catalogue.ts';
import type { Plan } from './plan.ts';
import type { HoldingState, State, TransitionEvent } from './states.ts';

export interface Position {
  readonly state: HoldingState;
  /** Index of the step in the plan. */
  readonly step: number;
}

export interface Question {
  readonly plan: Plan;
  readonly position: Position;
  /** The call of this state: execute when executing, status in doubt, reverse when reversing. */
  readonly call: CallKind;
  readonly answer: Answer;
}

/** The fields of `Change` in ports-ledger.ts that follow from the answer. */
export interface Decision {
  readonly event: TransitionEvent;
  readonly to: State;
  /** Where to go instead past the deadline; null: the deadline does not matter. */
  readonly lateTo: State | null;
  readonly step: number;
  readonly lateStep: number;
  readonly newToken: boolean;
  readonly code: ErrorCode | null;
  /** The participant is asked again about this step: wait for the back-off first. */
  readonly askAgain: boolean;
  /** Of the rollback (with `lateTo`: of the rollback past the deadline), of a retry, or why it is held. */
  readonly reason: string | null;
}

/** Throws SB-5006 when the step is not in the plan or the state does not make this call. */
export function decide({ plan, position, call, answer }: Question): Decision {
  assert(plan.steps[position.step] !== undefined, `plan ${plan.type} has no step ${position.step}`);
  assert(CALL_OF[position.state] === call, `${call} is not the call of ${position.state}`);
  const counted = fitting(call, answer);
  switch (call) {
    case 'execute':
      return afterExecute(plan, position, counted);
    case 'status':
      return afterStatus(plan, position, counted);
    case 'reverse':
      return afterReverse(plan, position, counted);
  }
}

const CALL_OF: Readonly<Record<HoldingState, CallKind | null>> = {
  executing: 'execute',
  in_doubt: 'status',
  reversing: 'reverse',
  held: null,
};

function afterExecute(plan: Plan, { step }: Position, answer: Answer): Decision {
  switch (answer.outcome) {
    case 'done':
      return forward(plan, step);
    case 'refused':
      return backward(plan, { step, event: 'refused', reason: answer.reason });
    case 'reversed':
      return backward(plan, { step, event: 'reversed', reason: 'reversed' });
    case 'retry':
      return {
        ...decision('retry', 'executing', step),
        lateTo: 'in_doubt',
        newToken: true,
        code: 'SB-4110',
        askAgain: true,
        reason: answer.reason,
      };
    case 'pending':
      return { ...decision('unknown', 'in_doubt', step), newToken: true, code: 'SB-4109', askAgain: true };
    case 'stale':
      return { ...decision('stale', 'in_doubt', step), newToken: true, code: 'SB-4107' };
    case 'unknown':
      return { ...decision('unknown', 'in_doubt', step), newToken: true, code: answer.code };
    case 'never':
      return misfit(answer);
  }
}

function afterStatus(plan: Plan, { step }: Position, answer: Answer): Decision {
  switch (answer.outcome) {
    case 'done':
      return forward(plan, step);
    case 'refused':
      return backward(plan, { step, event: 'refused', reason: answer.reason });
    case 'reversed':
      return backward(plan, { step, event: 'reversed', reason: 'reversed' });
    case 'never':
      return onceMore(plan, step);
    case 'pending':
      return { ...decision('unknown', 'in_doubt', step), code: 'SB-4109', askAgain: true };
    case 'stale':
      return { ...decision('stale', 'in_doubt', step), newToken: true, code: 'SB-4107', askAgain: true };
    case 'unknown':
      return { ...decision('unknown', 'in_doubt', step), code: answer.code, askAgain: true };
    case 'retry':
      return misfit(answer);
  }
}

function afterReverse(plan: Plan, { step }: Position, answer: Answer): Decision {
  switch (answer.outcome) {
    case 'reversed':
      return backward(plan, { step, event: 'reversed', reason: null });
    case 'refused':
      return { ...decision('give_up', 'held', step), code: 'SB-4203', reason: answer.reason };
    case 'pending':
      return { ...decision('unknown', 'reversing', step), code: 'SB-4109', askAgain: true };
    case 'stale':
      return { ...decision('stale', 'reversing', step), newToken: true, code: 'SB-4107', askAgain: true };
    case 'unknown':
      return { ...decision('unknown', 'reversing', step), code: answer.code, askAgain: true };
    case 'done':
    case 'never':
    case 'retry':
      return misfit(answer);
  }
}

/** The step is done. */
function forward(plan: Plan, step: number): Decision {
  if (step + 1 === plan.steps.length) return decision('done', 'completed', step);
  return { ...decision('done', 'executing', step + 1), newToken: true };
}

interface Undone {
  readonly step: number;
  readonly event: 'refused' | 'reversed' | 'never';
  readonly reason: string | null;
}

/** The step has no effect: the one before it is next to be undone. */
function backward(plan: Plan, { step, event, reason }: Undone): Decision {
  if (step === 0) return { ...decision(event, 'rolled_back', 0), reason };
  if (plan.steps.slice(0, step).some((earlier) => earlier.irreversible)) {
    return { ...decision('give_up', 'held', step), code: 'SB-4204', reason };
  }
  return { ...decision(event, 'reversing', step - 1), newToken: true, reason };
}

/** The step never started and cannot start under an older token: executed again while there is time. */
function onceMore(plan: Plan, step: number): Decision {
  const late = backward(plan, { step, event: 'never', reason: 'expired' });
  return {
    ...decision('never', 'executing', step),
    lateTo: late.to,
    lateStep: late.step,
    newToken: true,
    code: late.to === 'held' ? 'SB-4206' : null,
    askAgain: true,
    reason: late.reason,
  };
}

function decision(event: TransitionEvent, to: State, step: number): Decision {
  return {
    event,
    to,
    lateTo: null,
    step,
    lateStep: step,
    newToken: false,
    code: null,
    askAgain: false,
    reason: null,
  };
}

function misfit(answer: Answer): never {
  throw new SignalboxError('SB-5006', `fitting lets ${answer.outcome} through`, { final: true });
}
