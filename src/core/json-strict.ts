/**
 * From the bytes of a record to a JSON object that the ledger can store, or the reason why not.
 *
 * Runs once a transaction, so the value is walked only when its text could hold something bad. The fast path
 * rests on these facts about a text that JSON.parse accepts (a property test compares it with the walk):
 * J1 Raw control characters are a syntax error and strict UTF-8 holds no surrogates, so U+0000 and lone surrogates
 *    can only come from the escapes \u0000 and \ud800 to \udfff.
 * J2 A number overflows a double only with an exponent of three digits or more, or with 200 digits in a row: 1e308
 *    fits, and so does an integer of 199 digits with the exponent 99.
 * J3 A number follows a colon, a comma, an opening bracket or white space. (So a UUID inside quotes rarely counts.)
 * J4 A value nested deeper than DEPTH_MAX has more opening brackets than that.
 */
import type { JsonObject } from './answer.ts';
import type { ByteString } from './byte-string.ts';
import { DEPTH_MAX, findFlaw } from './json-flaw.ts';
import { storableText } from './storable-text.ts';
import { utf8Text } from './utf8.ts';

export type StrictObject =
  | { readonly ok: true; readonly value: JsonObject }
  | {
      readonly ok: false;
      readonly code: 'SB-1105' | 'SB-1106' | 'SB-1108' | 'SB-1109';
      readonly detail: string;
      /** The object in which the flaw was found, where one could be parsed. */
      readonly value: JsonObject | null;
    };

/** As JSON.parse: of a key given twice the last counts, `__proto__` is an ordinary key, a byte order mark is refused. */
export function parseObject(bytes: ByteString): StrictObject {
  const text = utf8Text(bytes);
  if (text === null) return { ok: false, code: 'SB-1105', detail: '', value: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, code: 'SB-1106', detail: syntaxProblem(error), value: null };
  }
  if (!isObject(value)) {
    return { ok: false, code: 'SB-1106', detail: `it is ${kindOf(value)}`, value: null };
  }
  const flaw = mayBeFlawed(text) ? findFlaw(value) : null;
  return flaw === null ? { ok: true, value } : { ok: false, ...flaw, value };
}

/** Of something that JSON.parse gave. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const BAD_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/; // J1
const LONG_EXPONENT = /[eE]\+?\d{3}/; // J2, cheap
const OVERFLOW = /[:,[\s]-?\d(?:[\d.]*[eE]\+?\d{3}|\d{199})/; // J2 with J3
const LONG_DIGITS = 200;

function mayBeFlawed(text: string): boolean {
  if (text.includes('\\u') && BAD_ESCAPE.test(text)) return true;
  if ((text.length > LONG_DIGITS || LONG_EXPONENT.test(text)) && OVERFLOW.test(text)) return true;
  return text.length > 2 * DEPTH_MAX && opensMoreThan(text, DEPTH_MAX);
}

/** J4. Finding a bracket is a memory search, much cheaper than a look at each character. */
function opensMoreThan(text: string, max: number): boolean {
  let opened = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      opened += 1;
      if (opened > max) return true;
    }
  }
  return false;
}

/** Characters of a syntax error that a detail keeps. */
const SYNTAX_MAX = 200;

/** The message without the piece of the value that V8 quotes in it: a detail goes to the log. */
function syntaxProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return storableText(message.replace(/,? ?(?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, ''), SYNTAX_MAX);
}

/** For a detail that must not show the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
