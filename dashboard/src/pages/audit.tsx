/** The audit: who did what, when and why. Append-only, each row hashed with the one before. */
import { useState } from 'react';
import { ApiProblem, act } from '../api/client.ts';
import { useAudit } from '../api/queries.ts';
import { Typed } from '../locations/filter-bar.tsx';
import { Age, Nothing, Panel } from '../parts/bits.tsx';
import { say } from '../parts/say.ts';
import { useTitle } from '../parts/title.ts';
import { useParameters } from '../parts/url.ts';
import { count, plural } from '../parts/words.ts';
import { ProblemNote } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

export function AuditPage() {
  useTitle('Audit');
  const [parameters, set] = useParameters();
  const text = parameters.get('q') ?? '';
  const actor = /(?:^|\s)by:(\S+)/.exec(text)?.[1] ?? '';
  const target = text.replace(/(?:^|\s)by:\S+/, '').trim();
  const { data, error } = useAudit(actor, target);
  return (
    <>
      <div className="title">
        <h1>Audit</h1>
        <span className="meta">what people did, with reason; append-only</span>
        <span className="grow" />
        <Verify />
      </div>
      <Typed
        text={text}
        label="Filter"
        placeholder="by:ann, or a whole target: location ATM-0001"
        onText={(q) => set({ q })}
      />
      {error instanceof ApiProblem && <ProblemNote problem={error} />}
      <Panel title="Acts" sub={data === undefined ? '…' : plural(data.audit.length, 'row')}>
        {data?.audit.length === 0 && <Nothing>Nobody has done anything yet.</Nothing>}
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th className="num">#</th>
                <th>When</th>
                <th>By</th>
                <th>Act</th>
                <th>Target</th>
                <th>Reason</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {data?.audit.map((row) => (
                <tr key={row.sequence}>
                  <td className="num dim">{count(row.sequence)}</td>
                  <td className="mut">
                    <Age since={row.at} ago />
                  </td>
                  <td className="b">{row.actor}</td>
                  <td>{row.action}</td>
                  <td className="mono wrap">{row.target}</td>
                  <td className="wrap">{row.reason}</td>
                  <td className="mut wrap">{row.detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  );
}

function Verify() {
  const [found, setFound] = useState<string | null>(null);
  const verify = async () => {
    const { rows, brokenAt } = await act<{ rows: number; brokenAt: number | null }>(
      'POST',
      '/v1/audit/verify',
    );
    const text =
      brokenAt === null ? `${plural(rows, 'row')}, each fits the one before` : `broken at row ${brokenAt}`;
    setFound(text);
    say(text);
  };
  return (
    <>
      {found !== null && <span className={found.startsWith('broken') ? 'warn' : 'st st-done'}>{found}</span>}
      <ActButton needed="admin" onAct={() => void verify()}>
        Verify the chain
      </ActButton>
    </>
  );
}
