/** Limits: what operators have set, for locations and patterns. */

import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { act } from '../api/client.ts';
import { useLimits } from '../api/queries.ts';
import type { Limits } from '../api/types.ts';
import { Age, LocationLink, Nothing, Panel } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { useTitle } from '../parts/title.ts';
import { ActDialog } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

type Limit = Limits['limits'][number];

export function LimitsPage() {
  useTitle('Limits');
  const { data } = useLimits();
  const [asking, setAsking] = useState<{
    readonly limit: Limit | null;
    readonly paused: boolean | null;
  } | null>(null);
  const close = () => setAsking(null);
  return (
    <>
      <div className="title">
        <h1>Limits</h1>
        <span className="meta">transactions at the same time at a location; over what is configured</span>
        <span className="grow" />
        <ActButton icon="limit" onAct={() => setAsking({ limit: null, paused: null })}>
          Set a limit…
        </ActButton>
        <ActButton icon="pause" onAct={() => setAsking({ limit: null, paused: true })}>
          Pause a pattern…
        </ActButton>
      </div>
      <Panel
        title="Set by operators"
        sub="a location's own limit comes before one by pattern; any pause that fits holds"
      >
        {data?.limits.length === 0 && <Nothing>Nothing: every location is as configured.</Nothing>}
        <div className="scroll-x">
          <table>
            {data !== undefined && data.limits.length > 0 && (
              <thead>
                <tr>
                  <th>Location or pattern</th>
                  <th className="num">Limit</th>
                  <th>Pause</th>
                  <th>By</th>
                  <th>Reason</th>
                  <th>When</th>
                  <th />
                </tr>
              </thead>
            )}
            <tbody>
              {data?.limits.map((limit) => (
                <tr key={limit.location}>
                  <td>
                    {/[*?]/.test(limit.location) ? (
                      <b className="mono">{limit.location}</b>
                    ) : (
                      <LocationLink location={limit.location} row />
                    )}
                  </td>
                  <td className="num">{limit.concurrency ?? <span className="dim">as configured</span>}</td>
                  <td>
                    {limit.paused && (
                      <span className="st st-pause">
                        <Icon name="pause" />
                        paused
                      </span>
                    )}
                  </td>
                  <td>{limit.actor}</td>
                  <td className="mut wrap">{limit.reason}</td>
                  <td className="mut">
                    <Age since={limit.changedAt} ago />
                  </td>
                  <td className="num">
                    <ActButton
                      className="sm"
                      onAct={() => setAsking({ limit, paused: limit.paused ? false : null })}
                    >
                      {limit.paused ? 'Resume…' : 'Change…'}
                    </ActButton>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      {asking !== null && <SetDialog limit={asking.limit} paused={asking.paused} onClose={close} />}
    </>
  );
}

/** `paused` null: the limit is set, not the pause. */
function SetDialog({
  limit,
  paused,
  onClose,
}: {
  readonly limit: Limit | null;
  readonly paused: boolean | null;
  readonly onClose: () => void;
}) {
  const client = useQueryClient();
  const [location, setLocation] = useState(limit?.location ?? '');
  const [text, setText] = useState(String(limit?.concurrency ?? ''));
  const [placeId, limitId] = [useId(), useId()];
  const name = paused === null ? 'Set the limit of' : paused ? 'Pause' : 'Resume';
  const concurrency = text.trim() === '' ? null : Math.max(1, Math.trunc(Number(text) || 1));
  return (
    <ActDialog
      title={`${name} ${location || 'a location or pattern'}`}
      button={`${name} ${location}`}
      says={`${location}: set`}
      fields={
        <>
          <div className="field">
            <label htmlFor={placeId}>Location, or a pattern with * and ?</label>
            <input
              id={placeId}
              type="text"
              required
              pattern="[A-Za-z0-9._~?*\-]{1,128}"
              readOnly={limit !== null}
              value={location}
              onChange={(event) => setLocation(event.target.value)}
            />
          </div>
          {paused === null && (
            <div className="field">
              <label htmlFor={limitId}>Transactions at the same time; empty: as configured</label>
              <input
                id={limitId}
                type="number"
                min={1}
                max={1_000}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            </div>
          )}
        </>
      }
      preview={
        paused === true
          ? 'New begins stop at every location that fits. What is under way goes on; what waits stays in order.'
          : paused === false
            ? 'Begins go on within two seconds. Another pause that fits stays.'
            : 'Workers follow within two seconds. What is under way goes on; above 1 only the begins are in record order.'
      }
      onAct={async (reason) => {
        await act(
          'PUT',
          `/v1/limits/${encodeURIComponent(location)}`,
          paused === null ? { concurrency, reason } : { paused, reason },
        );
        await client.invalidateQueries({ queryKey: ['live'] });
      }}
      onClose={onClose}
    />
  );
}
