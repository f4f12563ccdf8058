/** Transactions: search by id, location, state, type, code and time; as far back as one goes on. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { ask, query } from '../api/client.ts';
import type { Item, State, Transactions } from '../api/types.ts';
import { Typed } from '../locations/filter-bar.tsx';
import { Age, Code, LocationLink, TransactionLink } from '../parts/bits.tsx';
import { StateLamp } from '../parts/states.tsx';
import { useTitle } from '../parts/title.ts';
import { useParameters } from '../parts/url.ts';
import { clock, duration, exact, money, partitionName, plural } from '../parts/words.ts';
import { idIn, searchOf, withField } from '../transactions/search.ts';

const STATES: readonly State[] = [
  'held',
  'in_doubt',
  'reversing',
  'executing',
  'received',
  'completed',
  'rolled_back',
];
const PAGE = 100;

export function TransactionsPage() {
  useTitle('Transactions');
  const [parameters, set] = useParameters();
  const [, navigate] = useLocation();
  const text = parameters.get('q') ?? '';
  const { states, ...rest } = searchOf(text);
  const asked = { ...rest, states: states.join(',') };
  const id = idIn(text);
  const found = useInfiniteQuery({
    queryKey: ['transactions', asked],
    queryFn: ({ pageParam, signal }) =>
      ask<Transactions>(`/v1/transactions${query({ ...asked, limit: PAGE, cursor: pageParam })}`, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor ?? undefined,
    enabled: id === null,
  });
  const rows = found.data?.pages.flatMap(({ transactions }) => transactions) ?? [];
  const last = found.data?.pages.at(-1);
  useEffect(() => {
    if (id !== null) navigate(`/transactions/${encodeURIComponent(id)}`);
  }, [id, navigate]);
  return (
    <>
      <div className="title">
        <h1>Transactions</h1>
        <span className="meta">
          {found.data === undefined ? '…' : `as of ${clock(found.data.pages[0]?.asOf ?? 0)} UTC`}
        </span>
        <span className="grow" />
        <button className="btn" type="button" onClick={() => void found.refetch()}>
          Search again
        </button>
      </div>
      <Typed
        text={text}
        label="Search"
        placeholder="an id, or location:ATM-1 state:held type:withdraw code:SB-4101 from:2026-11-25T12:00Z"
        onText={(q) => set({ q })}
      />
      <div className="bar nowrap" role="group" aria-label="States">
        {STATES.map((state) => (
          <button
            key={state}
            className="chip"
            type="button"
            aria-pressed={states.includes(state)}
            onClick={() => set({ q: withField(text, 'state', toggle(states, state)) })}
          >
            <StateLamp state={state} />
          </button>
        ))}
      </div>
      <section className="panel" aria-label="Transactions">
        <div className="scroll-x">
          <table>
            <Head />
            <tbody>
              {rows.map((item) => (
                <Row key={item.id} item={item} />
              ))}
            </tbody>
          </table>
        </div>
        <div className="pb bar">
          <span className="dim">{footer(rows.length, last, found.isFetching)}</span>
          <span className="grow" />
          {found.hasNextPage && <More busy={found.isFetching} onMore={() => void found.fetchNextPage()} />}
        </div>
      </section>
    </>
  );
}

function toggle(states: readonly State[], state: State): string {
  return (states.includes(state) ? states.filter((each) => each !== state) : [...states, state]).join(',');
}

function footer(shown: number, last: Transactions | undefined, busy: boolean): string {
  if (busy && shown === 0) return 'Searching…';
  const back = last?.searchedTo == null ? '' : `; searched back to ${exact(last.searchedTo)}`;
  return `${plural(shown, 'transaction')}${back}`;
}

function More({ busy, onMore }: { readonly busy: boolean; readonly onMore: () => void }) {
  return (
    <button className="btn" type="button" disabled={busy} onClick={onMore}>
      {busy ? 'Searching…' : 'Search further back'}
    </button>
  );
}

function Head() {
  return (
    <thead>
      <tr>
        <th>State</th>
        <th>Transaction</th>
        <th>Location</th>
        <th>Type</th>
        <th className="num">Amount</th>
        <th className="hide-m">Record</th>
        <th className="num">Took</th>
        <th>Code</th>
        <th className="num">Changed</th>
      </tr>
    </thead>
  );
}

function Row({ item }: { readonly item: Item }) {
  const { beganAt, finishedAt } = item;
  const took = beganAt === null || finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(beganAt);
  return (
    <tr>
      <td>
        <StateLamp state={item.state} />
      </td>
      <td>
        <TransactionLink id={item.id} row />
      </td>
      <td>
        <LocationLink location={item.location} />
      </td>
      <td>{item.type}</td>
      <td className="num">{item.money === null ? (item.label ?? '–') : money(item.money)}</td>
      <td className="mono dim hide-m">
        {partitionName(item.partition)} {item.offset}
      </td>
      <td className="num">{took === null ? '–' : duration(took)}</td>
      <td>
        {item.code === null ? <span className="dim">{item.reason ?? '–'}</span> : <Code code={item.code} />}
      </td>
      <td className="num mut">
        <Age since={item.changedAt} ago />
      </td>
    </tr>
  );
}
