/** One transaction: what exactly was done, under which token? */
import { useState } from 'react';
import { Link } from 'wouter';
import { ApiProblem } from '../api/client.ts';
import { useTransaction } from '../api/queries.ts';
import type { Transaction } from '../api/types.ts';
import { Copy, LocationLink, Panel } from '../parts/bits.tsx';
import { Icon } from '../parts/icons.tsx';
import { StateLamp } from '../parts/states.tsx';
import { useTitle } from '../parts/title.ts';
import { count, exact, exactClock, money, short } from '../parts/words.ts';
import { actName, DecideDialog } from '../shell/decide-dialog.tsx';
import { ProblemNote } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';
import { HistoryPanel } from '../transaction/history.tsx';
import { StepsPanel } from '../transaction/steps.tsx';

export function TransactionView({ id }: { readonly id: string }) {
  useTitle(short(id));
  const { data, error } = useTransaction(id);
  if (data === undefined) {
    if (error instanceof ApiProblem) return <Unknown id={id} problem={error} />;
    return <p className="dim">Asking for {id}…</p>;
  }
  return (
    <>
      <Crumb transaction={data} />
      <Title transaction={data} />
      <StepsPanel transaction={data} />
      <div className="cols" style={{ gridTemplateColumns: 'minmax(0,1.45fr) minmax(0,1fr)' }}>
        <div className="stack">
          <HistoryPanel transaction={data} />
          <ResultPanel transaction={data} />
        </div>
        <div className="stack">
          <RecordPanel transaction={data} />
          <PayloadPanel transaction={data} />
        </div>
      </div>
    </>
  );
}

function Unknown({ id, problem }: { readonly id: string; readonly problem: ApiProblem }) {
  return (
    <div className="lone">
      <h1 className="big">{id} is not in the ledger.</h1>
      <p className="lede">
        A record that has waited for less than a second is not there yet. Its id is compared letter by letter.
      </p>
      <ProblemNote problem={problem} />
      <p>
        <Link className="btn" href="/transactions">
          Search
        </Link>
      </p>
    </div>
  );
}

function Crumb({ transaction: { id, location } }: { readonly transaction: Transaction }) {
  return (
    <div className="crumb">
      <Link href="/locations">Locations</Link>
      <Icon name="next" />
      <Link href={`/locations/${encodeURIComponent(location)}`}>{location}</Link>
      <Icon name="next" />
      <span className="mono">{short(id)}</span>
    </div>
  );
}

function Title({ transaction }: { readonly transaction: Transaction }) {
  const { id, location, type, state, acts, token } = transaction;
  const [asking, setAsking] = useState<string | null>(null);
  const of = new Map(acts.map((each) => [each.action, each]));
  const decidable = acts.some(({ action, not }) => not === null && action !== 'ask' && action !== 'cancel');
  const amount = transaction.money === null ? transaction.label : money(transaction.money);
  return (
    <div className="title">
      <h1>
        {type.charAt(0).toUpperCase() + type.slice(1)}
        {amount === null ? '' : ` of ${amount}`}
      </h1>
      <StateLamp state={state} />
      <span className="meta">
        at <LocationLink location={location} /> · <span className="mono">{id}</span> <Copy text={id} />
      </span>
      <span className="grow" />
      <span className="bar">
        <ActButton icon="ask" not={of.get('ask')?.not ?? null} onAct={() => setAsking('ask')}>
          Ask again now
        </ActButton>
        <ActButton
          icon="person"
          className={state === 'held' ? 'act' : ''}
          not={decidable ? null : (of.get('retry')?.not ?? null)}
          onAct={() => setAsking('decide')}
        >
          Decide…
        </ActButton>
        <ActButton not={of.get('cancel')?.not ?? null} onAct={() => setAsking('cancel')}>
          {actName('cancel')}
        </ActButton>
      </span>
      {asking !== null && (
        <DecideDialog
          about={{ id, location, state, token, acts }}
          {...(asking === 'decide' ? {} : { only: asking })}
          onClose={() => setAsking(null)}
        />
      )}
    </div>
  );
}

function ResultPanel({ transaction }: { readonly transaction: Transaction }) {
  const { result, topic, partition, evidence, state, reason, finishedAt, id, location, type } = transaction;
  return (
    <Panel title="Result" sub={`${topic}.results, partition ${partition}`}>
      {result === null ? (
        <p className="pb note">
          <Icon name="info" />
          <span>
            None yet. It is published after the outcome is committed, numbered without gaps in its partition,
            and may arrive more than once with the same number.
          </span>
        </p>
      ) : (
        <>
          <pre className="code json">
            {JSON.stringify(
              {
                id,
                location,
                type,
                outcome: state,
                ...(reason === null ? {} : { reason }),
                evidence,
                partition,
                number: result.number,
                finishedAt,
              },
              null,
              2,
            )}
          </pre>
          <p className="pb dim">
            {result.published ? 'Acknowledged by the broker.' : 'Committed, and on its way to the broker.'}
          </p>
        </>
      )}
    </Panel>
  );
}

function RecordPanel({ transaction }: { readonly transaction: Transaction }) {
  const {
    topic,
    partition,
    offset,
    location,
    recordAt,
    deadline,
    replayOf,
    plan,
    token,
    attempts,
    takeovers,
  } = transaction;
  return (
    <Panel title="Record">
      <div className="pb">
        <dl className="kv">
          <dt>Topic</dt>
          <dd className="mono">{topic}</dd>
          <dt>Partition, offset</dt>
          <dd className="mono">
            {partition}, {count(offset)}
          </dd>
          <dt>Key</dt>
          <dd className="mono">{location}</dd>
          <dt>Produced</dt>
          <dd className="mono">{exact(recordAt)}</dd>
          <dt>Deadline</dt>
          <dd>
            {deadline === null ? '–' : <span className="mono">{exactClock(deadline)}</span>}{' '}
            <span className="dim">stops new attempts, never an effect under way</span>
          </dd>
          <dt>Plan</dt>
          <dd className="mono">{plan}</dd>
          <dt>Last token</dt>
          <dd className="mono">{token ?? '–'}</dd>
          <dt>Attempts</dt>
          <dd>
            {attempts} <span className="dim">of this step; {takeovers} in a row ended by a take-over</span>
          </dd>
          {replayOf !== null && (
            <>
              <dt>Replay of</dt>
              <dd className="mono">{replayOf}</dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
}

function PayloadPanel({ transaction: { payload, redactedFields } }: { readonly transaction: Transaction }) {
  const [raw, setRaw] = useState(false);
  return (
    <Panel
      title="Payload"
      {...(redactedFields > 0 ? { sub: `${redactedFields} hidden by rule` } : {})}
      right={
        <div className="seg" role="group" aria-label="Form">
          <button type="button" aria-pressed={!raw} onClick={() => setRaw(false)}>
            Indented
          </button>
          <button type="button" aria-pressed={raw} onClick={() => setRaw(true)}>
            Raw
          </button>
        </div>
      }
    >
      <pre className="code json">{JSON.stringify(payload, null, raw ? 0 : 2)}</pre>
    </Panel>
  );
}
