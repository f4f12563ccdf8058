/** Finding: a location by part of its name, a transaction by its id, an error by its code, a page by its name. */
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { ask, query } from '../api/client.ts';
import { useErrors } from '../api/queries.ts';
import type { Locations, Transaction } from '../api/types.ts';
import { BlockLamp, StateLamp } from '../parts/states.tsx';
import { Dialog } from './dialog.tsx';
import { PAGES } from './top-bar.tsx';

interface Hit {
  readonly href: string;
  readonly key: string;
  readonly what: React.ReactNode;
  readonly beside: string;
}

const LOCATIONS_MAX = 8;
const ERRORS_MAX = 4;

export function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [, navigate] = useLocation();
  const hits = useHits(text.trim());
  const go = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    onClose();
    navigate(hit.href);
  };
  const pressed = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setChosen((before) => Math.min(hits.length - 1, Math.max(0, before + move)));
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      go(hits[chosen]);
    }
  };
  return (
    <Dialog label="Find" className="pal" onClose={onClose}>
      <input
        type="text"
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="pal-hits"
        aria-activedescendant={`pal-${chosen}`}
        placeholder="Location, transaction id, error code or page"
        aria-label="Find"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={pressed}
      />
      <div id="pal-hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          <div key={hit.key} id={`pal-${index}`} role="option" tabIndex={-1} aria-selected={index === chosen}>
            <a
              href={hit.href}
              tabIndex={-1}
              className={index === chosen ? 'cur' : ''}
              onClick={(event) => {
                event.preventDefault();
                go(hit);
              }}
            >
              {hit.what}
              <span className="dim grow">{hit.beside}</span>
              {index === chosen && <kbd>↵</kbd>}
            </a>
          </div>
        ))}
        {hits.length === 0 && <p className="pb dim">Nothing of that name.</p>}
      </div>
    </Dialog>
  );
}

function useHits(text: string): Hit[] {
  const { data: errors } = useErrors();
  const isName = /^[A-Za-z0-9._~-]{1,128}$/.test(text);
  const locations = useQuery({
    queryKey: ['find', text],
    queryFn: ({ signal }) =>
      ask<Locations>(`/v1/locations${query({ q: text, limit: LOCATIONS_MAX })}`, signal),
    enabled: text !== '',
  });
  const transaction = useQuery({
    queryKey: ['find-transaction', text],
    queryFn: ({ signal }) => ask<Transaction>(`/v1/transactions/${text}`, signal),
    enabled: isName && text.length >= 4,
    retry: false,
  });
  const lower = text.toLowerCase();
  const pages = PAGES.filter(({ name }) => name.toLowerCase().includes(lower)).map(
    ({ path, name, key }): Hit => ({ href: path, key: path, what: name, beside: `g ${key}` }),
  );
  if (text === '') return pages;
  const found = (errors?.errors ?? [])
    .filter(({ code, cause }) => code.toLowerCase().includes(lower) || cause.toLowerCase().includes(lower))
    .slice(0, ERRORS_MAX);
  return [
    ...(transaction.data === undefined ? [] : [transactionHit(transaction.data)]),
    ...(locations.data?.locations ?? []).map(
      ({ location, state }): Hit => ({
        href: `/locations/${encodeURIComponent(location)}`,
        key: `l-${location}`,
        what: (
          <>
            <BlockLamp state={state} /> <b className="b">{location}</b>
          </>
        ),
        beside: 'location',
      }),
    ),
    ...found.map(
      ({ code, cause }): Hit => ({
        href: `/errors/${code}`,
        key: code,
        what: <span className="mono">{code}</span>,
        beside: cause,
      }),
    ),
    ...pages,
  ];
}

function transactionHit({ id, state, location }: Transaction): Hit {
  return {
    href: `/transactions/${encodeURIComponent(id)}`,
    key: `t-${id}`,
    what: (
      <>
        <StateLamp state={state} /> <span className="mono cut">{id}</span>
      </>
    ),
    beside: `at ${location}`,
  };
}
