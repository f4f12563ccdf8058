/** The filter of the table: as text, and as chips that write it. */
import { useEffect, useState } from 'react';
import type { BlockState, Locations } from '../api/types.ts';
import { Icon } from '../parts/icons.tsx';
import { BlockLamp, Lamp, WAITING } from '../parts/states.tsx';
import { count } from '../parts/words.ts';
import { hasState, parametersOf, withState, withWaiting } from './filter.ts';

const STATES: readonly BlockState[] = ['held', 'in_doubt', 'reversing', 'paused', 'executing', 'clear'];
const SETTLE_MS = 200;

export function FilterBar({
  text,
  counts,
  waitingAt,
  onText,
}: {
  readonly text: string;
  readonly counts: Locations['counts'] | undefined;
  readonly waitingAt: number;
  readonly onText: (text: string) => void;
}) {
  return (
    <>
      <Typed
        text={text}
        label="Filter"
        placeholder="state:held,paused  waiting:>0  partition:7  or part of a name"
        onText={onText}
      />
      <div className="bar nowrap" role="group" aria-label="Filters">
        {STATES.map((state) => (
          <button
            key={state}
            className="chip"
            type="button"
            aria-pressed={hasState(text, state)}
            onClick={() => onText(withState(text, state))}
          >
            <BlockLamp state={state} />
            <span className="n">{counts === undefined ? '' : count(counts[state])}</span>
          </button>
        ))}
        <button
          className="chip"
          type="button"
          aria-pressed={parametersOf(text).waiting === 'true'}
          onClick={() => onText(withWaiting(text))}
        >
          <Lamp look={WAITING} />
          <span className="n">{count(waitingAt)}</span>
        </button>
        {text !== '' && (
          <button className="chip" type="button" onClick={() => onText('')}>
            <Icon name="x" /> clear the filter
          </button>
        )}
      </div>
    </>
  );
}

/** A text field that tells what was typed when one pauses, and follows the address when that changes. */
export function Typed({
  text,
  label,
  placeholder,
  onText,
}: {
  readonly text: string;
  readonly label: string;
  readonly placeholder: string;
  readonly onText: (text: string) => void;
}) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => onText(typed), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed, text, onText]);
  return (
    <div className="query">
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <kbd>/</kbd>
    </div>
  );
}
