/**
 * How the data of a type is shown to people: which field is an amount of money, which one a label, and which ones are
 * never shown. Paths are dotted, from `data` or `evidence` on.
 */
import type { JsonObject, JsonValue } from './answer.ts';

export interface Display {
  /** Path of a whole number in minor units; null: the type has none. */
  readonly amount: string | null;
  /** Path of a currency code of three letters. */
  readonly currency: string | null;
  readonly label: string | null;
  readonly redact: readonly string[];
}

/** What is taken for an amount where the configuration says nothing. */
export const PLAIN_DISPLAY: Display = {
  amount: 'data.amount',
  currency: 'data.currency',
  label: null,
  redact: [],
};

export interface Money {
  /** Minor units: cents. */
  readonly amount: number;
  readonly currency: string;
}

const REDACTED = '[redacted]';

/** Null when the data holds no amount of that shape. */
export function moneyOf(payload: JsonValue, { amount, currency }: Display): Money | null {
  const found = at(shapeOf(payload), amount);
  const code = at(shapeOf(payload), currency);
  if (!Number.isSafeInteger(found) || typeof code !== 'string' || !/^[A-Z]{3}$/.test(code)) return null;
  return { amount: found as number, currency: code };
}

export function labelOf(payload: JsonValue, { label }: Display): string | null {
  const found = at(shapeOf(payload), label);
  return typeof found === 'string' || typeof found === 'number' ? String(found).slice(0, 120) : null;
}

export interface Redacted {
  readonly value: JsonValue;
  /** How many fields were hidden. */
  readonly fields: number;
}

/** A copy without what may not be shown; `root` is what the paths begin with: data, or evidence. */
export function redact(value: JsonValue, root: 'data' | 'evidence', { redact: paths }: Display): Redacted {
  let fields = 0;
  let shown = value;
  for (const path of paths) {
    const [first, ...rest] = path.split('.');
    if (first !== root || rest.length === 0) continue;
    // A record value holds the data as a field; in CloudEvents binary mode it is the data.
    const inner = root === 'data' && isObject(value) && isObject(value.data) ? ['data', ...rest] : rest;
    const hidden = without(shown, inner);
    if (hidden === shown) continue;
    shown = hidden;
    fields += 1;
  }
  return { value: shown, fields };
}

function without(value: JsonValue, [first, ...rest]: readonly string[]): JsonValue {
  if (first === undefined) return REDACTED;
  if (Array.isArray(value)) {
    const items = value.map((item: JsonValue) => without(item, [first, ...rest]));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value) || !Object.hasOwn(value, first)) return value;
  const inner = value[first] ?? null;
  const hidden = without(inner, rest);
  return hidden === inner ? value : { ...value, [first]: hidden };
}

function shapeOf(payload: JsonValue): JsonValue {
  return isObject(payload) && isObject(payload.data) ? payload : { data: payload };
}

function at(value: JsonValue, path: string | null): JsonValue {
  if (path === null) return null;
  let inner = value;
  for (const name of path.split('.')) {
    if (!isObject(inner) || !Object.hasOwn(inner, name)) return null;
    inner = inner[name] ?? null;
  }
  return inner;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
