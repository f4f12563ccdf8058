import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPattern, literalsOf, matches } from './pattern.ts';

test('stars, question marks and letters', () => {
  const cases: readonly (readonly [pattern: string, location: string, fits: boolean])[] = [
    ['atm-1', 'atm-1', true],
    ['atm-1', 'atm-12', false],
    ['atm-*', 'atm-', true],
    ['atm-*', 'atm-12', true],
    ['*', '', true],
    ['?', '', false],
    ['atm-??', 'atm-12', true],
    ['atm-??', 'atm-123', false],
    ['*-1*', 'a-2-12', true],
    ['a.c', 'abc', false],
    ['**a**', 'bab', true],
  ];
  for (const [pattern, location, fits] of cases)
    assert.equal(matches(pattern, location), fits, `${pattern} ${location}`);
});

test('the same as the regular expression it stands for', () => {
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 })
    .map((list) => list.join(''));
  const location = fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }).map((list) => list.join(''));
  fc.assert(
    fc.property(pattern, location, (glob, text) => {
      const expression = new RegExp(`^${glob.replaceAll(/\*+/g, '.*').replaceAll('?', '.')}$`);
      assert.equal(matches(glob, text), expression.test(text));
    }),
    { numRuns: 2_000 },
  );
});

test('many stars against a location that does not fit end at once', () => {
  const started = process.hrtime.bigint();
  assert.equal(matches(`${'*a'.repeat(60)}b`, 'a'.repeat(128)), false);
  assert.ok(process.hrtime.bigint() - started < 1_000_000_000n);
});

test('what is a pattern, and how exact it is', () => {
  assert.equal(isPattern('atm-1'), false);
  assert.equal(isPattern('atm-?'), true);
  assert.equal(literalsOf('atm-*?'), 4);
});
