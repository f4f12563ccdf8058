import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteString } from './byte-string.ts';
import { dataOf, sameContent } from './content.ts';

const bytes = (text: string) => byteString(Buffer.from(text));
const same = (a: string, b: string) => sameContent(bytes(a), 'atm-1', bytes(b), 'atm-1');

test('dataOf gives the data, {} when there is none, and text beyond ASCII whole', () => {
  assert.deepEqual(dataOf(bytes('{"id":"1","type":"t","data":{"n":[1,null]}}')), { n: [1, null] });
  assert.deepEqual(dataOf(bytes('{"id":"1","type":"t"}')), {});
  assert.deepEqual(dataOf(bytes('{"id":"1","type":"t","data":{"city":"Zürich 😀"}}')), { city: 'Zürich 😀' });
  assert.deepEqual(dataOf(bytes('{"data":{"a":1},"data":{"a":2}}')), { a: 2 });
});

test('a payload that decode would have refused is a defect', () => {
  for (const payload of ['[]', '{"data":1}', '{"data":null}']) {
    assert.throws(() => dataOf(bytes(payload)), { code: 'SB-5006' }, payload);
  }
  assert.throws(() => dataOf('{"data":{"a":"\xff"}}'), { code: 'SB-5006' });
});

test('the same content, however it is written', () => {
  const base = '{"id":"1","type":"t","data":{"a":1,"b":"é"}}';
  for (const other of [
    base,
    ' { "data" : {"b":"\\u00e9", "a" : 1.0e0}, "type":"t", "id":"1" } ',
    '{"id":"1","type":"t","data":{"a":1,"b":"é"},"expiresAt":"2026-01-01T00:00:00Z"}',
    '{"id":"1","type":"t","data":{"a":1,"b":"é"},"location":"atm-1","note":"unknown fields take no part"}',
    '{"id":"1","type":"x","type":"t","data":{"a":1,"b":"é"}}',
    '{"specversion":"1.0","source":"/s","id":"1","type":"t","subject":"x","data":{"a":1,"b":"é"}}',
  ]) {
    assert.ok(same(base, other), other);
    assert.ok(same(other, base), other);
  }
  assert.ok(same('{"id":"1","type":"t"}', '{"id":"1","type":"t","data":{}}'));
  assert.ok(same('{"id":"1","type":"t","data":{"n":-0}}', '{"id":"1","type":"t","data":{"n":0}}'));
});

test('other content', () => {
  const base = '{"id":"1","type":"t","data":{"a":1,"b":[1,2]}}';
  for (const other of [
    '{"id":"2","type":"t","data":{"a":1,"b":[1,2]}}',
    '{"id":"1","type":"u","data":{"a":1,"b":[1,2]}}',
    '{"id":"1","type":"t","data":{"a":2,"b":[1,2]}}',
    '{"id":"1","type":"t","data":{"a":1,"b":[2,1]}}',
    '{"id":"1","type":"t","data":{"a":"1","b":[1,2]}}',
    '{"id":"1","type":"t","data":{"a":1,"b":[1,2],"c":null}}',
    '{"id":"1","type":"t","data":{"a":1}}',
    '{"id":"1","type":"t"}',
  ]) {
    assert.ok(!same(base, other), other);
  }
});

test('another location is other content, to the very bytes', () => {
  const payload = bytes('{"id":"1","type":"t"}');
  assert.ok(!sameContent(payload, 'atm-1', payload, 'atm-2'));
});

test('one value of the data more or less is noticed', () => {
  const data = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }));
  fc.assert(
    fc.property(data, data, (a, b) => {
      const [first, second] = [a, b].map((value) => JSON.stringify({ id: '1', type: 't', data: value })) as [
        string,
        string,
      ];
      const equal = JSON.stringify(sorted(JSON.parse(first))) === JSON.stringify(sorted(JSON.parse(second)));
      assert.equal(same(first, second), equal);
      assert.ok(same(first, JSON.stringify(JSON.parse(first), null, 2)));
    }),
    { seed: 20260114 },
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['array', ...value.map(sorted)];
  if (typeof value !== 'object' || value === null) return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, sorted((value as Record<string, unknown>)[key])]);
}
