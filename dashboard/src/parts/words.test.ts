import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, money, partitionNames, short, sums } from './words.ts';

test('durations have at most two units', () => {
  const words = [
    [0, '0.0 s'],
    [400, '0.4 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [42_000, '42 s'],
    [59_600, '1 m'],
    [372_000, '6 m 12 s'],
    [7_800_000, '2 h 10 m'],
    [90_000_000, '1 d 1 h'],
    [-5, '0.0 s'],
  ] as const;
  for (const [ms, text] of words) assert.equal(duration(ms), text);
});

test('amounts have the digits of their currency', () => {
  assert.equal(money({ amount: 12_000, currency: 'EUR' }), '€120.00');
  assert.match(money({ amount: 500, currency: 'JPY' }), /500$/);
  assert.match(money({ amount: 1_234, currency: 'KWD' }), /1\.234$/);
  assert.equal(
    sums([
      { amount: 100, currency: 'EUR' },
      null,
      { amount: 250, currency: 'EUR' },
      { amount: 90_000, currency: 'GBP' },
    ]),
    '£900.00 + €3.50',
  );
  assert.equal(sums([null]), '');
});

test('ids are cut where they are opaque', () => {
  assert.equal(short('7f3a91c2-4be0-7d15-9c3e-20f8e1b6a441'), '7f3a91c2');
  assert.equal(short('ticket-7'), 'ticket-7');
  assert.equal(short('0MWW7EAUG-003PX-AYFL'), '3PX-AYFL');
});

test('partitions are named by ranges', () => {
  assert.equal(partitionNames([2, 0, 1, 5]), 'P00–P02, P05');
  assert.equal(partitionNames([]), '');
});
