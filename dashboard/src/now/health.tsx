/** One sentence that says whether all is well, and the one below it with the numbers. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Attention, Series, Status } from '../api/types.ts';
import { Age } from '../parts/bits.tsx';
import { count, plural } from '../parts/words.ts';

export type Signal = 'stop' | 'caution' | 'clear';

export interface Health {
  readonly signal: Signal;
  readonly sentence: ReactNode;
}

/** The worst thing first; what is not affected is said too. */
function healthOf(status: Status, lanes: number | null): Health {
  const held = status.held ?? 0;
  const inDoubt = (status.inDoubt ?? 0) + (status.reversing ?? 0);
  const alive = status.workers.filter((worker) => worker.alive).length;
  if (alive === 0) {
    return {
      signal: 'stop',
      sentence: <b className="r">No worker is alive: nothing begins. Records wait on the topic.</b>,
    };
  }
  const others =
    lanes === null ? '' : `; the other ${count(Math.max(0, lanes - held - inDoubt))} lanes are not affected`;
  const doubt = inDoubt > 0 && (
    <Link className="a link" href="/attention">
      {inDoubt === 1 ? '1 is in doubt' : `${count(inDoubt)} are in doubt`}
    </Link>
  );
  if (held > 0) {
    return {
      signal: 'stop',
      sentence: (
        <>
          <Link className="r link" href="/attention">
            {held === 1
              ? '1 transaction waits for a person.'
              : `${count(held)} transactions wait for a person.`}
          </Link>{' '}
          {doubt === false ? (
            `Nothing else is wrong${others}.`
          ) : (
            <>
              {doubt} and being asked{others}.
            </>
          )}
        </>
      ),
    };
  }
  if (doubt !== false)
    return {
      signal: 'caution',
      sentence: (
        <>
          Nothing needs a person. {doubt} and being asked{others}.
        </>
      ),
    };
  return { signal: 'clear', sentence: <>All lines run. Nothing needs a person.</> };
}

export function HealthHead({
  status,
  series,
  attention,
  lanes,
  range,
  ranges,
  onRange,
}: {
  readonly status: Status;
  readonly series: Series | undefined;
  readonly attention: Attention | undefined;
  readonly lanes: number | null;
  readonly range: string;
  readonly ranges: readonly (readonly [name: string, text: string])[];
  readonly onRange: (range: string) => void;
}) {
  const { signal, sentence } = healthOf(status, lanes);
  const text = ranges.find(([name]) => name === range)?.[1] ?? range;
  return (
    <section className="health" aria-label="Health">
      <SignalHead signal={signal} />
      <div className="grow">
        <h1>{sentence}</h1>
        <p>
          <Numbers series={series} text={text} />
          <Worst attention={attention} />
        </p>
      </div>
      <div className="seg" role="group" aria-label="Time range">
        {ranges.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={name === range} onClick={() => onRange(name)}>
            {label}
          </button>
        ))}
      </div>
    </section>
  );
}

function Numbers({ series, text }: { readonly series: Series | undefined; readonly text: string }) {
  if (series === undefined) return <>…</>;
  const completed = series.points.reduce((sum, point) => sum + point.completed, 0);
  const rolledBack = series.points.reduce((sum, point) => sum + point.rolledBack, 0);
  return (
    <>
      Last {text}: {count(completed)} completed, {count(rolledBack)} rolled back.{' '}
    </>
  );
}

function Worst({ attention }: { readonly attention: Attention | undefined }) {
  const worst = attention?.transactions[0];
  if (worst === undefined) return null;
  return (
    <>
      Worst: <Link href={`/locations/${encodeURIComponent(worst.location)}`}>{worst.location}</Link>
      {worst.behind > 0 ? ` has held ${plural(worst.behind, 'transaction')} back for ` : ' for '}
      <Age since={worst.since} />.
    </>
  );
}

const LAMPS: readonly (readonly [Signal, number, string])[] = [
  ['stop', 10, 'var(--held-f)'],
  ['caution', 24, 'var(--doubt-f)'],
  ['clear', 38, 'var(--go)'],
];

function SignalHead({ signal }: { readonly signal: Signal }) {
  return (
    <svg className="head" viewBox="0 0 20 48" aria-hidden="true">
      <rect x=".5" y=".5" width="19" height="47" rx="9.500" fill="var(--raise)" stroke="var(--line-2)" />
      {LAMPS.map(([name, y, colour]) =>
        name === signal ? (
          <g key={name}>
            <circle cx="10" cy={y} r="5.500" fill={colour} />
            <circle cx="10" cy={y} r="8" fill="none" stroke={colour} strokeOpacity=".35" strokeWidth="2" />
          </g>
        ) : (
          <circle key={name} cx="10" cy={y} r="5" fill="var(--line)" />
        ),
      )}
    </svg>
  );
}
