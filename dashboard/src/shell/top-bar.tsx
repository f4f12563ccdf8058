/** The bar above each page: where one is, what needs a person, finding, live or not, theme. */
import { Link, useLocation } from 'wouter';
import { act } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { useLiveState } from '../live.tsx';
import { Icon, type IconName } from '../parts/icons.tsx';
import { say } from '../parts/say.ts';
import { clock } from '../parts/words.ts';

export const PAGES: readonly { path: string; name: string; icon: IconName; key: string; tab: boolean }[] = [
  { path: '/', name: 'Now', icon: 'now', key: 'n', tab: true },
  { path: '/locations', name: 'Locations', icon: 'loc', key: 'l', tab: true },
  { path: '/transactions', name: 'Transactions', icon: 'tx', key: 't', tab: true },
  { path: '/attention', name: 'Attention', icon: 'att', key: 'a', tab: true },
  { path: '/workers', name: 'Workers', icon: 'workers', key: 'w', tab: false },
  { path: '/limits', name: 'Limits', icon: 'limit', key: 'i', tab: false },
  { path: '/audit', name: 'Audit', icon: 'audit', key: 'u', tab: false },
];

export function TopBar({ onFind }: { readonly onFind: () => void }) {
  const { status } = useLiveState();
  const { data: me } = useMe();
  const label = typeof status?.label === 'string' ? status.label : me?.demo === true ? 'demo' : null;
  return (
    <header className="top">
      <Link className="brand" href="/" aria-label="Signalbox, now">
        <Logo />
        <span>Signalbox</span>
      </Link>
      {label !== null && (
        <span className="env" title="What the configuration calls this installation">
          {label}
        </span>
      )}
      <Nav held={status?.held ?? 0} />
      <span className="grow" />
      <button className="find" type="button" aria-label="Find location, transaction ⌘K" onClick={onFind}>
        <Icon name="search" />
        <span>Find location, transaction</span>
        <kbd>⌘K</kbd>
      </button>
      <LiveMark />
      <button
        className="ib"
        type="button"
        aria-label="Switch between dark and light"
        title="Dark or light"
        onClick={switchTheme}
      >
        <Icon name="theme" />
      </button>
      {me?.demo === false && me.name !== null && <SignedIn name={me.name} role={me.role ?? ''} />}
    </header>
  );
}

function Nav({ held }: { readonly held: number }) {
  const [path] = useLocation();
  return (
    <nav className="nav" aria-label="Pages">
      {PAGES.map((page) => {
        const here = page.path === '/' ? path === '/' : path.startsWith(page.path);
        return (
          <Link
            key={page.path}
            href={page.path}
            className={page.tab ? '' : 'hide-m'}
            {...(here ? { 'aria-current': 'page' as const } : {})}
          >
            <Icon name={page.icon} />
            {page.name}
            {page.path === '/attention' && held > 0 && (
              <span className="badge" role="img" aria-label={`${held} held, a person must decide`}>
                {held}
              </span>
            )}
          </Link>
        );
      })}
      <Link
        href="/more"
        className="only-m"
        {...(path === '/more' ? { 'aria-current': 'page' as const } : {})}
      >
        <Icon name="more" />
        More
      </Link>
    </nav>
  );
}

const WORDS = { connecting: 'Connecting', live: 'Live', stale: 'Stale', paused: 'Paused' } as const;

function LiveMark() {
  const { state, asOf, toggle } = useLiveState();
  const at = asOf === null ? '' : `${clock(asOf)} UTC`;
  return (
    <span className="live">
      {state === 'live' && <span className="pulse" aria-hidden="true" />}
      <span>
        {state === 'stale' ? (
          <span className="st st-held">
            <Icon name="held" />
            <span className="w">Stale</span>
          </span>
        ) : (
          <span className="w">{WORDS[state]}</span>
        )}
        <span className="at">{at === '' ? '' : ` · ${state === 'live' ? '' : 'as of '}${at}`}</span>
      </span>
      <button
        className="ib hide-s"
        type="button"
        aria-pressed={state !== 'paused'}
        aria-label="Live updates"
        title={state === 'paused' ? 'Go on (p)' : 'Pause updates (p)'}
        onClick={() => {
          toggle();
          say(state === 'paused' ? 'Updates live' : 'Updates paused');
        }}
      >
        <Icon name={state === 'paused' ? 'play' : 'bars'} />
      </button>
    </span>
  );
}

function SignedIn({ name, role }: { readonly name: string; readonly role: string }) {
  return (
    <button
      className="btn sm hide-s"
      type="button"
      title={`Signed in as ${name}, ${role}`}
      onClick={() => void act('DELETE', '/v1/session').then(() => window.location.assign('/'))}
    >
      Sign out {name}
    </button>
  );
}

function switchTheme(): void {
  const root = document.documentElement;
  const dark =
    root.dataset.theme === undefined
      ? window.matchMedia('(prefers-color-scheme: dark)').matches
      : root.dataset.theme === 'dark';
  const theme = dark ? 'light' : 'dark';
  root.dataset.theme = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // A browser that keeps nothing keeps this neither.
  }
}

export function Logo() {
  return (
    <svg viewBox="0 0 20 24" aria-hidden="true" fill="none">
      <path d="M5 1.500V22M1.500 22.500h7" stroke="var(--ink)" strokeWidth="2" strokeLinecap="round" />
      <g transform="rotate(-32 5 9)">
        <rect x="5" y="6.500" width="14" height="5" rx="1" fill="var(--go)" />
      </g>
      <circle cx="5" cy="9" r="2.600" fill="var(--bg)" stroke="var(--ink)" strokeWidth="1.800" />
    </svg>
  );
}
