/** Decisions of a person about one transaction, and the states in which each makes sense (design, section 5). */
import type { State } from './states.ts';

export const COMMAND_ACTIONS = ['cancel', 'ask', 'complete', 'roll_back', 'retry'] as const;
export type CommandAction = (typeof COMMAND_ACTIONS)[number];

/**
 * cancel: a parked transaction will not begin. ask: the participant is asked again, at once. complete: the step took
 * effect, by the person's word. roll_back: what was done is undone, or was undone by hand. retry: the step is
 * executed again, with a new deadline.
 */
export const COMMAND_STATES: Readonly<Record<CommandAction, readonly State[]>> = {
  cancel: ['received'],
  ask: ['in_doubt', 'reversing', 'held'],
  complete: ['in_doubt', 'held'],
  roll_back: ['in_doubt', 'reversing', 'held'],
  retry: ['in_doubt', 'held'],
};

/** Whether a second person has to approve it, where a configuration asks for one: what was held for a person. */
export function needsSecondPerson(state: State): boolean {
  return state === 'held';
}
