/**
 * What a person may do about a transaction, with its consequence, and why something else is not possible. One read model
 * for API, page and `why`.
 */
import { COMMAND_ACTIONS, COMMAND_STATES, type CommandAction } from '../core/commands.ts';
import { isFinal, type State } from '../core/states.ts';

export interface Act {
  readonly action: CommandAction;
  /** What it does and leaves; null with `not`. */
  readonly consequence: string;
  /** Why it is not possible now; null: it is. */
  readonly not: string | null;
}

const CONSEQUENCE: Readonly<Record<CommandAction, string>> = {
  cancel: 'It will not begin, and is rolled back with that reason. What waits behind it moves up.',
  ask: 'The participant is asked at once, under a new token that fences every older attempt. Safe to repeat.',
  complete:
    'Records, by your word, that the step took effect; the plan goes on behind it. Nothing is sent for this step.',
  roll_back:
    'What was done is undone step by step. At grade G3 the fencing status is asked first; below G2, and for a step that ' +
    'is known to stand, it counts as undone by your word.',
  retry: 'The step is sent once more under the same key and a new token, with a new deadline.',
};

export function actsOf(state: State): Act[] {
  return COMMAND_ACTIONS.map((action) => ({
    action,
    consequence: CONSEQUENCE[action],
    not: COMMAND_STATES[action].includes(state) ? null : whyNot(action, state),
  }));
}

function whyNot(action: CommandAction, state: State): string {
  if (isFinal(state)) return `It is ${words(state)}, and that is final.`;
  if (action === 'cancel') return 'It has begun. Only a parked one can be cancelled.';
  if (state === 'received') return 'It has not begun.';
  if (state === 'executing') return 'Its step is under way, and has not failed.';
  return `Not while it is ${words(state)}.`;
}

function words(state: State): string {
  return state.replace('_', ' ');
}
