/**
 * Nothing moves under the cursor or the focus: while a list is pointed at, its rows stay where they are and change in
 * place; a new order waits until the pointer leaves, or is asked for.
 */
import { useRef, useState } from 'react';

export interface Steady<T> {
  readonly rows: readonly T[];
  /** Rows that came, went or moved since. */
  readonly changed: number;
  show(): void;
  readonly hold: {
    onPointerEnter(): void;
    onPointerLeave(): void;
    onFocus(): void;
    onBlur(event: { readonly currentTarget: Element; readonly relatedTarget: EventTarget | null }): void;
  };
}

export function useSteady<T>(rows: readonly T[], keyOf: (row: T) => string): Steady<T> {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const [, redraw] = useState(0);
  const shown = useRef<readonly T[]>(rows);
  const held = pointed || focused;
  if (!held) shown.current = rows;
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const steady = shown.current.map((row) => byKey.get(keyOf(row)) ?? row);
  shown.current = steady;
  const changed = held ? differences(steady.map(keyOf), rows.map(keyOf)) : 0;
  return {
    rows: steady,
    changed,
    show: () => {
      shown.current = rows;
      redraw((before) => before + 1);
    },
    hold: {
      onPointerEnter: () => setPointed(true),
      onPointerLeave: () => setPointed(false),
      onFocus: () => setFocused(true),
      onBlur: ({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setFocused(false);
      },
    },
  };
}

function differences(before: readonly string[], now: readonly string[]): number {
  let different = Math.abs(before.length - now.length);
  for (const [index, key] of now.entries())
    if (index < before.length && before[index] !== key) different += 1;
  return different;
}
