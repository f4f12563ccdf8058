import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shown, storableText } from './storable-text.ts';

test('what Postgres refuses becomes U+FFFD, the rest stays', () => {
  assert.equal(storableText('a\0b\ud800c\udc00 😀 é', 100), 'a\ufffdb\ufffdc\ufffd 😀 é');
});

test('bounded, and a cut pair leaves no half behind', () => {
  assert.equal(storableText('abcdef', 3), 'abc');
  assert.equal(storableText('ab😀', 3), 'ab\ufffd');
});

test('a shown value is short, on one line and of plain characters', () => {
  assert.equal(shown('a\nb\0\ud800'), '"a\\nb\\u0000\\ud800"');
  assert.equal(shown(`${'x'.repeat(63)}😀`), `"${'x'.repeat(63)}\\ud83d"`);
  assert.equal(shown(undefined), 'missing');
  assert.equal(shown(null), 'null');
  assert.equal(shown(7), '7');
  assert.equal(shown([1]), 'an array');
  assert.equal(shown({ card: '4111' }), 'an object');
});
