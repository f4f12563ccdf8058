import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DISPENSER, Dispenser, type Notes } from './dispenser.ts';

/** The same worlds in each run. */
const SEED = 20_261_125;

const money = (notes: Notes): number =>
  Object.entries(notes).reduce((sum, [denomination, count]) => sum + Number(denomination) * count, 0);

const euros = (amount: number) => ({ amount, currency: 'EUR' });

describe('Dispenser', () => {
  it('pays with the largest notes first', () => {
    assert.deepEqual(new Dispenser().reserve('a', euros(28_500), 0), {
      notes: { '5000': 5, '2000': 1, '1000': 1, '500': 1 },
    });
  });

  it('falls back to smaller notes where large ones would leave a rest', () => {
    const dispenser = new Dispenser({ ...DISPENSER, denominations: [5_000, 2_000] });
    assert.deepEqual(dispenser.reserve('a', euros(6_000), 0), { notes: { '2000': 3 } });
    assert.deepEqual(dispenser.reserve('a', euros(11_000), 0), { notes: { '5000': 1, '2000': 3 } });
  });

  it('refuses what is no amount, what no notes make, and what does not pass the shutter', () => {
    const dispenser = new Dispenser();
    const refusals: readonly (readonly [unknown, string])[] = [
      [0, 'amount is not a positive integer in minor units'],
      [-500, 'amount is not a positive integer in minor units'],
      [500.5, 'amount is not a positive integer in minor units'],
      ['500', 'amount is not a positive integer in minor units'],
      [501, 'the amount cannot be paid in notes'],
      [505_000, 'the amount cannot be paid in notes'],
    ];
    for (const [amount, refused] of refusals) {
      assert.deepEqual(dispenser.reserve('a', euros(amount as number), 0), { refused });
    }
    assert.deepEqual(dispenser.reserve('a', { amount: 500 }, 0), { refused: 'no currency' });
  });

  it('runs down, is filled up after a while, and each location for itself', () => {
    const dispenser = new Dispenser({ denominations: [500], notesPerCassette: 2, refillMs: 100 });
    assert.deepEqual(dispenser.reserve('a', euros(1_000), 0), { notes: { '500': 2 } });
    assert.deepEqual(dispenser.reserve('a', euros(500), 10), { refused: 'not enough notes' });
    assert.deepEqual(dispenser.reserve('a', euros(500), 109), { refused: 'not enough notes' });
    assert.deepEqual(dispenser.reserve('b', euros(500), 109), { notes: { '500': 1 } });
    assert.deepEqual(dispenser.reserve('a', euros(500), 110), { notes: { '500': 1 } });
  });

  it('takes notes of a reversed withdrawal back', () => {
    const dispenser = new Dispenser({ denominations: [500], notesPerCassette: 2, refillMs: 100 });
    dispenser.reserve('a', euros(1_000), 0);
    dispenser.restore('a', 'EUR', { '500': 2 }, 0);
    assert.deepEqual(dispenser.reserve('a', euros(1_000), 0), { notes: { '500': 2 } });
  });

  it('D1 never pays another sum than asked, nor notes it does not have', () => {
    const notesPerCassette = 7;
    const amounts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 });
    fc.assert(
      fc.property(
        amounts,
        fc.uniqueArray(fc.constantFrom(1, 2, 5, 10, 20), { minLength: 1 }),
        (asked, kinds) => {
          const denominations = kinds.toSorted((a, b) => b - a);
          const dispenser = new Dispenser({ denominations, notesPerCassette, refillMs: 1e9 });
          const paid = new Map<string, number>();
          for (const amount of asked) {
            const answer = dispenser.reserve('a', euros(amount), 0);
            if ('refused' in answer) continue;
            assert.equal(money(answer.notes), amount);
            for (const [kind, count] of Object.entries(answer.notes))
              paid.set(kind, (paid.get(kind) ?? 0) + count);
          }
          for (const count of paid.values()) assert.ok(count <= notesPerCassette);
        },
      ),
      { seed: SEED },
    );
  });

  it('D1 refuses only what cannot be paid from what is left', () => {
    const payable = (amount: number, denominations: readonly number[], each: number): boolean => {
      const [first, ...rest] = denominations;
      if (amount === 0) return true;
      if (first === undefined) return false;
      for (let count = 0; count <= each && count * first <= amount; count++) {
        if (payable(amount - count * first, rest, each)) return true;
      }
      return false;
    };
    const kinds = fc.uniqueArray(fc.constantFrom(2, 3, 5, 7, 20), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        kinds,
        fc.integer({ min: 1, max: 4 }),
        (amount, list, each) => {
          const denominations = list.toSorted((a, b) => b - a);
          const dispenser = new Dispenser({ denominations, notesPerCassette: each, refillMs: 1e9 });
          const answer = dispenser.reserve('a', euros(amount), 0);
          assert.equal('notes' in answer, payable(amount, denominations, each));
        },
      ),
      { seed: SEED },
    );
  });
});
