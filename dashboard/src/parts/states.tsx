/** States: always colour, icon and word. */
import type { ReactNode } from 'react';
import type { BlockState, State } from '../api/types.ts';
import { Icon, type IconName } from './icons.tsx';

export interface Look {
  readonly className: string;
  readonly icon: IconName;
  readonly word: string;
}

const STATE: Readonly<Record<State, Look>> = {
  received: { className: 'st-parked', icon: 'parked', word: 'parked' },
  executing: { className: 'st-exec', icon: 'exec', word: 'executing' },
  in_doubt: { className: 'st-doubt', icon: 'doubt', word: 'in doubt' },
  reversing: { className: 'st-rev', icon: 'rev', word: 'reversing' },
  held: { className: 'st-held', icon: 'held', word: 'held' },
  completed: { className: 'st-done', icon: 'done', word: 'completed' },
  rolled_back: { className: 'st-back', icon: 'back', word: 'rolled back' },
};

const BLOCK: Readonly<Record<BlockState, Look & { readonly block: string }>> = {
  clear: { className: 'st-clear', icon: 'clear', word: 'clear', block: 'clear' },
  executing: { className: 'st-exec', icon: 'exec', word: 'occupied', block: 'exec' },
  reversing: { className: 'st-rev', icon: 'rev', word: 'reversing', block: 'rev' },
  paused: { className: 'st-pause', icon: 'pause', word: 'paused', block: 'pause' },
  in_doubt: { className: 'st-doubt', icon: 'doubt', word: 'in doubt', block: 'doubt' },
  held: { className: 'st-held', icon: 'held', word: 'held', block: 'held' },
};

export const lookOf = (state: State): Look => STATE[state];
export const PAUSED: Look = BLOCK.paused;
export const stateWord = (state: State) => STATE[state].word;
export const blockWord = (state: BlockState) => BLOCK[state].word;
export const blockClass = (state: BlockState) => BLOCK[state].block;

export function Lamp({ look, children }: { readonly look: Look; readonly children?: ReactNode }) {
  return (
    <span className={`st ${look.className}`}>
      <Icon name={look.icon} />
      {children ?? look.word}
    </span>
  );
}

export function StateLamp({ state, children }: { readonly state: State; readonly children?: ReactNode }) {
  return <Lamp look={STATE[state]}>{children}</Lamp>;
}

export function BlockLamp({ state }: { readonly state: BlockState }) {
  return <Lamp look={BLOCK[state]} />;
}

export const WAITING: Look = { className: 'st-wait', icon: 'wait', word: 'waiting' };
export const DEAD: Look = { className: 'st-dead', icon: 'dead', word: 'dead letters' };
export const LAG: Look = { className: 'st-clear', icon: 'lag', word: 'lag' };
