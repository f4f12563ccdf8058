/** Attention: what must I decide, on what evidence, with which consequence? */
import { useRef, useState } from 'react';
import { useAttention } from '../api/queries.ts';
import type { Attention, AttentionRow } from '../api/types.ts';
import { CasePanel } from '../attention/case.tsx';
import { DeadLettersPanel } from '../attention/dead-letters.tsx';
import { ProposedPanel } from '../attention/proposed.tsx';
import { TransactionRow } from '../now/needs-attention.tsx';
import { Icon } from '../parts/icons.tsx';
import { useSteady } from '../parts/steady.ts';
import { useTitle } from '../parts/title.ts';
import { useParameters } from '../parts/url.ts';
import { count, plural, sums } from '../parts/words.ts';

const SHOWN = [
  ['all', 'All'],
  ['held', 'Held'],
  ['in_doubt', 'In doubt'],
] as const;

export function AttentionPage() {
  useTitle('Attention');
  const { data } = useAttention();
  if (data === undefined) return <p className="dim">Asking the ledger…</p>;
  return <Queue attention={data} />;
}

function Queue({ attention }: { readonly attention: Attention }) {
  const [parameters, set] = useParameters();
  const shown = parameters.get('show') ?? 'all';
  const fitting = attention.transactions.filter(
    ({ state }) => shown === 'all' || (shown === 'held' ? state === 'held' : state !== 'held'),
  );
  const { rows, hold, changed, show } = useSteady(fitting, ({ id }) => id);
  const id = parameters.get('id');
  const [deciding, setDeciding] = useState(false);
  const kept = useRef<AttentionRow | null>(null);
  const listed = id === null ? undefined : attention.transactions.find((row) => row.id === id);
  // Somebody else may decide, or the participant may answer, while one reads or types: it stays in view.
  const stays = kept.current !== null && (deciding || kept.current.id === id) ? kept.current : undefined;
  const chosen = listed ?? stays ?? rows[0];
  kept.current = chosen ?? null;
  return (
    <>
      <div className="title">
        <h1>Attention</h1>
        <span className="meta">{summary(attention)}</span>
        <span className="grow" />
        <span className="dim hide-s">
          sorted by harm: held, then transactions behind, then money, then age
        </span>
      </div>
      <div className="split">
        <section className="panel" aria-label="Work queue" {...hold}>
          <div className="ph">
            <div className="seg" role="group" aria-label="Show">
              {SHOWN.map(([name, text]) => (
                <button
                  key={name}
                  type="button"
                  aria-pressed={shown === name}
                  onClick={() => set({ show: name === 'all' ? null : name })}
                >
                  {text} {counted(attention.transactions, name)}
                </button>
              ))}
            </div>
            <span className="grow" />
            <a className="sub link" href="#dead">
              Dead letters
            </a>
          </div>
          {changed > 0 && (
            <button className="waits" type="button" onClick={show}>
              {plural(changed, 'row')} changed, show
            </button>
          )}
          <ul className="att">
            {rows.map((row) => (
              <li key={row.id}>
                <TransactionRow
                  row={row}
                  current={row.id === chosen?.id}
                  href={`/attention?${new URLSearchParams({ ...(shown === 'all' ? {} : { show: shown }), id: row.id })}`}
                />
              </li>
            ))}
          </ul>
          {rows.length === 0 && (
            <p className="pb dim">Nothing waits for a person, and nothing is in doubt.</p>
          )}
          <div className="pb note">
            <Icon name="info" />
            <span>
              In doubt resolves by itself as soon as the participant answers. Only <b>held</b> needs you.
            </span>
          </div>
        </section>
        {chosen === undefined ? (
          <AllClear />
        ) : (
          <CasePanel key={chosen.id} row={chosen} onDeciding={setDeciding} />
        )}
      </div>
      <ProposedPanel />
      <DeadLettersPanel attention={attention} />
    </>
  );
}

function counted(rows: readonly AttentionRow[], name: (typeof SHOWN)[number][0]): string {
  if (name === 'all') return count(rows.length);
  return count(rows.filter(({ state }) => (name === 'held' ? state === 'held' : state !== 'held')).length);
}

function summary({ transactions, deadLetters }: Attention): string {
  const held = transactions.filter(({ state }) => state === 'held').length;
  const open = deadLetters.reduce((sum, each) => sum + each.open, 0);
  const without = sums(transactions.map(({ money }) => money));
  const amount = without === '' ? '' : ` ${without} is without an outcome.`;
  return `${count(held)} held for a person, ${count(transactions.length - held)} in doubt and being asked, ${plural(open, 'open dead letter')}.${amount}`;
}

function AllClear() {
  return (
    <section className="panel" aria-label="Nothing to decide">
      <div className="pb">
        <p className="st st-done">
          <Icon name="done" />
          Nothing to decide
        </p>
      </div>
    </section>
  );
}
