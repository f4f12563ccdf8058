/**
 * The content of a stored payload: what the participant gets, and what decides whether two records with one id are
 * the same transaction (design 4.4, contract 11). Payloads were checked by decode.ts before they were stored.
 */
import type { JsonObject } from './answer.ts';
import type { ByteString } from './byte-string.ts';
import { canonicalJson } from './canonical-json.ts';
import { assert } from './errors/catalogue.ts';
import { isObject } from './json-strict.ts';
import { utf8Text } from './utf8.ts';

/** The `data` of a payload; {} when it has none. Throws SB-5006 for what decode.ts would have refused. */
export function dataOf(payload: ByteString): JsonObject {
  return dataIn(objectOf(payload));
}

/**
 * Whether a record with an id known before is a duplicate (true) or a conflict: at the same location, the same
 * bytes, or the same id, type and data however they are written. `expiresAt` and other fields take no part.
 */
export function sameContent(a: ByteString, aLocation: string, b: ByteString, bLocation: string): boolean {
  if (aLocation !== bLocation) return false;
  return a === b || canonicalContent(a) === canonicalContent(b);
}

function canonicalContent(payload: ByteString): string {
  const value = objectOf(payload);
  const { id, type } = value;
  assert(typeof id === 'string' && typeof type === 'string', 'a stored payload has id and type');
  return canonicalJson({ id, type, data: dataIn(value) });
}

function dataIn(value: JsonObject): JsonObject {
  const { data = {} } = value;
  assert(isObject(data), 'the data of a stored payload is an object');
  return data;
}

function objectOf(payload: ByteString): JsonObject {
  const text = utf8Text(payload);
  assert(text !== null, 'a stored payload is UTF-8');
  const value: unknown = JSON.parse(text);
  assert(isObject(value), 'a stored payload is a JSON object');
  return value;
}
