/** Settings in force at the location, where they come from, and what people did to it. */
import { useLimits } from '../api/queries.ts';
import type { LocationPage, Why } from '../api/types.ts';
import { Age, Nothing, Panel } from '../parts/bits.tsx';

export function SettingsPanel({ why, page }: { readonly why: Why; readonly page: LocationPage }) {
  const { data: limits } = useLimits();
  const own = limits?.limits.find(({ location }) => location === why.location);
  const { row } = page;
  return (
    <Panel title="Settings and audit">
      <div className="pb">
        <dl className="kv">
          <dt>Limit</dt>
          <dd>
            {why.concurrency}{' '}
            <span className="dim">
              {own?.concurrency == null
                ? 'as configured, or by a pattern'
                : `set by ${own.actor}: ${own.reason}`}
            </span>
          </dd>
          <dt>Pause</dt>
          <dd>
            {why.paused ? (
              <>
                paused{' '}
                <span className="dim">
                  by {row.pausedBy ?? 'an operator'}
                  {row.pauseReason === null ? '' : `: ${row.pauseReason}`}
                </span>
              </>
            ) : (
              'none'
            )}
          </dd>
          <dt>Partition</dt>
          <dd>
            {why.partition ?? 'not known'}{' '}
            <span className="dim">
              epoch {why.epoch ?? '–'}, owner {why.owner ?? 'nobody'}
            </span>
          </dd>
        </dl>
      </div>
      {page.audit.length === 0 ? (
        <Nothing>No person has set anything here.</Nothing>
      ) : (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th>When</th>
                <th>Act</th>
                <th>By</th>
                <th>Reason</th>
              </tr>
            </thead>
            <tbody>
              {page.audit.map(({ sequence, at, action, detail, actor, reason }) => (
                <tr key={sequence}>
                  <td className="mut">
                    <Age since={at} ago />
                  </td>
                  <td>
                    {action}: {detail}
                  </td>
                  <td>{actor}</td>
                  <td className="mut wrap">{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
