import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteString } from './byte-string.ts';
import { utf8Text } from './utf8.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function reference(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

test('text comes back as it was written', () => {
  for (const text of [
    '',
    'plain',
    'Zürich',
    '東京',
    '😀',
    '\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}',
    '\ufeffx',
  ]) {
    assert.equal(utf8Text(byteString(Buffer.from(text))), text);
  }
});

test('ASCII is not copied', () => {
  const bytes = byteString(Buffer.from('{"id":"1"}'));
  assert.equal(utf8Text(bytes), bytes);
});

test('what is not UTF-8 is refused', () => {
  const bad: Record<string, number[]> = {
    'overlong slash, two bytes': [0xc0, 0xaf],
    'overlong NUL': [0xc0, 0x80],
    'overlong, three bytes': [0xe0, 0x80, 0xaf],
    'overlong, four bytes': [0xf0, 0x80, 0x80, 0xaf],
    'encoded high surrogate': [0xed, 0xa0, 0x80],
    'encoded low surrogate': [0xed, 0xbf, 0xbf],
    'above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
    'five-byte form': [0xf8, 0x88, 0x80, 0x80, 0x80],
    'cut in the middle': [0xe2, 0x82],
    'lone continuation': [0x80],
    'latin1 u umlaut': [0x5a, 0xfc, 0x72],
    'byte that never occurs': [0xff],
  };
  for (const [name, bytes] of Object.entries(bad)) {
    assert.equal(utf8Text(byteString(Uint8Array.from(bytes))), null, name);
  }
});

test('agrees with a fatal TextDecoder on any bytes', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.string({ unit: 'grapheme', maxLength: 3 }).map((text) => Uint8Array.from(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const bytes = Uint8Array.from(pieces.flatMap((part) => [...part]));
      assert.equal(utf8Text(byteString(bytes)), reference(bytes));
    }),
    { numRuns: 3_000, seed: 20260111 },
  );
});
