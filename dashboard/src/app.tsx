/** The frame around each page, and which page an address is. */
import { useCallback, useState } from 'react';
import { Link, Route, Switch } from 'wouter';
import { useMe } from './api/queries.ts';
import { Live, useLiveState } from './live.tsx';
import { AttentionPage } from './pages/attention.tsx';
import { AuditPage } from './pages/audit.tsx';
import { ErrorPage } from './pages/error.tsx';
import { LedgerAway } from './pages/ledger-away.tsx';
import { LimitsPage } from './pages/limits.tsx';
import { LocationView } from './pages/location.tsx';
import { LocationsPage } from './pages/locations.tsx';
import { NowPage } from './pages/now.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { TransactionView } from './pages/transaction.tsx';
import { TransactionsPage } from './pages/transactions.tsx';
import { WorkersPage } from './pages/workers.tsx';
import { Sprite } from './parts/icons.tsx';
import { KeysDialog, useKeys } from './shell/keys.tsx';
import { Palette } from './shell/palette.tsx';
import { PAGES, TopBar } from './shell/top-bar.tsx';

export function App() {
  const { data: me, error } = useMe();
  if (me === undefined) return error === null ? null : <SignInPage unreachable />;
  return (
    <>
      <Sprite />
      {me.name === null ? (
        <SignInPage openId={me.openId} />
      ) : (
        <Live>
          <Frame />
        </Live>
      )}
      <div id="say" className="vh" role="status" aria-live="polite" />
    </>
  );
}

function Frame() {
  const [open, setOpen] = useState<'find' | 'keys' | null>(null);
  const { toggle, status } = useLiveState();
  const find = useCallback(() => setOpen('find'), []);
  const help = useCallback(() => setOpen('keys'), []);
  const close = useCallback(() => setOpen(null), []);
  useKeys({ find, help, toggleLive: toggle });
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <TopBar onFind={find} />
      <main id="main">{status?.ledger === 'unreachable' ? <LedgerAway status={status} /> : <Pages />}</main>
      <Foot onKeys={help} />
      {open === 'find' && <Palette onClose={close} />}
      {open === 'keys' && <KeysDialog onClose={close} />}
    </>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/">
        <NowPage />
      </Route>
      <Route path="/locations">
        <LocationsPage />
      </Route>
      <Route path="/locations/:location">
        {({ location }) => <LocationView key={location} location={decoded(location)} />}
      </Route>
      <Route path="/transactions">
        <TransactionsPage />
      </Route>
      <Route path="/transactions/:id">{({ id }) => <TransactionView key={id} id={decoded(id)} />}</Route>
      <Route path="/attention">
        <AttentionPage />
      </Route>
      <Route path="/workers">
        <WorkersPage />
      </Route>
      <Route path="/limits">
        <LimitsPage />
      </Route>
      <Route path="/audit">
        <AuditPage />
      </Route>
      <Route path="/errors/:code">{({ code }) => <ErrorPage code={decoded(code)} />}</Route>
      <Route path="/more">
        <MorePage />
      </Route>
      <Route>
        <div className="lone">
          <h1 className="big">There is no such page.</h1>
        </div>
      </Route>
    </Switch>
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** On a phone: what does not fit the bar. */
function MorePage() {
  return (
    <section className="panel" aria-label="More pages">
      <ul className="att">
        {PAGES.filter(({ tab }) => !tab).map(({ path, name }) => (
          <li key={path}>
            <Link className="row" data-row href={path}>
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Foot({ onKeys }: { readonly onKeys: () => void }) {
  const { status } = useLiveState();
  const { data: me } = useMe();
  return (
    <footer className="foot">
      <span>
        {me?.topic} · group {me?.group} · {status?.partitions.length ?? '–'} partitions
      </span>
      <span>
        Signalbox {me?.version}, page of {me?.process}
      </span>
      <span className="grow" />
      <button className="keys hide-s" type="button" onClick={onKeys}>
        <kbd>/</kbd> filter &nbsp;<kbd>j</kbd> <kbd>k</kbd> rows &nbsp;<kbd>g</kbd> <kbd>n</kbd> now &nbsp;
        <kbd>?</kbd> all keys
      </button>
    </footer>
  );
}
