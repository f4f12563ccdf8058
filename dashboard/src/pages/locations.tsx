/** Locations: which are stuck, slow, paused; act on many. The table draws only the rows in view, of however many. */
import { useQueries } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useMemo, useRef, useState } from 'react';
import { ask, query } from '../api/client.ts';
import { useRecent } from '../api/queries.ts';
import type { BlockState, LocationRow, Locations } from '../api/types.ts';
import { useLiveState } from '../live.tsx';
import { BulkBar } from '../locations/bulk-bar.tsx';
import { parametersOf, toggled } from '../locations/filter.ts';
import { FilterBar } from '../locations/filter-bar.tsx';
import { GhostRow, HEAD_CELLS, LocationCells } from '../locations/row.tsx';
import { useTitle } from '../parts/title.ts';
import { useParameters } from '../parts/url.ts';
import { count } from '../parts/words.ts';

const PAGE = 100;
const ROW_PX = 29;

export function LocationsPage() {
  useTitle('Locations');
  const [parameters, set] = useParameters();
  const text = parameters.get('q') ?? '';
  const sort = parameters.get('sort') ?? 'harm';
  const asked = useMemo(() => ({ ...parametersOf(text), sort }), [text, sort]);
  const table = useRef<HTMLDivElement>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [pointed, setPointed] = useState(false);
  const { state } = useLiveState();

  const virtual = useVirtualizer({
    count: useTotal(asked, pointed),
    getScrollElement: () => table.current,
    estimateSize: () => ROW_PX,
    overscan: 20,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const { rowAt, page } = usePages(asked, first, last, pointed);
  const visible = items.slice(0, 60).flatMap(({ index }) => rowAt(index)?.location ?? []);
  const recent = useRecent(visible);
  const recentOf = useMemo(
    () => new Map((recent.data?.locations ?? []).map((each) => [each.location, each])),
    [recent.data],
  );
  const select = (location: string) => setSelected(toggled(selected, location));
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <>
      <div className="title">
        <h1>Locations</h1>
        <span className="meta">{page === undefined ? '…' : summary(page)}</span>
        <span className="grow" />
        <Views sort={sort} onSort={(next) => set({ sort: next === 'harm' ? null : next })} />
      </div>
      <FilterBar
        text={text}
        counts={page?.counts}
        waitingAt={page?.waitingAt ?? 0}
        onText={(q) => set({ q })}
      />
      <section className="panel" aria-label="Locations">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <div className="vt" ref={table} tabIndex={0} role="region" aria-label="Table of locations">
          <table
            className="loc-t"
            aria-rowcount={page?.total ?? 0}
            onPointerEnter={() => setPointed(true)}
            onPointerLeave={() => setPointed(false)}
          >
            <thead>
              <tr>{HEAD_CELLS}</tr>
            </thead>
            <tbody>
              <Pad px={above} />
              {items.map(({ index }) => {
                const row = rowAt(index);
                return row === undefined ? (
                  <GhostRow key={index} />
                ) : (
                  <LocationCells
                    key={row.location}
                    row={row}
                    recent={recentOf.get(row.location)}
                    selected={selected.has(row.location)}
                    onSelect={() => select(row.location)}
                  />
                );
              })}
              <Pad px={below} />
            </tbody>
          </table>
          {page?.total === 0 && <p className="pb dim">No location fits this filter.</p>}
        </div>
      </section>
      {state === 'paused' && <p className="dim">Updates are paused: rows are as of then.</p>}
      {selected.size > 0 && <BulkBar locations={[...selected]} onClear={() => setSelected(new Set())} />}
    </>
  );
}

function summary({ known, counts, waitingAt, sampled }: Locations): string {
  const parts = (['held', 'in_doubt', 'paused'] as BlockState[])
    .filter((state) => counts[state] > 0)
    .map((state) => `${count(counts[state])} ${state.replace('_', ' ')}`);
  const some = sampled ? ' (the first 200,000)' : '';
  return `${count(known)} known${some}${parts.length === 0 ? '' : `; ${parts.join(', ')}`}; waiting at ${count(waitingAt)}`;
}

type Asked = ReturnType<typeof parametersOf> & { readonly sort: string };

function pageQuery(asked: Asked, page: number, pointed: boolean) {
  return {
    queryKey: [pointed ? 'held' : 'live', 'locations', asked, page],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      ask<Locations>(`/v1/locations${query({ ...asked, limit: PAGE, offset: page * PAGE })}`, signal),
    placeholderData: (before: Locations | undefined) => before,
  };
}

/** The first page says how many rows there are. */
function useTotal(asked: Asked, pointed: boolean): number {
  const [first] = useQueries({ queries: [pageQuery(asked, 0, pointed)] });
  return first.data?.total ?? 0;
}

/** The pages in view. While the table is pointed at its rows stay where they are: those pages are not asked again. */
function usePages(asked: Asked, first: number, last: number, pointed: boolean) {
  const from = Math.floor(first / PAGE);
  const pages = Array.from({ length: Math.floor(last / PAGE) - from + 1 }, (_, index) => from + index);
  const answers = useQueries({ queries: pages.map((page) => pageQuery(asked, page, pointed)) });
  const rowAt = (index: number): LocationRow | undefined =>
    answers[Math.floor(index / PAGE) - from]?.data?.locations[index % PAGE];
  return { rowAt, page: answers[0]?.data };
}

function Pad({ px }: { readonly px: number }) {
  if (px <= 0) return null;
  return (
    <tr className="pad">
      <td colSpan={12} style={{ '--h': `${px}px` } as CSSProperties} />
    </tr>
  );
}

const VIEWS = [
  ['harm', 'By harm'],
  ['waiting', 'Most waiting'],
  ['oldest', 'Longest'],
  ['name', 'By name'],
] as const;

function Views({ sort, onSort }: { readonly sort: string; readonly onSort: (sort: string) => void }) {
  return (
    <div className="seg" role="group" aria-label="Order">
      {VIEWS.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={sort === name} onClick={() => onSort(name)}>
          {text}
        </button>
      ))}
    </div>
  );
}
