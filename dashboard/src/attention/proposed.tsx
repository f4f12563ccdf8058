/** Decisions that wait for a second person, or for the owner of their partition. */

import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { act } from '../api/client.ts';
import { useCommands, useMe } from '../api/queries.ts';
import type { Commands } from '../api/types.ts';
import { Age, Panel, TransactionLink, Until } from '../parts/bits.tsx';
import { actName } from '../shell/decide-dialog.tsx';
import { ActDialog } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

type Command = Commands['commands'][number];

export function ProposedPanel() {
  const { data } = useCommands(true);
  const { data: me } = useMe();
  const client = useQueryClient();
  const [approving, setApproving] = useState<Command | null>(null);
  const open = (data?.commands ?? []).filter(({ state }) => state === 'proposed' || state === 'waiting');
  if (open.length === 0) return null;
  return (
    <Panel title="Decisions on their way" sub="proposed, or waiting for the owner of the partition">
      <div className="scroll-x">
        <table>
          <thead>
            <tr>
              <th>Decision</th>
              <th>Transaction</th>
              <th>Location</th>
              <th>By</th>
              <th>Reason</th>
              <th>When</th>
              <th>State</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {open.map((command) => (
              <tr key={command.sequence}>
                <td className="b">{actName(command.action)}</td>
                <td>
                  <TransactionLink id={command.id} />
                </td>
                <td>{command.location}</td>
                <td>{command.actor}</td>
                <td className="mut wrap">{command.reason}</td>
                <td className="mut">
                  <Age since={command.proposedAt} ago />
                </td>
                <td>
                  {command.state === 'proposed' ? (
                    <>
                      needs a second person
                      {command.expiresAt !== null && (
                        <>
                          , expires <Until at={command.expiresAt} />
                        </>
                      )}
                    </>
                  ) : (
                    'waits for the owner'
                  )}
                </td>
                <td className="num">
                  {command.state === 'proposed' && (
                    <ActButton
                      className="sm"
                      not={
                        command.actor === me?.name
                          ? 'You proposed it: another person has to approve it.'
                          : null
                      }
                      onAct={() => setApproving(command)}
                    >
                      Approve…
                    </ActButton>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {approving !== null && (
        <ActDialog
          title={`Approve: ${actName(approving.action)} of ${approving.id}`}
          button="Approve"
          says="Approved"
          preview={
            <>
              {approving.actor} decided to <b>{actName(approving.action).toLowerCase()}</b>:{' '}
              {approving.reason}. It is carried out on <b>{approving.expectedState.replace('_', ' ')}</b>{' '}
              only.
            </>
          }
          onAct={async (reason) => {
            await act('POST', `/v1/commands/${approving.sequence}/approve`, { reason });
            await client.invalidateQueries({ queryKey: ['live'] });
          }}
          onClose={() => setApproving(null)}
        />
      )}
    </Panel>
  );
}
