import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteString } from './byte-string.ts';
import { dataOf } from './content.ts';
import { type Decoded, type DecodeOptions, decodeRecord, type Refused, VALUE_BYTES_MAX } from './decode.ts';

const NOW = Date.UTC(2026, 10, 25);
const DAY_MS = 24 * 3_600_000;
const OPTIONS: DecodeOptions = {
  nowMs: NOW,
  dedupeWindowMs: 35 * DAY_MS,
  knownType: (type) => type !== 'strange',
};
const GOOD = '{"id":"p-1","type":"payout","data":{"amountMinor":500}}';

interface Given {
  readonly key?: string | null;
  readonly value?: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly timestampMs?: number;
}

function decode({ key = 'atm-1', value = GOOD, headers = {}, timestampMs = NOW }: Given): Decoded | Refused {
  return decodeRecord(
    {
      key: key === null ? null : byteString(Buffer.from(key)),
      value: value === null ? null : byteString(typeof value === 'string' ? Buffer.from(value) : value),
      headers: Object.entries(headers).map(([name, text]) => ({
        name,
        value: text === null ? null : Buffer.from(text),
      })),
      timestampMs,
    },
    OPTIONS,
  );
}

function decoded(given: Given): Decoded {
  const result = decode(given);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

function refused(given: Given): Refused {
  const result = decode(given);
  assert.ok(!result.ok, JSON.stringify(result));
  return result;
}

test('a plain record', () => {
  assert.deepEqual(decoded({}), {
    ok: true,
    id: 'p-1',
    type: 'payout',
    location: 'atm-1',
    data: dataOf(GOOD),
    expiresAtMs: null,
    payload: GOOD,
    traceparent: null,
    timestampMs: NOW,
  });
});

test('all fields, unknown ones kept, text beyond ASCII kept as its bytes', () => {
  const value =
    '{"note":"é","location":"atm-1","expiresAt":"2026-11-25T01:00:00+01:00","id":"~A.z_9-","type":"x","data":{"n":"😀"}}';
  const result = decoded({
    value,
    headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  });
  assert.equal(result.id, '~A.z_9-');
  assert.equal(result.expiresAtMs, NOW);
  assert.equal(result.payload, byteString(Buffer.from(value)));
  assert.equal(result.traceparent, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  assert.deepEqual(dataOf(result.payload), { n: '😀' });
});

test('a traceparent that is none is left out', () => {
  assert.equal(decoded({ headers: { traceparent: 'x' } }).traceparent, null);
});

test('limits, from both sides', () => {
  const name = (length: number) => 'x'.repeat(length);
  const padded = (bytes: number) => GOOD.padEnd(bytes, ' ');
  assert.equal(decoded({ key: name(128) }).location, name(128));
  assert.equal(refused({ key: name(129) }).code, 'SB-1102');
  assert.equal(decoded({ value: `{"id":"${name(128)}","type":"t"}` }).id, name(128));
  assert.equal(refused({ value: `{"id":"${name(129)}","type":"t"}` }).code, 'SB-1110');
  assert.equal(decoded({ value: `{"id":"1","type":"${name(64)}"}` }).type, name(64));
  assert.equal(refused({ value: `{"id":"1","type":"${name(65)}"}` }).code, 'SB-1111');
  assert.equal(decoded({ value: padded(VALUE_BYTES_MAX) }).payload.length, 262_144);
  assert.equal(refused({ value: padded(VALUE_BYTES_MAX + 1) }).code, 'SB-1107');
  assert.equal(decoded({ timestampMs: NOW - 35 * DAY_MS }).ok, true);
  assert.equal(refused({ timestampMs: NOW - 35 * DAY_MS - 1 }).code, 'SB-1115');
  assert.equal(refused({ timestampMs: -1 }).code, 'SB-1115');
});

test('the limit of a value counts bytes, not characters', () => {
  const value = `{"id":"1","type":"t","data":{"a":"${'é'.repeat(VALUE_BYTES_MAX / 2)}"}}`;
  assert.equal(refused({ value }).code, 'SB-1107');
});

/** Value or whole record, code, and what is known of the id. */
const REFUSALS: readonly (readonly [string | Given, Refused['code'], string | null])[] = [
  [{ key: null }, 'SB-1101', null],
  [{ key: '' }, 'SB-1101', null],
  [{ key: 'a b' }, 'SB-1102', null],
  [{ key: 'Zürich' }, 'SB-1102', null],
  [{ key: 'a\n' }, 'SB-1102', null],
  [{ key: 'a:b' }, 'SB-1102', null],
  [{ value: null }, 'SB-1103', null],
  ['', 'SB-1106', null],
  ['[1]', 'SB-1106', null],
  ['\ufeff{}', 'SB-1106', null],
  [{ value: Buffer.from(GOOD, 'utf16le') }, 'SB-1106', null],
  [{ value: Buffer.from(`{"id":"1","a":"é"}`, 'latin1') }, 'SB-1105', null],
  ['{"id":"1","type":"t","x":"\\u0000"}', 'SB-1108', '1'],
  ['{"id":"1","type":"t","data":{"\\u0000":1}}', 'SB-1108', '1'],
  ['{"id":"\\u0000","type":"t"}', 'SB-1108', null],
  ['{"id":"1","type":"t","data":{"n":1e400}}', 'SB-1109', '1'],
  ['{}', 'SB-1110', null],
  ['{"id":1,"type":"t"}', 'SB-1110', null],
  ['{"id":null,"type":"t"}', 'SB-1110', null],
  ['{"id":"","type":"t"}', 'SB-1110', null],
  ['{"id":"a:b","type":"t"}', 'SB-1110', null],
  ['{"id":"a\\n","type":"t"}', 'SB-1110', null],
  ['{"id":["1"],"type":"t"}', 'SB-1110', null],
  ['{"__proto__":{"id":"1","type":"t"}}', 'SB-1110', null],
  ['{"id":"1"}', 'SB-1111', '1'],
  ['{"id":"1","type":"pay out"}', 'SB-1111', '1'],
  ['{"id":"1","type":"t","location":"atm-2"}', 'SB-1104', '1'],
  ['{"id":"1","type":"t","location":null}', 'SB-1104', '1'],
  ['{"id":"1","type":"t","location":["atm-1"]}', 'SB-1104', '1'],
  ['{"id":"1","type":"t","data":null}', 'SB-1112', '1'],
  ['{"id":"1","type":"t","data":[]}', 'SB-1112', '1'],
  ['{"id":"1","type":"t","data":"{}"}', 'SB-1112', '1'],
  ['{"id":"1","type":"t","expiresAt":null}', 'SB-1113', '1'],
  ['{"id":"1","type":"t","expiresAt":1764028800000}', 'SB-1113', '1'],
  ['{"id":"1","type":"t","expiresAt":"2026-11-25T10:00:00"}', 'SB-1113', '1'],
  ['{"id":"1","type":"strange"}', 'SB-1114', '1'],
];

for (const [given, code, id] of REFUSALS) {
  test(`${code}: ${JSON.stringify(given)}`, () => {
    const result = refused(typeof given === 'string' ? { value: given } : given);
    assert.equal(result.code, code, result.detail);
    assert.equal(result.id, id);
    const located = code !== 'SB-1101' && code !== 'SB-1102';
    assert.equal(result.location, located ? 'atm-1' : null);
  });
}

test('keys given twice: the last counts, for the fields too', () => {
  const result = decoded({ value: '{"id":"1","id":"2","type":"t","data":1,"data":{"a":1}}' });
  assert.equal(result.id, '2');
  assert.deepEqual(dataOf(result.payload), { a: 1 });
});

test('D3: details show nothing of the data and can be stored', () => {
  const secret = '4111222233334444';
  for (const value of [
    `{"id":"1","type":"t","data":"${secret}"}`,
    `{"id":"1","type":"t","data":{"card":"${secret}\\u0000"}}`,
    `{"id":"1","type":"t","data":{"card":"${secret}"}`,
    `{"id":"1","type":"t","data":{"card":${secret}x}}`,
    `"${secret}"`,
    secret,
  ]) {
    const { detail } = refused({ value });
    assert.ok(!detail.includes(secret.slice(0, 8)), detail);
  }
  for (const key of ['a\0b', '\u{1f600}'.repeat(40), 'x'.repeat(100_000)]) {
    const { detail } = refused({ key });
    assert.ok(detail.length < 200 && !detail.includes('\0') && detail.isWellFormed(), detail);
  }
});

const EVENT = { specversion: '1.0', id: 'p-1', type: 'payout', source: '/till/7' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
const prefixed = (attributes: Record<string, string>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]));

test('CloudEvents, structured mode: the value is the transaction, subject is ignored', () => {
  const value = JSON.stringify({ ...EVENT, subject: 'atm-9', data: { amountMinor: 500 } });
  for (const headers of [STRUCTURED, {}]) {
    const result = decoded({ value, headers });
    assert.deepEqual([result.id, result.type, result.payload], ['p-1', 'payout', value]);
  }
  assert.equal(
    refused({ value: JSON.stringify({ ...EVENT, location: 'atm-9' }), headers: STRUCTURED }).code,
    'SB-1104',
  );
});

test('CloudEvents, structured mode: expiresat is expiresAt, but only in an event', () => {
  const expiresat = '2026-11-25T00:00:00Z';
  assert.equal(decoded({ value: JSON.stringify({ ...EVENT, expiresat }) }).expiresAtMs, NOW);
  assert.equal(refused({ value: JSON.stringify({ ...EVENT, expiresat: 'soon' }) }).code, 'SB-1113');
  assert.equal(refused({ value: JSON.stringify({ ...EVENT, expiresAt: null, expiresat }) }).code, 'SB-1113');
  assert.equal(
    decoded({ value: JSON.stringify({ id: '1', type: 't', expiresat: 'soon' }) }).expiresAtMs,
    null,
  );
});

test('CloudEvents, structured mode: data as base64 is not dropped in silence', () => {
  const value = JSON.stringify({ ...EVENT, data_base64: 'e30=' });
  assert.deepEqual(refused({ value }).code, 'SB-1112');
  assert.equal(decoded({ value: '{"id":"1","type":"t","data_base64":"e30="}' }).ok, true);
});

test('CloudEvents: a claim without what the standard requires', () => {
  const broken: Record<string, unknown>[] = [
    { ...EVENT, specversion: '0.3' },
    { ...EVENT, specversion: undefined },
    { ...EVENT, id: undefined },
    { ...EVENT, type: undefined },
    { ...EVENT, source: undefined },
    { ...EVENT, source: '' },
  ];
  for (const event of broken) {
    const present = JSON.parse(JSON.stringify(event));
    const structured = refused({ value: JSON.stringify(present), headers: STRUCTURED });
    const binary = refused({ value: '{}', headers: prefixed(present) });
    for (const { code, id } of [structured, binary])
      assert.deepEqual([code, id], ['SB-1117', present.id ?? null]);
  }
  assert.equal(
    refused({ value: JSON.stringify({ ...EVENT, source: 7 }), headers: STRUCTURED }).code,
    'SB-1117',
  );
});

test('CloudEvents, binary mode: the value is the data, the payload its normal form', () => {
  const value = ' {"city":"Zürich","a":1,"a":2} ';
  const result = decoded({
    value,
    headers: { ...prefixed(EVENT), ce_subject: 'atm-9', ce_time: 'x', 'content-type': 'application/json' },
  });
  assert.deepEqual([result.id, result.type, result.location], ['p-1', 'payout', 'atm-1']);
  assert.equal(result.payload, byteString(Buffer.from(`{"id":"p-1","type":"payout","data":${value}}`)));
  assert.deepEqual(dataOf(result.payload), { city: 'Zürich', a: 2 });
});

test('CloudEvents, binary mode: fields in the data are data', () => {
  const result = decoded({
    value: '{"id":"x","type":"y","location":"z","data":1}',
    headers: prefixed(EVENT),
  });
  assert.deepEqual(dataOf(result.payload), { id: 'x', type: 'y', location: 'z', data: 1 });
});

test('CloudEvents, binary mode: expiry', () => {
  const headers = { ...prefixed(EVENT), ce_expiresat: '2026-11-25T00:00:00Z' };
  const result = decoded({ value: '{}', headers });
  assert.equal(result.expiresAtMs, NOW);
  assert.equal(result.payload, '{"id":"p-1","type":"payout","data":{},"expiresAt":"2026-11-25T00:00:00Z"}');
  assert.equal(refused({ value: '{}', headers: { ...headers, ce_expiresat: 'soon' } }).code, 'SB-1113');
});

test('CloudEvents, binary mode: the rules of records hold', () => {
  const headers = prefixed(EVENT);
  assert.equal(refused({ value: null, headers }).code, 'SB-1103');
  assert.deepEqual(
    [refused({ value: '[]', headers }).code, refused({ value: '[]', headers }).id],
    ['SB-1106', 'p-1'],
  );
  assert.equal(refused({ value: '{"a":"\\u0000"}', headers }).code, 'SB-1108');
  assert.equal(refused({ value: '{}', headers: { ...headers, ce_id: 'a"b' } }).code, 'SB-1110');
  assert.equal(refused({ value: '{}', headers: { ...headers, ce_id: 'é' } }).code, 'SB-1110');
  assert.equal(refused({ value: '{}', headers: { ...headers, ce_type: 'a b' } }).code, 'SB-1111');
  assert.equal(refused({ value: '{}', headers: { ...headers, ce_type: 'strange' } }).code, 'SB-1114');
});

test('a binary event and the plain record of the same transaction have one payload', () => {
  const data = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }));
  fc.assert(
    fc.property(data, (given) => {
      const text = JSON.stringify(given);
      const binary = decode({ value: text, headers: prefixed(EVENT) });
      const plain = decode({ value: `{"id":"p-1","type":"payout","data":${text}}` });
      assert.deepEqual(binary, plain);
    }),
    { seed: 20260104 },
  );
});

test('any bytes at all: decoded or refused, never thrown', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, bytes, fc.boolean(), (key, value, event) => {
      const headers = event
        ? Object.entries(prefixed(EVENT)).map(([name, text]) => ({ name, value: Buffer.from(text) }))
        : [];
      const record = { key: byteString(key), value: byteString(value), headers, timestampMs: NOW };
      const result = decodeRecord(record, OPTIONS);
      if (!result.ok) assert.ok(result.detail.isWellFormed() && result.detail.length < 300);
    }),
    { numRuns: 3_000, seed: 20260105 },
  );
});
