/** The keyboard: pages, rows, finding. Nothing is taken from what one types in. */
import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { Dialog } from './dialog.tsx';
import { PAGES } from './top-bar.tsx';

export interface KeyActs {
  readonly find: () => void;
  readonly help: () => void;
  readonly toggleLive: () => void;
}

export function useKeys({ find, help, toggleLive }: KeyActs): void {
  const [, navigate] = useLocation();
  const afterG = useRef(false);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key === 'k') {
        event.preventDefault();
        find();
        return;
      }
      const target = event.target instanceof Element ? event.target : null;
      const typing = target?.closest('input:not([type=checkbox]),textarea,select') ?? null;
      if (typing !== null) {
        if (event.key === 'Escape' && typing instanceof HTMLElement) typing.blur();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector('dialog[open]') !== null)
        return;
      const page = afterG.current ? PAGES.find(({ key }) => key === event.key) : undefined;
      afterG.current = event.key === 'g';
      if (page !== undefined) return navigate(page.path);
      switch (event.key) {
        case '/':
          event.preventDefault();
          return focusFilter(find);
        case 'j':
          return moveRow(1);
        case 'k':
          return moveRow(-1);
        case 'x':
          return selectRow();
        case 'p':
          return toggleLive();
        case '?':
          return help();
      }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [find, help, toggleLive, navigate]);
}

function focusFilter(otherwise: () => void): void {
  const filter = document.querySelector<HTMLInputElement>('.query input');
  if (filter === null) otherwise();
  else {
    filter.focus();
    filter.select();
  }
}

function moveRow(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')].filter(
    (row) => row.offsetParent !== null,
  );
  const at = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

function selectRow(): void {
  const row = document.activeElement?.closest('tr');
  row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
}

export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog label="Keys" onClose={onClose}>
      <div className="dh">
        <h2>Keys</h2>
      </div>
      <div className="dbody">
        <dl className="kv">
          <dt>
            <kbd>⌘K</kbd>
          </dt>
          <dd>find anything</dd>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>filter this page</dd>
          <dt>
            <kbd>j</kbd> <kbd>k</kbd>
          </dt>
          <dd>next and previous row</dd>
          <dt>
            <kbd>↵</kbd>
          </dt>
          <dd>open the row</dd>
          <dt>
            <kbd>x</kbd>
          </dt>
          <dd>select the row</dd>
          <dt>
            <kbd>p</kbd>
          </dt>
          <dd>pause live updates</dd>
          {PAGES.map(({ key, name }) => (
            <PageKey key={key} letter={key} name={name} />
          ))}
          <dt>
            <kbd>esc</kbd>
          </dt>
          <dd>close, or leave the filter</dd>
        </dl>
      </div>
      <div className="df">
        <span className="grow" />
        <button className="btn" type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function PageKey({ letter, name }: { readonly letter: string; readonly name: string }) {
  return (
    <>
      <dt>
        <kbd>g</kbd> <kbd>{letter}</kbd>
      </dt>
      <dd>{name}</dd>
    </>
  );
}
