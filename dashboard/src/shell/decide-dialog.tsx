/** A decision about one transaction: which, with which consequence, on what was seen, and why. */

import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { act } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import type { Act, Decided, State } from '../api/types.ts';
import { say } from '../parts/say.ts';
import { stateWord } from '../parts/states.tsx';
import { short } from '../parts/words.ts';
import { ActDialog } from './dialog.tsx';

export interface Decidable {
  readonly id: string;
  readonly location: string;
  readonly state: State;
  readonly token: string | null;
  readonly acts: readonly Act[];
}

const NAMES: Readonly<Record<string, string>> = {
  ask: 'Ask again',
  cancel: 'Cancel',
  complete: 'Complete',
  roll_back: 'Roll back',
  retry: 'Retry',
};

export const actName = (action: string) => NAMES[action] ?? action;

export function DecideDialog({
  about,
  only,
  pick,
  onClose,
}: {
  readonly about: Decidable;
  /** The one act that is asked about. */
  readonly only?: string;
  /** The one that is chosen first. */
  readonly pick?: string;
  readonly onClose: () => void;
}) {
  const client = useQueryClient();
  const { data: me } = useMe();
  // What was seen when it was opened: it may change behind the dialog, and then the act is refused.
  const [seen] = useState(about);
  const options = seen.acts.filter(({ action, not }) =>
    only === undefined ? not === null && action !== 'ask' : action === only,
  );
  const [chosen, setChosen] = useState(pick ?? only ?? options[0]?.action ?? 'retry');
  const needsSecond = me?.approval === true && seen.state === 'held';
  const button = `${needsSecond ? 'Propose: ' : ''}${actName(chosen)}`;
  const decide = async (reason: string) => {
    const decided = await act<Decided>('POST', `/v1/transactions/${encodeURIComponent(seen.id)}/decisions`, {
      action: chosen,
      reason,
      seen: { state: seen.state, token: seen.token },
    });
    say(resultText(decided));
    await client.invalidateQueries({ queryKey: ['live'] });
  };
  return (
    <ActDialog
      title={
        only === undefined
          ? `Decide ${short(seen.id)} at ${seen.location}`
          : `${actName(only)}: ${short(seen.id)} at ${seen.location}`
      }
      button={button}
      says={`${button}: sent`}
      fields={
        options.length > 1 && (
          <fieldset className="plain" aria-label="Decision">
            {options.map(({ action, consequence }) => (
              <label key={action} className="opt">
                <input
                  type="radio"
                  name="action"
                  value={action}
                  checked={chosen === action}
                  onChange={() => setChosen(action)}
                />
                <b>{actName(action)}</b>
                <small>{consequence}</small>
              </label>
            ))}
          </fieldset>
        )
      }
      preview={
        <>
          {options.length === 1 && <>{options[0]?.consequence} </>}
          Decided on <b>{stateWord(seen.state)}</b>
          {seen.token !== null && (
            <>
              {' '}
              under token <b className="mono">{seen.token}</b>
            </>
          )}
          : if it is another by then, nothing is done and you see what it is. Other locations are not
          affected.
          {needsSecond && ' A second person has to approve it.'}
        </>
      }
      onAct={decide}
      onClose={onClose}
    />
  );
}

function resultText({ outcome, found }: Decided): string {
  switch (outcome) {
    case 'applied':
      return 'Done, and recorded';
    case 'refused':
      return `Refused: it is ${found}`;
    case 'proposed':
      return 'Proposed: a second person has to approve it';
    case 'waiting':
      return 'Waits for the owner of the partition';
  }
}
