/**
 * The one table of states, events and transitions. The engine, the SQL check, the simulator's model and the
 * docs are made from it or tested against it (design, section 5).
 */

export const STATES = [
  'received',
  'executing',
  'in_doubt',
  'reversing',
  'held',
  'completed',
  'rolled_back',
] as const;
export type State = (typeof STATES)[number];

/** States that occupy a slot of their lane. */
export const HOLDING_STATES = ['executing', 'in_doubt', 'reversing', 'held'] as const satisfies State[];
export type HoldingState = (typeof HOLDING_STATES)[number];

/** Final states are immutable. */
export const FINAL_STATES = ['completed', 'rolled_back'] as const satisfies State[];
export type FinalState = (typeof FINAL_STATES)[number];

export const EVENTS = [
  'park', // received, written to the ledger, waits for its lane
  'begin', // the intent is durable, step 0 may be executed
  'expire', // expiresAt had passed when it should have begun
  'cancel', // a person cancelled it while it waited
  'done', // the step's effect happened: next step, or completed
  'refused', // the step refuses, nothing happened: reverse the earlier steps, or rolled back
  'retry', // this request did nothing and may be tried again under a new token
  'unknown', // the effect of the step is not known
  'stale', // the participant holds a higher mark than our token
  'never', // a fencing status proved that the step never started and never will under an older token
  'takeover', // the worker that executed it lost the partition
  'reversed', // the step's effect is undone
  'give_up', // automation stops, a person decides
  'decide', // a person decided
] as const;
export type TransitionEvent = (typeof EVENTS)[number];

export interface Transition {
  /** `none`: the ledger holds no row yet. */
  readonly from: State | 'none';
  readonly event: TransitionEvent;
  readonly to: State;
}

const t = (from: State | 'none', event: TransitionEvent, ...to: State[]): Transition[] =>
  to.map((state) => ({ from, event, to: state }));

export const TRANSITIONS: readonly Transition[] = [
  ...t('none', 'park', 'received'),
  ...t('none', 'begin', 'executing'),
  ...t('none', 'expire', 'rolled_back'),
  ...t('received', 'begin', 'executing'),
  ...t('received', 'expire', 'rolled_back'),
  ...t('received', 'cancel', 'rolled_back'),
  ...t('executing', 'done', 'executing', 'completed'),
  ...t('executing', 'refused', 'reversing', 'rolled_back'),
  // held: past the deadline at a participant whose status does not fence
  ...t('executing', 'retry', 'executing', 'in_doubt', 'held'),
  ...t('executing', 'unknown', 'in_doubt'),
  ...t('executing', 'stale', 'in_doubt'),
  ...t('executing', 'takeover', 'in_doubt'),
  ...t('executing', 'reversed', 'reversing', 'rolled_back'),
  ...t('executing', 'give_up', 'held'),
  // reversing: a person had decided to roll back
  ...t('in_doubt', 'done', 'executing', 'completed', 'reversing'),
  ...t('in_doubt', 'refused', 'reversing', 'rolled_back'),
  // held: past the deadline after an irreversible step, there is no way back without a person
  ...t('in_doubt', 'never', 'executing', 'reversing', 'rolled_back', 'held'),
  ...t('in_doubt', 'retry', 'in_doubt', 'held'),
  ...t('in_doubt', 'unknown', 'in_doubt'),
  ...t('in_doubt', 'stale', 'in_doubt'),
  ...t('in_doubt', 'takeover', 'in_doubt'),
  ...t('in_doubt', 'reversed', 'reversing', 'rolled_back'),
  ...t('in_doubt', 'give_up', 'held'),
  ...t('in_doubt', 'decide', 'executing', 'in_doubt', 'reversing', 'completed', 'rolled_back'),
  ...t('reversing', 'reversed', 'reversing', 'rolled_back'),
  ...t('reversing', 'unknown', 'reversing'),
  ...t('reversing', 'stale', 'reversing'),
  ...t('reversing', 'takeover', 'reversing'),
  ...t('reversing', 'give_up', 'held'),
  ...t('reversing', 'decide', 'reversing', 'rolled_back'),
  ...t('held', 'takeover', 'held'),
  ...t('held', 'decide', 'executing', 'in_doubt', 'reversing', 'completed', 'rolled_back'),
];

const legal = new Set(TRANSITIONS.map(({ from, event, to }) => `${from} ${event} ${to}`));
const legalStates = new Set(TRANSITIONS.map(({ from, to }) => `${from} ${to}`));

export function isLegal(from: State | 'none', event: TransitionEvent, to: State): boolean {
  return legal.has(`${from} ${event} ${to}`);
}

/** Whether any event leads from one state to the other: what the SQL check can see. */
export function isLegalChange(from: State | 'none', to: State): boolean {
  return legalStates.has(`${from} ${to}`);
}

export function isHolding(state: State): state is HoldingState {
  return (HOLDING_STATES as readonly State[]).includes(state);
}

export function isFinal(state: State): state is FinalState {
  return (FINAL_STATES as readonly State[]).includes(state);
}
