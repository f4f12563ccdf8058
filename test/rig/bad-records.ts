/**
 * Every kind of record that can never become a transaction (design 4.2, contract 9), each with the code under which
 * it must become a dead letter. Conflicts are not here: they need a record before them.
 */
import type { ByteString } from '../../src/core/byte-string.ts';
import type { RecordErrorCode } from '../../src/core/errors/catalogue.ts';
import type { RecordToProduce } from './broker-client.ts';

export interface BadRecord {
  readonly kind: string;
  readonly code: RecordErrorCode;
  /** For a location and an id that no other record has. */
  readonly make: (location: string, id: string) => RecordToProduce;
}

/** One byte more than the contract allows. */
const TOO_LARGE = 256 * 1024 + 1;
/** Deeper than anything a person writes. */
const TOO_DEEP = 600;
const EVENT = 'application/cloudevents+json';
/** Older than the dedupe window of 35 days. */
const TOO_OLD_MS = 36 * 24 * 3600 * 1000;

type Fields = Readonly<Record<string, unknown>>;

/** JSON of a transaction; a field given as undefined is left out. */
function json(id: string, fields: Fields = {}): ByteString {
  return JSON.stringify({ id, type: 'apply', data: { note: 'bad' }, ...fields });
}

/** A transaction of which `data` is written as it stands. */
function withData(id: string, data: ByteString): ByteString {
  return `{"id":"${id}","type":"apply","data":${data}}`;
}

function value(kind: string, code: RecordErrorCode, text: (id: string) => ByteString): BadRecord {
  return { kind, code, make: (location, id) => ({ key: location, value: text(id) }) };
}

function event(
  kind: string,
  code: RecordErrorCode,
  { headers, text }: { headers: Fields; text: (id: string) => ByteString },
): BadRecord {
  const make = (location: string, id: string): RecordToProduce => {
    const entries = Object.entries(headers).map(([name, given]) => [
      name,
      given === 'ID' ? id : String(given),
    ]);
    return { key: location, value: text(id), headers: Object.fromEntries(entries) };
  };
  return { kind, code, make };
}

const structured = (fields: Fields) => ({
  headers: { 'content-type': EVENT },
  text: (id: string) => json(id, { specversion: '1.0', source: '/tests', ...fields }),
});
const binary = (headers: Fields, text: ByteString = '{"note":"bad"}') => ({ headers, text: () => text });

const KEYS: readonly BadRecord[] = [
  { kind: 'no key', code: 'SB-1101', make: (_location, id) => ({ key: null, value: json(id) }) },
  { kind: 'empty key', code: 'SB-1101', make: (_location, id) => ({ key: '', value: json(id) }) },
  { kind: 'key with a blank', code: 'SB-1102', make: (place, id) => ({ key: `${place} `, value: json(id) }) },
  {
    kind: 'key that is not UTF-8',
    code: 'SB-1102',
    make: (place, id) => ({ key: `${place}\xff`, value: json(id) }),
  },
  {
    kind: 'key of 129 bytes',
    code: 'SB-1102',
    make: (place, id) => ({ key: place.padEnd(129, 'x'), value: json(id) }),
  },
];

const VALUES: readonly BadRecord[] = [
  { kind: 'null value', code: 'SB-1103', make: (location) => ({ key: location, value: null }) },
  value('empty value', 'SB-1106', () => ''),
  value('not JSON', 'SB-1106', (id) => `${json(id)}}`),
  value('an array', 'SB-1106', (id) => `[${json(id)}]`),
  value('a text', 'SB-1106', (id) => JSON.stringify(id)),
  value('null as JSON', 'SB-1106', () => 'null'),
  value('too deep', 'SB-1106', (id) => withData(id, `{"a":${'['.repeat(TOO_DEEP)}${']'.repeat(TOO_DEEP)}}`)),
  value('bad UTF-8', 'SB-1105', (id) => withData(id, '{"name":"M\xfcller"}')),
  value('UTF-8 cut off', 'SB-1105', (id) => withData(id, '{"name":"M\xc3"}')),
  value('too large', 'SB-1107', (id) => json(id, { data: { note: 'x'.repeat(TOO_LARGE) } })),
  value('U+0000', 'SB-1108', (id) => withData(id, '{"name":"a\\u0000b"}')),
  value('U+0000 in a field name', 'SB-1108', (id) => withData(id, '{"a\\u0000b":1}')),
  value('lone surrogate', 'SB-1108', (id) => withData(id, '{"name":"\\ud800"}')),
  value('number beyond a double', 'SB-1109', (id) => withData(id, '{"amount":1e400}')),
];

const FIELDS: readonly BadRecord[] = [
  value('location of another place', 'SB-1104', (id) => json(id, { location: 'elsewhere' })),
  value('location that is a number', 'SB-1104', (id) => json(id, { location: 7 })),
  value('no id', 'SB-1110', (id) => json(id, { id: undefined })),
  value('id with a colon', 'SB-1110', (id) => json(`${id}:apply`)),
  value('id that is a number', 'SB-1110', (id) => json(id, { id: 17 })),
  value('id of 129 characters', 'SB-1110', (id) => json(id.padEnd(129, 'x'))),
  value('no type', 'SB-1111', (id) => json(id, { type: undefined })),
  value('type with a blank', 'SB-1111', (id) => json(id, { type: 'cash out' })),
  value('type of 65 characters', 'SB-1111', (id) => json(id, { type: 'x'.repeat(65) })),
  value('data that is an array', 'SB-1112', (id) => json(id, { data: [1] })),
  value('data that is null', 'SB-1112', (id) => json(id, { data: null })),
  value('expiresAt without offset', 'SB-1113', (id) => json(id, { expiresAt: '2099-01-01T00:00:00' })),
  value('expiresAt that is a number', 'SB-1113', (id) => json(id, { expiresAt: 4_070_908_800 })),
];

const EVENTS: readonly BadRecord[] = [
  event('structured event of version 0.3', 'SB-1117', structured({ specversion: '0.3' })),
  event('structured event without source', 'SB-1117', structured({ source: undefined })),
  event('structured event with data_base64', 'SB-1112', structured({ data_base64: 'e30=' })),
  event(
    'binary event without id',
    'SB-1117',
    binary({ ce_specversion: '1.0', ce_type: 't', ce_source: '/' }),
  ),
  event(
    'binary event without version',
    'SB-1117',
    binary({ ce_id: 'ID', ce_type: 'apply', ce_source: '/tests' }),
  ),
  event(
    'binary event whose data is no object',
    'SB-1106',
    binary({ ce_specversion: '1.0', ce_id: 'ID', ce_type: 'apply', ce_source: '/tests' }, '[1]'),
  ),
];

/** What no worker takes, whatever its configuration. */
export const BAD_RECORDS: readonly BadRecord[] = [...KEYS, ...VALUES, ...FIELDS, ...EVENTS];

/** Where types are configured and `unheard-of` is none of them. */
export const UNKNOWN_TYPE: BadRecord = value('type not configured', 'SB-1114', (id) =>
  json(id, { type: 'unheard-of' }),
);

/** On a topic that keeps records this old. */
export const TOO_OLD: BadRecord = {
  kind: 'older than the dedupe window',
  code: 'SB-1115',
  make: (location, id) => ({ key: location, value: json(id), timestampMs: Date.now() - TOO_OLD_MS }),
};
