/** One location: why does it wait, what frees it, what happened? */
import { useState } from 'react';
import { Link } from 'wouter';
import { ApiProblem } from '../api/client.ts';
import { useLocationPage, useWhy } from '../api/queries.ts';
import type { LocationPage, Why } from '../api/types.ts';
import { LimitDialog, PauseDialog } from '../location/limit-dialogs.tsx';
import { QueuePanel } from '../location/queue.tsx';
import { SettingsPanel } from '../location/settings.tsx';
import { Timeline } from '../location/timeline.tsx';
import { WhyPanel } from '../location/why-panel.tsx';
import { Icon } from '../parts/icons.tsx';
import { BlockLamp } from '../parts/states.tsx';
import { useTitle } from '../parts/title.ts';
import { partitionName } from '../parts/words.ts';
import { DecideDialog } from '../shell/decide-dialog.tsx';
import { ProblemNote } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

export function LocationView({ location }: { readonly location: string }) {
  useTitle(location);
  const { data: why, error } = useWhy(location);
  const { data: page } = useLocationPage(location);
  if (error instanceof ApiProblem && why === undefined) return <ProblemNote problem={error} />;
  if (why === undefined || page === undefined) return <p className="dim">Asking about {location}…</p>;
  return (
    <>
      <Crumb location={location} />
      <Title why={why} page={page} />
      <WhyPanel why={why} page={page} />
      <Timeline page={page} concurrency={why.concurrency} />
      <div className="cols" style={{ gridTemplateColumns: 'minmax(0,1.25fr) minmax(0,1fr)' }}>
        <QueuePanel why={why} page={page} />
        <SettingsPanel why={why} page={page} />
      </div>
    </>
  );
}

function Crumb({ location }: { readonly location: string }) {
  return (
    <div className="crumb">
      <Link href="/locations">Locations</Link>
      <Icon name="next" />
      <span>{location}</span>
    </div>
  );
}

type Asking = 'ask' | 'decide' | 'limit' | 'pause' | null;

function Title({ why, page }: { readonly why: Why; readonly page: LocationPage }) {
  const [asking, setAsking] = useState<Asking>(null);
  const { row } = page;
  const holder = why.holders.find(({ state }) => state !== 'executing') ?? why.holders[0];
  const acts = new Map(holder?.acts.map((each) => [each.action, each]));
  const ask = acts.get('ask');
  const decidable =
    holder?.acts.some(({ action, not }) => not === null && action !== 'ask' && action !== 'cancel') ?? false;
  const close = () => setAsking(null);
  const at = [
    why.partition === null ? null : `partition ${partitionName(why.partition)}`,
    why.owner === null ? 'no owner' : `${why.owner}${why.ownerAlive === false ? ', not heard of' : ''}`,
    `limit ${why.concurrency}`,
  ].filter((each) => each !== null);
  return (
    <div className="title">
      <h1>{why.location}</h1>
      <BlockLamp state={row.state} />
      <span className="meta">{at.join(' · ')}</span>
      <span className="grow" />
      <span className="bar">
        <ActButton
          icon="ask"
          not={holder === undefined ? 'Nothing holds it.' : (ask?.not ?? null)}
          onAct={() => setAsking('ask')}
        >
          Ask again now
        </ActButton>
        <ActButton icon="limit" onAct={() => setAsking('limit')}>
          Set limit…
        </ActButton>
        <ActButton icon={why.paused ? 'play' : 'pause'} onAct={() => setAsking('pause')}>
          {why.paused ? 'Resume…' : 'Pause…'}
        </ActButton>
        <ActButton
          icon="person"
          className={holder?.state === 'held' ? 'act' : ''}
          not={decidable ? null : 'Nothing to decide: automation has not given up.'}
          onAct={() => setAsking('decide')}
        >
          Decide…
        </ActButton>
      </span>
      {asking === 'pause' && <PauseDialog why={why} row={row} onClose={close} />}
      {asking === 'limit' && <LimitDialog why={why} onClose={close} />}
      {asking === 'ask' && holder !== undefined && (
        <DecideDialog about={{ ...holder, location: why.location }} only="ask" onClose={close} />
      )}
      {asking === 'decide' && holder !== undefined && (
        <DecideDialog about={{ ...holder, location: why.location }} onClose={close} />
      )}
    </div>
  );
}
