/**
 * What follows from the answer of a participant: the heart of a transaction's life (design 5 and 7), for plans of any
 * number of steps and participants of every grade.
 *
 * Step k is executed after the steps below it are done, and reversed after those above it are undone; so at step k
 * exactly the steps below k have effects, whatever is known of k itself.
 *
 * E1 Every decision is a legal transition (states.ts), `to` and `lateTo` alike.
 * E2 A new token for each new attempt, on entering doubt and above a mark; never for asking the same again.
 * E3 Nothing rolls back over an irreversible step without a person.
 * E5 A step that is known to be done and is not undone is held: a person's word that it was dealt with by hand counts
 *    only where the person had seen that.
 * E4 What the grade does not carry is not done: below G3 no answer but a recorded one rolls back, below G2 nothing is
 *    executed a second time.
 */
import type { Answer, CallKind } from './answer.ts';
import { fitting } from './classify.ts';
import { COMMAND_STATES } from './commands.ts';
import { assert, type ErrorCode, SignalboxError } from './errors/catalogue.ts';
import type { Grade } from './grade.ts';
import type { Plan } from './plan.ts';
import type { HoldingState, State, TransitionEvent } from './states.ts';

export interface Position {
  readonly state: HoldingState;
  /** Index of the step in the plan. */
  readonly step: number;
  /** A person has decided to roll back. */
  readonly byPerson: boolean;
}

export interface Question {
  readonly plan: Plan;
  readonly position: Position;
  /** The call of this state (`callOf`). */
  readonly call: CallKind;
  readonly answer: Answer;
  /** Null: not known just now. */
  readonly grade: Grade | null;
  /** Not-after and the quiet time have passed: at grade G1 no attempt can start any more. */
  readonly quiet: boolean;
}

/** The fields of `Change` in ports-entries.ts that follow from the answer. */
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
  /** True: a person has decided to roll back. False: on something else since. Null leaves it. */
  readonly byPerson: boolean | null;
  /** The deadline starts anew. */
  readonly newDeadline: boolean;
}

/** The call a state asks for; null: automation ends here, or it is held already. */
export function callOf(state: HoldingState, grade: Grade, byPerson: boolean): CallKind | null {
  switch (state) {
    case 'executing':
      return 'execute';
    case 'in_doubt':
      if (grade === 'G3' || grade === 'G1') return 'status';
      // Forward only: the same key again. Not once a person has decided to roll back.
      return grade === 'G2' && !byPerson ? 'execute' : null;
    case 'reversing':
      return grade === 'G0' ? null : 'reverse';
    case 'held':
      return null;
  }
}

/** Whether `decide` needs to know the grade: not on the straight path. */
export function needsGrade(state: HoldingState, { outcome }: Answer): boolean {
  return state !== 'executing' || outcome === 'retry';
}

/** Throws SB-5006 when the step is not in the plan or the state does not make this call. */
export function decide({ plan, position, call, answer, grade, quiet }: Question): Decision {
  assert(plan.steps[position.step] !== undefined, `plan ${plan.type} has no step ${position.step}`);
  const at: At = { plan, ...position };
  const counted = fitting(call, answer);
  switch (position.state) {
    case 'executing':
      assert(call === 'execute', `${call} is not the call of executing`);
      return afterExecute(at, counted, grade);
    case 'in_doubt':
      assert(call !== 'reverse', 'reverse is not the call of in_doubt');
      return call === 'status' ? afterStatus(at, counted, { grade, quiet }) : afterReplay(at, counted);
    case 'reversing':
      assert(call === 'reverse', `${call} is not the call of reversing`);
      return afterReverse(at, counted, grade);
    case 'held':
      throw new SignalboxError('SB-5006', 'held makes no call', { final: true });
  }
}

/** Plan and position of the step in question. */
interface At extends Position {
  readonly plan: Plan;
}

function afterExecute(at: At, answer: Answer, grade: Grade | null): Decision {
  const { step } = at;
  switch (answer.outcome) {
    case 'done':
      return forward(at);
    case 'refused':
      return backward(at, 'refused', answer.reason);
    case 'reversed':
      return backward(at, 'reversed', 'reversed');
    case 'retry':
      return afterRetry(step, answer.reason, grade);
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

/** `retry` speaks of one request only: whether another may follow depends on what the participant keeps. */
function afterRetry(step: number, reason: string, grade: Grade | null): Decision {
  const again = { newToken: true, code: 'SB-4110', askAgain: true, reason } as const;
  if (grade === 'G3') return { ...decision('retry', 'executing', step), lateTo: 'in_doubt', ...again };
  if (grade === 'G2') return { ...decision('retry', 'executing', step), lateTo: 'held', ...again };
  return { ...decision('unknown', 'in_doubt', step), ...again };
}

function afterStatus(
  at: At,
  answer: Answer,
  { grade, quiet }: { readonly grade: Grade | null; readonly quiet: boolean },
): Decision {
  const { step } = at;
  switch (answer.outcome) {
    case 'done':
      return at.byPerson ? undone(at) : forward(at);
    case 'refused':
      return backward(at, 'refused', answer.reason);
    case 'reversed':
      return backward(at, 'reversed', 'reversed');
    case 'never':
      if (grade === 'G3') return at.byPerson ? backward(at, 'never', null) : onceMore(at);
      if (quiet) return { ...decision('give_up', 'held', step), code: 'SB-4205' };
      return { ...decision('unknown', 'in_doubt', step), code: 'SB-4112', askAgain: true };
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

/** Grade G2 in doubt: the same key was executed again. */
function afterReplay(at: At, answer: Answer): Decision {
  const { step } = at;
  switch (answer.outcome) {
    case 'done':
      return forward(at);
    case 'refused':
      return backward(at, 'refused', answer.reason);
    case 'reversed':
      return backward(at, 'reversed', 'reversed');
    case 'retry':
      return {
        ...decision('retry', 'in_doubt', step),
        lateTo: 'held',
        code: 'SB-4110',
        askAgain: true,
        reason: answer.reason,
      };
    case 'pending':
      return { ...decision('unknown', 'in_doubt', step), code: 'SB-4109', askAgain: true };
    case 'stale':
      return { ...decision('stale', 'in_doubt', step), newToken: true, code: 'SB-4107', askAgain: true };
    case 'unknown':
      return { ...decision('unknown', 'in_doubt', step), code: answer.code, askAgain: true };
    case 'never':
      return misfit(answer);
  }
}

function afterReverse(at: At, answer: Answer, grade: Grade | null): Decision {
  const { step } = at;
  switch (answer.outcome) {
    case 'reversed':
      return backward(at, 'reversed', null);
    case 'refused':
      return { ...stands(step), reason: answer.reason };
    case 'pending':
      return reverseAgain(step, 'SB-4109', grade);
    case 'unknown':
      return reverseAgain(step, answer.code, grade);
    case 'stale':
      return { ...decision('stale', 'reversing', step), newToken: true, code: 'SB-4107', askAgain: true };
    case 'done':
    case 'never':
    case 'retry':
      return misfit(answer);
  }
}

/** Only a participant that keeps its keys may be told to reverse twice. */
function reverseAgain(step: number, code: ErrorCode, grade: Grade | null): Decision {
  if (grade === 'G1' || grade === 'G0')
    return { ...decision('give_up', 'held', step), code: 'SB-4205', reason: null };
  return { ...decision('unknown', 'reversing', step), code, askAgain: true };
}

/** The step is done. */
function forward({ plan, step }: At, event: 'done' | 'decide' = 'done'): Decision {
  if (step + 1 === plan.steps.length) return decision(event, 'completed', step);
  return { ...decision(event, 'executing', step + 1), newToken: true };
}

/** The step is done although a person has decided to roll back. */
function undone({ plan, step }: At): Decision {
  if (plan.steps[step]?.irreversible === true) return stands(step);
  return { ...decision('done', 'reversing', step), newToken: true };
}

/** The step is done and stays so: a person decides, who now knows it. */
function stands(step: number): Decision {
  return { ...decision('give_up', 'held', step), code: STANDS };
}

/** The step has no effect, or none that is ours to undo: the one before it is next to be undone. */
function backward({ plan, step, byPerson }: At, event: TransitionEvent, reason: string | null): Decision {
  const earlier = plan.steps.slice(0, step);
  if (!byPerson && earlier.some(({ irreversible }) => irreversible)) {
    return { ...decision('give_up', 'held', step), code: 'SB-4204', reason };
  }
  const next = earlier.findLastIndex(({ irreversible }) => !irreversible);
  if (next === -1) return { ...decision(event, 'rolled_back', 0), reason };
  return { ...decision(event, 'reversing', next), newToken: true, reason };
}

/** The step never started and cannot start under an older token: executed again while there is time. */
function onceMore(at: At): Decision {
  const { step } = at;
  const late = backward(at, 'never', 'expired');
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

/** Why a transaction is held whose step is done and was not undone. */
const STANDS = 'SB-4203';

export interface CommandQuestion {
  readonly plan: Plan;
  readonly position: Position;
  /** Of its last change: why it is held. */
  readonly code: ErrorCode | null;
  readonly action: 'ask' | 'complete' | 'roll_back' | 'retry';
  readonly grade: Grade;
}

/** What a person's decision makes of a transaction that holds a slot, in a state that the action is for (commands.ts). */
export function decideCommand({ plan, position, code, action, grade }: CommandQuestion): Decision {
  const { state, step } = position;
  assert(plan.steps[step] !== undefined, `plan ${plan.type} has no step ${step}`);
  assert(COMMAND_STATES[action].includes(state), `${action} makes no sense in ${state}`);
  const at: At = { plan, ...position };
  const standing = state === 'held' && code === STANDS;
  switch (action) {
    case 'ask':
      return {
        ...decision('decide', asksToReverse(at, standing) ? 'reversing' : 'in_doubt', step),
        newToken: true,
      };
    case 'complete':
      return { ...forward(at, 'decide'), byPerson: false };
    case 'retry':
      return { ...decision('decide', 'executing', step), newToken: true, newDeadline: true, byPerson: false };
    case 'roll_back':
      // The participant has recorded the step as done, so nothing can happen later: undone by hand, by the person's word.
      if (standing) return { ...backward({ ...at, byPerson: true }, 'decide', null), byPerson: true };
      return { ...rollBack({ ...at, byPerson: true }, grade), byPerson: true };
  }
}

function asksToReverse({ plan, state, step }: At, standing: boolean): boolean {
  return state === 'reversing' || (standing && plan.steps[step]?.irreversible !== true);
}

/** A fence first where there is one, so that nothing can happen later; else the person's word. */
function rollBack(at: At, grade: Grade): Decision {
  const { state, step } = at;
  if (grade === 'G1' || grade === 'G0') return backward(at, 'decide', null);
  const fenced = grade === 'G3' && state !== 'reversing';
  return { ...decision('decide', fenced ? 'in_doubt' : 'reversing', step), newToken: true };
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
    byPerson: null,
    newDeadline: false,
  };
}

function misfit(answer: Answer): never {
  throw new SignalboxError('SB-5006', `fitting lets ${answer.outcome} through`, { final: true });
}
