import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteString } from './byte-string.ts';
import { findFlaw } from './json-flaw.ts';
import { isObject, parseObject } from './json-strict.ts';

const bytes = (text: string) => byteString(Buffer.from(text));
const codeOf = (text: string) => {
  const parsed = parseObject(bytes(text));
  return parsed.ok ? 'ok' : parsed.code;
};

test('as JSON.parse: the last of a double key counts, __proto__ is a key like any other', () => {
  const parsed = parseObject(bytes('{"a":1,"a":2,"__proto__":{"id":"x"}}'));
  assert.ok(parsed.ok);
  assert.equal(parsed.value.a, 2);
  assert.equal(parsed.value.id, undefined);
  assert.ok(Object.hasOwn(parsed.value, '__proto__'));
  assert.equal(({} as Record<string, unknown>).id, undefined);
});

test('not a JSON object', () => {
  for (const text of [
    '',
    ' ',
    '1',
    '"x"',
    'null',
    '[{}]',
    '{',
    '{}{}',
    '{a:1}',
    "{'a':1}",
    '\ufeff{}',
    'NaN',
    '{"a":01}',
    '{"a":"\t"}',
  ]) {
    assert.equal(codeOf(text), 'SB-1106', text);
  }
  assert.equal(codeOf('[['.repeat(131_072)), 'SB-1106');
  assert.equal(codeOf('[]'.repeat(3)), 'SB-1106');
});

test('the walk is not missed where the text holds something bad', () => {
  const cases: [string, string][] = [
    ['{"a":"\\u0000"}', 'SB-1108'],
    ['{"\\u0000":1}', 'SB-1108'],
    ['{"a":"\\uD800"}', 'SB-1108'],
    ['{"a":"\\udbff\\u0041"}', 'SB-1108'],
    ['{"a":"\\udc00\\ud800"}', 'SB-1108'],
    ['{"a":"\\ud83d\\ude00"}', 'ok'],
    ['{"a":"\\\\u0000"}', 'ok'],
    ['{"a":"\\u00e9"}', 'ok'],
    ['{"a":1e400}', 'SB-1109'],
    ['{"a":[-1E+309]}', 'SB-1109'],
    ['{"a":\n\t1.5e00310}', 'SB-1109'],
    [`{"a":${'9'.repeat(309)}}`, 'SB-1109'],
    [`{"a":-${'9'.repeat(211)}e99}`, 'SB-1109'],
    [`{"a":0.${'0'.repeat(250)}1e600}`, 'SB-1109'],
    ['{"a":1e308}', 'ok'],
    ['{"a":1e-400}', 'ok'],
    ['{"a":12345678901234567890}', 'ok'],
    ['{"a":"3f0e9999-1e400"}', 'ok'],
    [`{"a":${'['.repeat(511)}${']'.repeat(511)}}`, 'ok'],
    [`{"a":${'['.repeat(512)}${']'.repeat(512)}}`, 'SB-1106'],
    [`{"a":[${'{},'.repeat(600)}{}]}`, 'ok'],
  ];
  for (const [text, code] of cases) assert.equal(codeOf(text), code, text.slice(0, 60));
});

test('a detail says where, and quotes nothing of the value', () => {
  for (const text of [
    '{"card":"4111" x}',
    '{"card" "4111"}',
    '4111',
    '"4111"',
    '{"card":4111,}',
    '{"card":"4111',
    '{"card":"4111"} "4111"',
  ]) {
    const parsed = parseObject(bytes(text));
    assert.ok(!parsed.ok);
    assert.ok(parsed.detail !== '' && !parsed.detail.includes('4111'), parsed.detail);
  }
});

/** JSON text with everything that the fast path has to notice, and what looks like it. */
const digits = (count: number) => '7'.repeat(count);
const number = fc.oneof(
  fc.constantFrom('0', '-0', '1e308', '1e309', '-1E+400', '1e00309', '1.8e308', '0.1e310', '1e-999', '5e99'),
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.integer({ min: 1, max: 320 }),
      fc.constantFrom('', 'e9', 'E99', 'e+99', 'e-200', '.5e99', 'e120'),
    )
    .map(([sign, count, rest]) => sign + digits(count) + rest),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);
const textPiece = fc.constantFrom(
  'a',
  '\\u0000',
  '\\ud800',
  '\\uDFFF',
  '\\ud83d\\ude00',
  '\\\\u0000',
  '\\u00e9',
  'é',
  '😀',
  ',1e400',
  ':',
  '\\\\',
  '\\"',
);
const string = fc.array(textPiece, { maxLength: 4 }).map((pieces) => `"${pieces.join('')}"`);
const space = fc.constantFrom('', ' ', '\n\t', '\r');
const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    number,
    string,
    fc.constantFrom('true', 'null'),
    fc
      .tuple(space, fc.array(tie('value'), { maxLength: 3 }))
      .map(([gap, values]) => `[${gap}${values.join(`,${gap}`)}]`),
    tie('object'),
  ),
  object: fc
    .tuple(space, fc.array(fc.tuple(string, tie('value')), { maxLength: 3 }))
    .map(
      ([gap, members]) =>
        `{${members.map(([key, member]) => `${gap}${key}${gap}:${gap}${member}`).join(',')}}`,
    ),
}));
const object = fc
  .array(fc.tuple(string, value), { maxLength: 3 })
  .map((members) => `{${members.map((pair) => pair.join(':')).join(',')}}`);

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The slow path: every value is walked. */
function slow(raw: Uint8Array): string {
  let text: string;
  try {
    text = strictDecoder.decode(raw);
  } catch {
    return 'SB-1105';
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'SB-1106';
  }
  if (!isObject(parsed)) return 'SB-1106';
  const flaw = findFlaw(parsed);
  return flaw === null ? 'ok' : `${flaw.code} ${flaw.detail}`;
}

function fast(raw: Uint8Array): string {
  const parsed = parseObject(byteString(raw));
  if (parsed.ok) return 'ok';
  return parsed.value === null ? parsed.code : `${parsed.code} ${parsed.detail}`;
}

test('the fast path agrees with the walk', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(object, (text) => {
      const raw = Buffer.from(text);
      const outcome = fast(raw);
      seen.add(outcome.slice(0, 7));
      assert.equal(outcome, slow(raw));
    }),
    { numRuns: 5_000, seed: 20260101 },
  );
  assert.deepEqual([...seen].sort(), ['SB-1108', 'SB-1109', 'ok']);
});

test('the fast path agrees with the walk on damaged bytes', () => {
  fc.assert(
    fc.property(object, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 2 }), (text, at, damage) => {
      const raw = Buffer.from(text);
      const place = at % (raw.length + 1);
      const damaged = Buffer.concat([raw.subarray(0, place), damage, raw.subarray(place)]);
      assert.equal(fast(damaged), slow(damaged));
    }),
    { numRuns: 3_000, seed: 20260112 },
  );
});

test('the value is the one of JSON.parse', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' })),
      (wanted) => {
        const text = JSON.stringify(wanted);
        const parsed = parseObject(bytes(text));
        assert.ok(parsed.ok);
        assert.deepEqual(parsed.value, JSON.parse(text));
      },
    ),
    { seed: 20260112 },
  );
});
