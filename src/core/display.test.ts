import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Display, labelOf, moneyOf, PLAIN_DISPLAY, redact } from './display.ts';

const display = (more: Partial<Display>): Display => ({ ...PLAIN_DISPLAY, ...more });

describe('amounts', () => {
  test('minor units with a currency', () => {
    const payload = { id: 'a', data: { amount: 12_000, currency: 'EUR' } };
    assert.deepEqual(moneyOf(payload, PLAIN_DISPLAY), { amount: 12_000, currency: 'EUR' });
    assert.deepEqual(moneyOf({ amount: 5, currency: 'USD' }, PLAIN_DISPLAY), { amount: 5, currency: 'USD' });
  });

  test('nothing else is taken for one', () => {
    for (const data of [
      { amount: 1.5, currency: 'EUR' },
      { amount: '5', currency: 'EUR' },
      { amount: 5, currency: 'euro' },
      { amount: 2 ** 60, currency: 'EUR' },
      {},
    ]) {
      assert.equal(moneyOf({ data }, PLAIN_DISPLAY), null);
    }
    assert.equal(moneyOf(null, PLAIN_DISPLAY), null);
    assert.equal(moneyOf({ data: { constructor: 1 } }, display({ amount: 'data.toString' })), null);
  });

  test('a label from the data', () => {
    assert.equal(labelOf({ data: { box: { number: 7 } } }, display({ label: 'data.box.number' })), '7');
    assert.equal(labelOf({ data: {} }, display({ label: 'data.box' })), null);
  });
});

describe('redaction', () => {
  test('named fields are hidden in a copy, in lists too', () => {
    const payload = { id: 'a', data: { card: { pan: '4111', exp: '01' }, lines: [{ pin: 1 }, { pin: 2 }] } };
    const before = structuredClone(payload);
    const hidden = redact(
      payload,
      'data',
      display({ redact: ['data.card.pan', 'data.lines.pin', 'data.no'] }),
    );
    assert.deepEqual(hidden, {
      value: {
        id: 'a',
        data: {
          card: { pan: '[redacted]', exp: '01' },
          lines: [{ pin: '[redacted]' }, { pin: '[redacted]' }],
        },
      },
      fields: 2,
    });
    assert.deepEqual(payload, before);
  });

  test('evidence has its own paths, a bare payload is the data', () => {
    const rules = display({ redact: ['evidence.debit.account', 'data.pan'] });
    assert.deepEqual(redact({ debit: { account: 1, ok: 2 } }, 'evidence', rules).value, {
      debit: { account: '[redacted]', ok: 2 },
    });
    assert.deepEqual(redact({ pan: '4111' }, 'data', rules), { value: { pan: '[redacted]' }, fields: 1 });
    assert.deepEqual(redact('text', 'data', rules), { value: 'text', fields: 0 });
  });
});
