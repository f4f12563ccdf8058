/** One transaction that waits for a person, or is being asked: evidence of both sides, and the decisions. */
import { useState } from 'react';
import { Link } from 'wouter';
import { useTransaction } from '../api/queries.ts';
import type { AttentionRow, Transaction } from '../api/types.ts';
import { Age, Code, LocationLink, TransactionLink, Until, useCause } from '../parts/bits.tsx';
import { Icon, type IconName } from '../parts/icons.tsx';
import { StateLamp } from '../parts/states.tsx';
import { count, exactClock, money, plural } from '../parts/words.ts';
import { actName, DecideDialog } from '../shell/decide-dialog.tsx';
import { ActButton } from '../shell/role.tsx';
import { linesOf } from '../transaction/history.tsx';

const LOOKS: Readonly<Record<string, { readonly icon: IconName; readonly className: string }>> = {
  complete: { icon: 'done', className: 'st-done' },
  roll_back: { icon: 'back', className: 'st-back' },
  retry: { icon: 'exec', className: 'st-exec' },
  ask: { icon: 'ask', className: 'st-wait' },
};

export function CasePanel({
  row,
  onDeciding,
}: {
  readonly row: AttentionRow;
  /** A dialog is open: the case must not go away under it. */
  readonly onDeciding: (deciding: boolean) => void;
}) {
  const { data: transaction } = useTransaction(row.id);
  const [picked, setPicked] = useState<string | null>(null);
  const pick = (action: string | null) => {
    setPicked(action);
    onDeciding(action !== null);
  };
  const now = transaction ?? row;
  const acts = now.acts.filter(({ action }) => action !== 'cancel');
  const cause = useCause(now.code);
  return (
    <section className="panel" aria-labelledby="case-h">
      <div className="ph">
        <StateLamp state={now.state} />
        <h2 id="case-h">
          <LocationLink location={row.location} />
        </h2>
        <span className="mut cut">
          {row.type}
          {row.money === null ? '' : ` of ${money(row.money)}`} · <TransactionLink id={row.id} />
        </span>
        <span className="grow" />
        <Link className="sub link nw hide-s" href={`/transactions/${encodeURIComponent(row.id)}`}>
          All attempts
        </Link>
      </div>
      <div className="pb">
        <p className="say">
          {cause ?? 'The step has not been answered clearly.'} {now.detail ?? ''}{' '}
          {now.code !== null && <Code code={now.code} />}
        </p>
        <p className="mut">
          In this state for <Age since={row.since} />, step {row.step}, {plural(row.attempts, 'attempt')}
          {row.behind > 0 && `, ${count(row.behind)} wait behind it`}
          {row.nextAttemptAt !== null && now.state !== 'held' && (
            <>
              ; asked again <Until at={row.nextAttemptAt} />
            </>
          )}
          .
        </p>
      </div>
      {transaction !== undefined && <Evidence transaction={transaction} />}
      <div className="choices">
        {acts.map(({ action, consequence, not }) => {
          const look = LOOKS[action] ?? { icon: 'person', className: '' };
          return (
            <div key={action} className="choice">
              <h3>
                <span className={`st ${look.className}`}>
                  <Icon name={look.icon} />
                  {actName(action)}
                </span>
              </h3>
              <p>{not ?? consequence}</p>
              <ActButton not={not} onAct={() => pick(action)}>
                {actName(action)}…
              </ActButton>
            </div>
          );
        })}
      </div>
      {picked !== null && (
        <DecideDialog
          about={{ id: row.id, location: row.location, state: now.state, token: now.token, acts: now.acts }}
          {...(picked === 'ask' ? { only: 'ask' } : { pick: picked })}
          onClose={() => pick(null)}
        />
      )}
    </section>
  );
}

const LINES_MAX = 8;

/** The ledger's side is what was committed, the participant's side is what it answered. */
function Evidence({ transaction }: { readonly transaction: Transaction }) {
  const lines = linesOf(transaction).slice(-LINES_MAX);
  const steps = Object.entries((transaction.evidence ?? {}) as Record<string, unknown>);
  return (
    <table className="ev">
      <thead>
        <tr>
          <th>When, UTC</th>
          <th>What the ledger says</th>
          <th>What the participant said</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={`${line.at}${line.state}${line.token}`} className={line.state === 'held' ? 'odd' : ''}>
            <td className="mut">{exactClock(line.at)}</td>
            <td data-l="Ledger:">
              <StateLamp state={line.state} /> {line.step}{' '}
              {line.token !== null && <span className="dim">token {line.token}</span>}
            </td>
            <td data-l="Participant:">
              {line.because} {line.code !== null && <span className="dim mono">{line.code}</span>}
            </td>
          </tr>
        ))}
        {steps.map(([step, evidence]) => (
          <tr key={step}>
            <td className="mut">{step}</td>
            <td data-l="Ledger:">done, with evidence</td>
            <td data-l="Participant:" className="mono">
              {JSON.stringify(evidence)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
