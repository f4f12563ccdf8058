/** What needs attention, by harm: held before in doubt before paused before dead letters before lag. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Attention, AttentionRow, Status } from '../api/types.ts';
import { Age, Panel, useCause } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { DEAD, LAG, type Look, lookOf, PAUSED } from '../parts/states.tsx';
import { useSteady } from '../parts/steady.ts';
import { count, money, partitionName, plural } from '../parts/words.ts';

const ROWS_MAX = 9;
/** Records behind, above which a partition is told. */
const LAG_MIN = 1_000;

export function NeedsAttention({
  attention,
  status,
}: {
  readonly attention: Attention;
  readonly status: Status;
}) {
  const { rows, hold, changed, show } = useSteady(attention.transactions.slice(0, ROWS_MAX), ({ id }) => id);
  const paused = attention.paused.slice(0, Math.max(0, ROWS_MAX - rows.length));
  const letters = attention.deadLetters.filter(({ open }) => open > 0).slice(0, 3);
  const late = status.partitions.filter(({ lag }) => (lag ?? 0) >= LAG_MIN).slice(0, 3);
  const nothing = rows.length + paused.length + letters.length + late.length === 0;
  return (
    <Panel
      title="Needs attention"
      sub="by harm"
      right={
        <Link className="sub link" href="/attention">
          Work queue
        </Link>
      }
    >
      {changed > 0 && (
        <button className="waits" type="button" onClick={show}>
          {plural(changed, 'row')} changed, show
        </button>
      )}
      <ul className="att" {...hold}>
        {rows.map((row) => (
          <li key={row.id}>
            <TransactionRow row={row} />
          </li>
        ))}
        {paused.map(({ location, waiting, reason, actor, waitingSince }) => (
          <li key={`p-${location}`}>
            <Row
              href={`/locations/${encodeURIComponent(location)}`}
              look={PAUSED}
              name={location}
              detail={`Paused by ${actor ?? 'an operator'}${reason === null ? '' : `: ${reason}`}`}
              age={waitingSince === null ? '' : <Age since={waitingSince} />}
              beside={waiting > 0 ? `${count(waiting)} wait` : ''}
            />
          </li>
        ))}
        {letters.map(({ code, open, records, lastAt }) => (
          <li key={code}>
            <LetterRow code={code} open={open} records={records} lastAt={lastAt} />
          </li>
        ))}
        {late.map(({ partition, lag, owner }) => (
          <li key={`lag-${partition}`}>
            <Row
              href="/workers"
              look={LAG}
              name={partitionName(partition)}
              detail={`${plural(lag ?? 0, 'record')} behind, at ${owner ?? 'nobody'}`}
              age=""
              beside=""
            />
          </li>
        ))}
      </ul>
      {nothing && <p className="pb dim">Nothing. Every lane moves, and no record is left over.</p>}
    </Panel>
  );
}

export function TransactionRow({
  row,
  current = false,
  href,
}: {
  readonly row: AttentionRow;
  readonly current?: boolean;
  readonly href?: string;
}) {
  const cause = useCause(row.code);
  return (
    <Row
      href={
        href ??
        (row.state === 'held'
          ? `/attention?id=${encodeURIComponent(row.id)}`
          : `/locations/${encodeURIComponent(row.location)}`)
      }
      red={row.state === 'held'}
      current={current}
      look={lookOf(row.state)}
      name={row.location}
      amount={row.money === null ? (row.label ?? '') : money(row.money)}
      detail={
        <>
          {cause ?? row.detail ?? `${row.step}, ${plural(row.attempts, 'attempt')}`}{' '}
          {row.code !== null && <span className="dim mono">{row.code}</span>}
        </>
      }
      age={<Age since={row.since} />}
      beside={row.behind > 0 ? `${count(row.behind)} wait` : ''}
    />
  );
}

function LetterRow({
  code,
  open,
  records,
  lastAt,
}: {
  readonly code: string;
  readonly open: number;
  readonly records: number;
  readonly lastAt: string;
}) {
  const cause = useCause(code);
  return (
    <Row
      href={`/attention?code=${code}#dead`}
      look={DEAD}
      name={`${count(open)} open`}
      detail={
        <>
          {cause} <span className="dim mono">{code}</span>
        </>
      }
      age={<Age since={lastAt} />}
      beside={`${count(records)} in all`}
    />
  );
}

function Row({
  href,
  look,
  name,
  amount = '',
  detail,
  age,
  beside,
  red = false,
  current = false,
}: {
  readonly href: string;
  readonly look: Look;
  readonly name: string;
  readonly amount?: string;
  readonly detail: ReactNode;
  readonly age: ReactNode;
  readonly beside: string;
  readonly red?: boolean;
  readonly current?: boolean;
}) {
  return (
    <Link
      className={`row ${red ? 'red' : ''}`}
      data-row
      href={href}
      {...(current ? { 'aria-current': 'true' as const } : {})}
    >
      <span className={`ic st ${look.className}`}>
        <Icon name={look.icon} />
      </span>
      <span className="t">
        <span className={`st ${look.className}`}>{look.word}</span>
        <b className="b cut">{name}</b>
        <span>{amount}</span>
      </span>
      <span className="age">{age}</span>
      <span className="d cut">{detail}</span>
      <span className="beh">{beside}</span>
    </Link>
  );
}
