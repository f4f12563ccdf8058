/**
 * What makes a parsed JSON value unfit for the ledger. Postgres refuses U+0000 and lone surrogates in text, a
 * number beyond a double has already become Infinity, and a deep value would exhaust the stack of whoever walks it.
 *
 * F1 Every text counts, object keys too.
 * F2 Ends within NODES_MAX values, also on what is not a tree.
 */

import { storableText } from './storable-text.ts';

/** Containers inside one another. Deep enough for any transaction; recursion this deep is safe everywhere. */
export const DEPTH_MAX = 512;

/** Values in one JSON text: each takes at least one of its bytes, and no text is longer than 256 KiB. */
const NODES_MAX = 256 * 1024;

export interface JsonFlaw {
  readonly code: 'SB-1106' | 'SB-1108' | 'SB-1109';
  /** What, and the path to it; bounded, without foreign control characters. */
  readonly detail: string;
}

/** The first flaw of a value, or null: then it is a JsonValue that can be stored. */
export function findFlaw(value: unknown): JsonFlaw | null {
  const found = search(value, { depth: 0, nodesLeft: NODES_MAX });
  if (found === null) return null;
  const path = storableText(found.path.reverse().join('').replace(/^\./, ''), PATH_MAX);
  return { code: found.code, detail: path === '' ? found.what : `${found.what} at ${path}` };
}

/** Characters of a path in a detail. */
const PATH_MAX = 200;

interface Found {
  readonly code: JsonFlaw['code'];
  readonly what: string;
  /** From the flaw outwards: filled while the search returns. */
  readonly path: string[];
}

interface Walk {
  depth: number;
  nodesLeft: number;
}

function search(value: unknown, walk: Walk): Found | null {
  walk.nodesLeft -= 1;
  if (walk.nodesLeft < 0) return found('SB-1106', `more than ${NODES_MAX} values`);
  switch (typeof value) {
    case 'string':
      return flawOfText(value);
    case 'number':
      return Number.isFinite(value) ? null : found('SB-1109', 'a number beyond a double');
    case 'boolean':
      return null;
    case 'object':
      return value === null ? null : searchInside(value, walk);
    default:
      return found('SB-1106', `${typeof value} is not JSON`);
  }
}

function searchInside(value: object, walk: Walk): Found | null {
  if (walk.depth === DEPTH_MAX) return found('SB-1106', `nested deeper than ${DEPTH_MAX}`);
  walk.depth += 1;
  const flaw = Array.isArray(value) ? searchArray(value, walk) : searchObject(value, walk);
  walk.depth -= 1;
  return flaw;
}

function searchArray(values: readonly unknown[], walk: Walk): Found | null {
  for (let index = 0; index < values.length; index += 1) {
    const flaw = search(values[index], walk);
    if (flaw !== null) return under(flaw, `[${index}]`);
  }
  return null;
}

function searchObject(value: object, walk: Walk): Found | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    return found('SB-1106', 'an instance is not JSON');
  for (const [key, member] of Object.entries(value)) {
    const flaw = flawOfText(key) ?? search(member, walk);
    if (flaw !== null) return under(flaw, placeOf(key));
  }
  return null;
}

function placeOf(key: string): string {
  return /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, PATH_MAX))}]`;
}

function flawOfText(text: string): Found | null {
  if (text.includes('\0')) return found('SB-1108', 'U+0000');
  return text.isWellFormed() ? null : found('SB-1108', 'a lone surrogate');
}

function found(code: JsonFlaw['code'], what: string): Found {
  return { code, what, path: [] };
}

function under(flaw: Found, place: string): Found {
  flaw.path.push(place);
  return flaw;
}
