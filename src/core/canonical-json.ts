/**
 * Canonical JSON (RFC 8785): one text for all ways of writing the same value. The RFC takes number and text form
 * from ECMAScript, so JSON.stringify gives both; what is left is the order of the keys, by UTF-16 code units.
 */
import type { JsonValue } from './answer.ts';
import { assert } from './errors/catalogue.ts';

/** For finite numbers, well-formed texts and a depth that was checked (json-flaw.ts). -0 is 0. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(byCodeUnits);
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  assert(typeof value !== 'number' || Number.isFinite(value), 'canonical JSON has no NaN and no Infinity');
  return JSON.stringify(value);
}

function byCodeUnits([a]: [string, JsonValue], [b]: [string, JsonValue]): number {
  return a < b ? -1 : 1;
}
