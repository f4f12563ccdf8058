/** The ledger cannot be reached: what is broken, since when, what now; and what was last known. Heals by itself. */
import { useQueryClient } from '@tanstack/react-query';
import type { Status } from '../api/types.ts';
import { Age, Code, Command } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { clock, count, plural } from '../parts/words.ts';

interface Cause {
  readonly code: string;
  readonly cause: string;
  readonly detail: string;
}

export function LedgerAway({ status }: { readonly status: Status }) {
  const client = useQueryClient();
  const { ledgerProblem, since, asOf, held, inDoubt, waiting, completed } = status;
  const problems = (status.process.problems ?? []) as readonly Cause[];
  return (
    <div className="lone">
      <div>
        <div className="bar">
          <span className="st st-held">
            <Icon name="held" />
            needs a person
          </span>
          {ledgerProblem !== undefined && <Code code={ledgerProblem.code} />}
        </div>
        <h1 className="big">The ledger cannot be reached.</h1>
        <p className="lede">
          {ledgerProblem?.detail}{' '}
          {since !== null && (
            <>
              Since {clock(since)} UTC, for <Age since={since} />.{' '}
            </>
          )}
          No transaction begins until it is back. Nothing is lost: records stay on the topic and their offsets
          are not committed.
        </p>
        <div className="bar">
          <button className="btn pri" type="button" onClick={() => void client.invalidateQueries()}>
            <Icon name="ask" />
            Try now
          </button>
          <span className="mut">it is tried every second by itself; this page heals without a reload</span>
        </div>
      </div>
      <div className="cols" style={{ gridTemplateColumns: 'minmax(0,1fr) minmax(0,1fr)' }}>
        <section className="panel" aria-labelledby="meanwhile-h">
          <div className="ph">
            <h2 id="meanwhile-h">What is happening meanwhile</h2>
          </div>
          <ul className="checks">
            <Check
              icon="pause"
              className="st-pause"
              name="Begins stopped"
              text="no intent can be written, so nothing is sent"
            />
            <Check
              icon="doubt"
              className="st-doubt"
              name={`At most ${plural(status.executing ?? 0, 'step')} under way`}
              text="answers are kept; what stays unanswered goes in doubt, then is asked"
            />
            {problems.map(({ code, cause, detail }) => (
              <Check key={code} icon="info" className="st-clear" name={cause} text={`${detail} ${code}`} />
            ))}
          </ul>
        </section>
        <section className="panel" aria-labelledby="causes-h">
          <div className="ph">
            <h2 id="causes-h">Likely causes</h2>
            <span className="sub">most likely first</span>
          </div>
          <div className="pb stack">
            <Step number={1} name="Postgres is restarting or failing over">
              <Command text="pg_isready" />
            </Step>
            <Step number={2} name="Its address, credentials or certificate changed" />
            <Step number={3} name="Everything at once">
              <Command text="npx signalbox doctor" />
            </Step>
          </div>
        </section>
      </div>
      <p className="note">
        <Icon name="info" />
        <span>
          {asOf === null
            ? 'Nothing is known from before.'
            : `Last known at ${clock(asOf)} UTC, not live: ${count(held ?? 0)} held, ${count(inDoubt ?? 0)} in doubt, ${count(waiting ?? 0)} waiting, ${count(completed ?? 0)} completed.`}
        </span>
      </p>
    </div>
  );
}

function Check({
  icon,
  className,
  name,
  text,
}: {
  readonly icon: 'pause' | 'doubt' | 'info';
  readonly className: string;
  readonly name: string;
  readonly text: string;
}) {
  return (
    <li>
      <span className={`st ${className}`}>
        <Icon name={icon} />
      </span>
      <span>
        <span className="w">{name}</span>
        <br />
        <span className="mut">{text}</span>
      </span>
    </li>
  );
}

function Step({
  number,
  name,
  children,
}: {
  readonly number: number;
  readonly name: string;
  readonly children?: React.ReactNode;
}) {
  return (
    <div className="stepn">
      <b>{number}</b>
      <div>
        <span className="b">{name}</span>
        {children}
      </div>
    </div>
  );
}
