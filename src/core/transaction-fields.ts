/**
 * The fields of a transaction, wherever the record carries them: in a plain value, in a CloudEvent in structured
 * mode (the value with `specversion`), or in the headers of one in binary mode, whose value is the data.
 *
 * T1 Fields of no meaning here (`subject`, extensions, unknown ones) are ignored and stay in the payload.
 */
import type { JsonObject } from './answer.ts';
import type { ByteString } from './byte-string.ts';
import type { RecordErrorCode } from './errors/catalogue.ts';
import { isObject, kindOf } from './json-strict.ts';
import { isTransactionId, isTypeName } from './names.ts';
import type { RecordHeaders } from './record-headers.ts';
import { parseRfc3339 } from './rfc3339.ts';
import { shown } from './storable-text.ts';

/** As found, not checked; undefined where absent. */
export interface TransactionFields {
  readonly id: unknown;
  readonly type: unknown;
  readonly location: unknown;
  readonly data: unknown;
  readonly expiresAt: unknown;
  /** The attributes every CloudEvent must have; null when the record does not claim to be one. */
  readonly event: { readonly specversion: unknown; readonly source: unknown } | null;
  /** A CloudEvent carries its data as base64, which is no JSON object. */
  readonly base64: boolean;
}

export interface CheckedFields {
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  /** Unix time in ms; null: never. */
  readonly expiresAtMs: number | null;
}

export interface FieldProblem {
  readonly code: RecordErrorCode;
  readonly detail: string;
}

export function transactionFields(value: JsonObject, headers: RecordHeaders): TransactionFields {
  if (headers.mode === 'binary') return binaryFields(value, headers.attributes);
  const { id, type, location, data, specversion, source } = value;
  const structured = headers.mode === 'structured';
  const isEvent = structured || specversion !== undefined;
  return {
    id,
    type,
    location,
    data,
    // Names of CloudEvents attributes are lower case, so a library can only write expiresat.
    expiresAt: isEvent && value.expiresAt === undefined ? value.expiresat : value.expiresAt,
    event: structured ? { specversion, source } : null,
    base64: isEvent && value.data_base64 !== undefined,
  };
}

function binaryFields(data: JsonObject, attributes: ReadonlyMap<string, string>): TransactionFields {
  return {
    id: attributes.get('id'),
    type: attributes.get('type'),
    location: undefined,
    data,
    expiresAt: attributes.get('expiresat'),
    event: { specversion: attributes.get('specversion'), source: attributes.get('source') },
    base64: false,
  };
}

/** What every part may rely on, or the first problem. `location` is that of the record key. */
export function checkFields(fields: TransactionFields, location: string): CheckedFields | FieldProblem {
  const claim = eventProblem(fields);
  if (claim !== null) return { code: 'SB-1117', detail: claim };
  const { id, type, data = {} } = fields;
  if (!isTransactionId(id)) return { code: 'SB-1110', detail: shown(id) };
  if (!isTypeName(type)) return { code: 'SB-1111', detail: shown(type) };
  if (fields.location !== undefined && fields.location !== location) {
    return { code: 'SB-1104', detail: `${shown(fields.location)} with the key ${shown(location)}` };
  }
  if (fields.base64) return { code: 'SB-1112', detail: 'data_base64' };
  if (!isObject(data)) return { code: 'SB-1112', detail: `it is ${kindOf(data)}` };
  if (fields.expiresAt === undefined) return { id, type, data, expiresAtMs: null };
  const expiresAtMs = typeof fields.expiresAt === 'string' ? parseRfc3339(fields.expiresAt) : null;
  if (expiresAtMs === null) return { code: 'SB-1113', detail: shown(fields.expiresAt) };
  return { id, type, data, expiresAtMs };
}

function eventProblem({ event, id, type }: TransactionFields): string | null {
  if (event === null) return null;
  if (event.specversion !== '1.0') return `specversion: ${shown(event.specversion)}`;
  if (id === undefined) return 'id: missing';
  if (type === undefined) return 'type: missing';
  return typeof event.source === 'string' && event.source !== '' ? null : `source: ${shown(event.source)}`;
}

/**
 * A CloudEvent in binary mode as the value it would have been. `data` keeps the bytes of the record; the other
 * fields were checked, so they need no escape.
 */
export function normalForm(checked: CheckedFields, fields: TransactionFields, data: ByteString): ByteString {
  const expiry = typeof fields.expiresAt === 'string' ? `,"expiresAt":"${fields.expiresAt}"` : '';
  return `{"id":"${checked.id}","type":"${checked.type}","data":${data}${expiry}}`;
}
