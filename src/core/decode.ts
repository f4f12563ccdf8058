/**
 * From a record of the topic to a transaction, or to the reason why it becomes a dead letter (design 4.2,
 * contract 8 to 10). docs/reference/records.md shows every reason with an example.
 *
 * D1 What is decoded can be stored: no later part has to look into id, type, payload or traceparent again.
 * D2 `payload` holds the bytes of the value, or for a CloudEvent in binary mode its normal form around them.
 * D3 Details are bounded, fit for the ledger, and show nothing of `data` but the path to a flaw.
 */
import type { JsonObject } from './answer.ts';
import { type ByteString, bytesOf } from './byte-string.ts';
import type { RecordErrorCode } from './errors/catalogue.ts';
import { parseObject } from './json-strict.ts';
import { isLocation, isTransactionId } from './names.ts';
import { type RecordHeader, readHeaders } from './record-headers.ts';
import { shown } from './storable-text.ts';
import { checkFields, type FieldProblem, normalForm, transactionFields } from './transaction-fields.ts';

/** Bytes of a value: the limit of the contract, well below the 1 MiB a broker takes by default. */
export const VALUE_BYTES_MAX = 256 * 1024;

export interface RecordInput {
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers: readonly RecordHeader[];
  /** Unix time in ms; Kafka's -1 for "none" is older than any window. */
  readonly timestampMs: number;
}

export interface DecodeOptions {
  /** Unix time in ms. */
  readonly nowMs: number;
  /** Longest age of a record, in ms: an older duplicate could not be recognised any more. */
  readonly dedupeWindowMs: number;
  readonly knownType: (type: string) => boolean;
}

export interface Decoded {
  readonly ok: true;
  readonly id: string;
  readonly type: string;
  readonly location: string;
  /** As `dataOf(payload)` reads it from a stored payload. */
  readonly data: JsonObject;
  /** Unix time in ms; null: never. */
  readonly expiresAtMs: number | null;
  /** JSON object with id, type and perhaps data, in UTF-8. */
  readonly payload: ByteString;
  readonly traceparent: string | null;
  readonly timestampMs: number;
}

export interface Refused {
  readonly ok: false;
  readonly code: RecordErrorCode;
  /** The particular case; '' when the code says it all. */
  readonly detail: string;
  /** Where they could be read and are well-formed. */
  readonly id: string | null;
  readonly location: string | null;
}

export function decodeRecord(record: RecordInput, options: DecodeOptions): Decoded | Refused {
  const { key, value, timestampMs } = record;
  if (key === null || key === '') return refused({ code: 'SB-1101', detail: '' }, null, null);
  if (!isLocation(key)) return refused({ code: 'SB-1102', detail: shownKey(key) }, null, null);
  if (value === null) return refused({ code: 'SB-1103', detail: '' }, null, key);
  if (value.length > VALUE_BYTES_MAX) {
    return refused({ code: 'SB-1107', detail: `${value.length} bytes` }, null, key);
  }
  const parsed = parseObject(value);
  const headers = readHeaders(record.headers);
  const fields = transactionFields(parsed.value ?? {}, headers);
  if (!parsed.ok) return refused(parsed, fields.id, key);
  const checked = checkFields(fields, key);
  if ('code' in checked) return refused(checked, fields.id, key);
  const { id, type, data, expiresAtMs } = checked;
  if (!options.knownType(type)) return refused({ code: 'SB-1114', detail: type }, id, key);
  if (timestampMs < options.nowMs - options.dedupeWindowMs) {
    return refused({ code: 'SB-1115', detail: `its time is ${timestampMs} ms` }, id, key);
  }
  const payload = headers.mode === 'binary' ? normalForm(checked, fields, value) : value;
  return {
    ok: true,
    id,
    type,
    location: key,
    data,
    expiresAtMs,
    payload,
    traceparent: headers.traceparent,
    timestampMs,
  };
}

function refused({ code, detail }: FieldProblem, id: unknown, location: string | null): Refused {
  return { ok: false, code, detail, id: isTransactionId(id) ? id : null, location };
}

/** Bytes of an ill-formed key that a detail shows. */
const KEY_SHOWN_MAX = 64;

function shownKey(key: ByteString): string {
  return shown(bytesOf(key.slice(0, KEY_SHOWN_MAX)).toString('utf8'));
}
