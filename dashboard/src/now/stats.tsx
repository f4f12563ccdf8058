/** The six numbers beside the curves; each links to the list behind it. */
import { Link } from 'wouter';
import type { Attention, Lines, Series, Status } from '../api/types.ts';
import { Age } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { count, duration, plural } from '../parts/words.ts';

export function Stats({
  status,
  series,
  attention,
  lines,
}: {
  readonly status: Status;
  readonly series: Series | undefined;
  readonly attention: Attention | undefined;
  readonly lines: Lines | undefined;
}) {
  const held = status.held ?? 0;
  const inDoubt = (status.inDoubt ?? 0) + (status.reversing ?? 0);
  const lag = status.partitions.reduce((sum, { lag: each }) => sum + (each ?? 0), 0);
  const doubts = attention?.transactions.filter(({ state }) => state !== 'held') ?? [];
  const oldestDoubt = doubts.map(({ since }) => since).sort()[0];
  return (
    <div className="stats">
      <Link className="stat" href="/attention">
        <span className={`l st ${held > 0 ? 'st-held' : 'st-clear'}`}>
          <Icon name="held" />
          Held
        </span>
        <span className={`v ${held > 0 ? 'st-held' : ''}`}>{count(held)}</span>
        <span className="s">{held > 0 ? 'a person must decide' : 'nobody must decide'}</span>
      </Link>
      <Link className="stat" href="/attention">
        <span className={`l st ${inDoubt > 0 ? 'st-doubt' : 'st-clear'}`}>
          <Icon name="doubt" />
          In doubt
        </span>
        <span className={`v ${inDoubt > 0 ? 'st-doubt' : ''}`}>{count(inDoubt)}</span>
        <span className="s">
          {oldestDoubt === undefined ? (
            'none'
          ) : (
            <>
              oldest <Age since={oldestDoubt} />
            </>
          )}
        </span>
      </Link>
      <Link className="stat" href="/locations?q=waiting:>0&sort=waiting">
        <span className="l">Waiting</span>
        <span className="v">{count(status.waiting ?? 0)}</span>
        <span className="s">{lines === undefined ? '' : `at ${plural(lines.waitingAt, 'location')}`}</span>
      </Link>
      <OldestWaiting attention={attention} />
      <div className="stat">
        <span className="l">Time to outcome</span>
        <span className="v md">{series?.p50Ms == null ? '–' : duration(series.p50Ms)}</span>
        <span className="s">
          {series?.p99Ms == null ? 'fewer than 20 in 15 min' : `p50; p99 ${duration(series.p99Ms)}`}
        </span>
      </div>
      <Link className="stat" href="/workers">
        <span className="l">Lag</span>
        <span className="v md">{count(lag)}</span>
        <span className="s">records, {plural(status.partitions.length, 'partition')}</span>
      </Link>
    </div>
  );
}

function OldestWaiting({ attention }: { readonly attention: Attention | undefined }) {
  const waits = [
    ...(attention?.paused ?? []).flatMap(({ location, waitingSince }) =>
      waitingSince === null ? [] : [{ since: waitingSince, what: `${location}, paused` }],
    ),
    ...(attention?.transactions ?? [])
      .filter(({ behind }) => behind > 0)
      .map(({ since, location, state }) => ({
        since,
        what: `${location}, ${state === 'held' ? 'held' : 'in doubt'}`,
      })),
  ].sort((a, b) => (a.since < b.since ? -1 : 1));
  const [oldest] = waits;
  return (
    <Link className="stat" href="/locations?sort=oldest">
      <span className="l">Oldest blocked</span>
      <span className="v md">{oldest === undefined ? '–' : <Age since={oldest.since} />}</span>
      <span className="s">{oldest?.what ?? 'every lane moves'}</span>
    </Link>
  );
}
