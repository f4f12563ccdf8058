/** Small parts that every page uses. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useErrors } from '../api/queries.ts';
import { serverNow, useTick } from './clock.ts';
import { Icon } from './icons.tsx';
import { say } from './say.ts';
import { duration, exact, short } from './words.ts';

/** Counts up from a time of the server; the exact time is in the title. */
export function Age({ since, ago = false }: { readonly since: string; readonly ago?: boolean }) {
  useTick();
  const text = duration(serverNow() - Date.parse(since));
  return <time title={exact(since)} dateTime={since}>{`${text}${ago ? ' ago' : ''}`}</time>;
}

/** Counts down to a time of the server. */
export function Until({ at }: { readonly at: string }) {
  useTick();
  const ms = Date.parse(at) - serverNow();
  return (
    <time title={exact(at)} dateTime={at}>
      {ms <= 0 ? 'now' : `in ${duration(ms)}`}
    </time>
  );
}

export function Copy({ text, what = text }: { readonly text: string; readonly what?: string }) {
  return (
    <button
      className="copy"
      type="button"
      aria-label={`Copy ${what}`}
      title="Copy"
      onClick={(event) => {
        event.preventDefault();
        void navigator.clipboard?.writeText(text).then(() => say('Copied'));
      }}
    >
      <Icon name="copy" />
    </button>
  );
}

export function TransactionLink({ id, row = false }: { readonly id: string; readonly row?: boolean }) {
  return (
    <Link
      className="mono link"
      href={`/transactions/${encodeURIComponent(id)}`}
      title={id}
      {...(row ? { 'data-row': '' } : {})}
    >
      {short(id)}
    </Link>
  );
}

export function LocationLink({
  location,
  row = false,
}: {
  readonly location: string;
  readonly row?: boolean;
}) {
  return (
    <Link
      className="b"
      href={`/locations/${encodeURIComponent(location)}`}
      {...(row ? { 'data-row': '' } : {})}
    >
      {location}
    </Link>
  );
}

/** The code with its cause in the title, to its page. */
export function Code({ code }: { readonly code: string }) {
  const { data } = useErrors();
  const entry = data?.errors.find((each) => each.code === code);
  return (
    <Link
      className="err"
      href={`/errors/${code}`}
      title={entry === undefined ? code : `${entry.cause} ${entry.remedy}`}
    >
      {code}
    </Link>
  );
}

/** The cause of a code in words; nothing while the catalogue is not here. */
export function useCause(code: string | null): string | null {
  const { data } = useErrors();
  return data?.errors.find((each) => each.code === code)?.cause ?? null;
}

export function Command({ text }: { readonly text: string }) {
  return (
    <div className="cmd">
      <span>{text}</span>
      <Copy text={text} />
    </div>
  );
}

export function Panel({
  title,
  sub,
  right,
  children,
  className = '',
}: {
  readonly title: string;
  readonly sub?: ReactNode;
  readonly right?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  const id = `h-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <div className="ph">
        <h2 id={id}>{title}</h2>
        {sub !== undefined && <span className="sub">{sub}</span>}
        <span className="grow" />
        {right}
      </div>
      {children}
    </section>
  );
}

/** A list without anything in it says so. */
export function Nothing({ children }: { readonly children: ReactNode }) {
  return <p className="pb dim">{children}</p>;
}
