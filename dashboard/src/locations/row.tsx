/** One row of the table of locations. */
import type { LocationRow, RecentOf } from '../api/types.ts';
import { Age, LocationLink, TransactionLink } from '../parts/bits.tsx';
import { BlockLamp } from '../parts/states.tsx';
import { count, duration, partitionName } from '../parts/words.ts';

export const HEAD_CELLS = (
  <>
    <th>
      <span className="vh">Selected</span>
    </th>
    <th>State</th>
    <th>Location</th>
    <th className="col-x">Part.</th>
    <th className="col-x">In flight</th>
    <th className="num">Waiting</th>
    <th className="num">Oldest</th>
    <th className="col-x">Holder</th>
    <th className="col-x">Last 12</th>
    <th className="col-x">Per minute, 1 h</th>
    <th className="num col-x">p50</th>
    <th className="num col-x" title="Rolled back, of the last 300">
      Rolled b.
    </th>
  </>
);

/** Shares of fewer cases say nothing. */
const CASES_MIN = 100;

export function LocationCells({
  row,
  recent,
  selected,
  onSelect,
}: {
  readonly row: LocationRow;
  readonly recent: RecentOf | undefined;
  readonly selected: boolean;
  readonly onSelect: () => void;
}) {
  return (
    <tr aria-selected={selected}>
      <td>
        <input type="checkbox" aria-label={`Select ${row.location}`} checked={selected} onChange={onSelect} />
      </td>
      <td>
        <BlockLamp state={row.state} />
      </td>
      <td>
        <LocationLink location={row.location} row />
      </td>
      <td className="mono dim col-x">{row.partition === null ? '–' : partitionName(row.partition)}</td>
      <td className="col-x">
        <Slots row={row} />
        {row.holders}/{row.concurrency}
      </td>
      <td className={`num ${row.waiting >= 5 ? 'b' : row.waiting === 0 ? 'dim' : ''}`}>
        {count(row.waiting)}
      </td>
      <td className="num">
        {row.waitingSince === null ? <span className="dim">–</span> : <Age since={row.waitingSince} />}
      </td>
      <td className="col-x">
        {row.holder === null ? (
          <span className="dim">–</span>
        ) : (
          <>
            <TransactionLink id={row.holder} />{' '}
            <span className="mut">{row.since !== null && <Age since={row.since} />}</span>
          </>
        )}
      </td>
      <td className="col-x">
        <Outcomes recent={recent} />
      </td>
      <td className="col-x">
        <Spark perMinute={recent?.perMinute} />
      </td>
      <td className="num col-x">{recent?.p50Ms == null ? '–' : duration(recent.p50Ms)}</td>
      <td className="num col-x">
        {recent === undefined || recent.counted < CASES_MIN
          ? '–'
          : `${((recent.rolledBack / recent.counted) * 100).toFixed(1)} %`}
      </td>
    </tr>
  );
}

export function GhostRow() {
  return (
    <tr className="ghost">
      {Array.from({ length: 12 }, (_, cell) => (
        <td key={cell} className={cell === 3 || cell === 4 || cell > 6 ? 'col-x' : ''}>
          <span />
        </td>
      ))}
    </tr>
  );
}

const SLOT_CLASS = {
  held: 'h',
  in_doubt: 'd',
  reversing: 'v',
  executing: 'f',
  paused: 'f',
  clear: 'f',
} as const;
const SLOTS_MAX = 8;

/** The worst holder first; the others are occupied. */
function Slots({ row: { state, holders, concurrency } }: { readonly row: LocationRow }) {
  return (
    <span className="slots" aria-hidden="true">
      {Array.from({ length: Math.min(SLOTS_MAX, concurrency) }, (_, slot) => (
        <i key={slot} className={slot >= holders ? '' : slot === 0 ? SLOT_CLASS[state] : 'f'} />
      ))}
    </span>
  );
}

const LAST = 12;

function Outcomes({ recent }: { readonly recent: RecentOf | undefined }) {
  const outcomes = recent?.outcomes ?? [];
  const back = outcomes.filter((outcome) => outcome === 'rolled_back').length;
  const missing = LAST - outcomes.length;
  return (
    <span
      className="oc"
      role="img"
      aria-label={`Last ${outcomes.length} outcomes: ${outcomes.length - back} completed, ${back} rolled back`}
    >
      {Array.from({ length: LAST }, (_, place) => {
        const outcome = outcomes[place - missing];
        return (
          <i key={place} className={outcome === undefined ? 'n' : outcome === 'rolled_back' ? 'r' : ''} />
        );
      })}
    </span>
  );
}

function Spark({ perMinute }: { readonly perMinute: readonly number[] | undefined }) {
  if (perMinute === undefined) return <span className="dim">–</span>;
  const highest = Math.max(1, ...perMinute);
  const points = perMinute.map(
    (value, minute) =>
      `${((minute / (perMinute.length - 1)) * 72).toFixed(1)},${(15 - (value / highest) * 13).toFixed(1)}`,
  );
  return (
    <>
      <svg className="spk" viewBox="0 0 72 16" aria-hidden="true">
        <path d={`M${points.join('L')}`} />
      </svg>{' '}
      <span className="mut">{perMinute.at(-2) ?? 0}</span>
    </>
  );
}
