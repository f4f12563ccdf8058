/**
 * What the TLA+ modules and the code have in common: States.tla is made from src/core/states.ts, and the transitions
 * that the model takes are read back from Protocol.tla.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EVENTS,
  FINAL_STATES,
  HOLDING_STATES,
  STATES,
  TRANSITIONS,
  type Transition,
} from '../src/core/states.ts';

export const MODEL_FOLDER = import.meta.dirname;
export const STATES_FILE = join(MODEL_FOLDER, 'States.tla');

/** The text of States.tla. */
export function statesModule(transitions: readonly Transition[] = TRANSITIONS): string {
  const triples = transitions.map(({ from, event, to }) => `  <<"${from}", "${event}", "${to}">>`);
  return [
    '------------------------------- MODULE States -------------------------------',
    '(* Made from src/core/states.ts by `npm run model -- --write-states`; a test *)',
    '(* compares the two. Not to be edited.                                      *)',
    `States == ${setOf(STATES)}`,
    `HoldingStates == ${setOf(HOLDING_STATES)}`,
    `FinalStates == ${setOf(FINAL_STATES)}`,
    `Events == ${setOf(EVENTS)}`,
    'Transitions == {',
    `${triples.join(',\n')} }`,
    '=============================================================================',
    '',
  ].join('\n');
}

function setOf(names: readonly string[]): string {
  return `{${names.map((name) => `"${name}"`).join(', ')}}`;
}

/** The set `Taken` of Protocol.tla, each transition once. Throws when it is not there or holds anything else. */
export function takenTransitions(text: string = protocolText()): Transition[] {
  const body = /^Taken == \{\n(?<lines>[\s\S]*?) \}$/m.exec(text)?.groups?.lines;
  if (body === undefined) throw new Error('Protocol.tla has no set Taken');
  const rest = body.replaceAll(/^\s*\\\*.*$/gm, '');
  const found = [...rest.matchAll(/<<"(\w+)", "(\w+)", "(\w+)">>,?/g)];
  const strange = rest.replaceAll(/<<"\w+", "\w+", "\w+">>,?/g, '').trim();
  if (strange !== '' || found.length === 0)
    throw new Error(`Taken in Protocol.tla holds ${strange || 'nothing'}`);
  return found.map(([, from, event, to]) => {
    const known = TRANSITIONS.find((t) => t.from === from && t.event === event && t.to === to);
    if (known === undefined)
      throw new Error(`${from} ${event} ${to} in Protocol.tla is not in src/core/states.ts`);
    return known;
  });
}

function protocolText(): string {
  return readFileSync(join(MODEL_FOLDER, 'Protocol.tla'), 'utf8');
}
