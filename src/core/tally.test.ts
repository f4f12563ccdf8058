import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Tally } from './tally.ts';

const broken = { code: 'SB-5006' };

test('a duplicate is counted by the commit whose watermark passes it, once', () => {
  const tally = new Tally();
  tally.add(9);
  tally.add(3);
  tally.add(5);
  assert.deepEqual(
    [3, 4, 6, 10].map((watermark) => tally.passed(watermark)),
    [0, 1, 2, 3],
  );
  tally.confirm(6);
  assert.equal(tally.passed(6), 0);
  assert.equal(tally.passed(10), 1);
});

test('without a watermark nothing is counted or confirmed', () => {
  const tally = new Tally();
  tally.add(0);
  assert.equal(tally.passed(null), 0);
  tally.confirm(null);
  assert.equal(tally.passed(1), 1);
});

test('a lost commit: read back from before it, the number is carried again; from it, it is not', () => {
  for (const landed of [false, true]) {
    const tally = new Tally();
    tally.add(3);
    tally.confirm(3);
    assert.equal(tally.passed(4), 1);
    tally.confirm(landed ? 4 : 3);
    assert.equal(tally.passed(4), landed ? 0 : 1);
  }
});

test('misuse is an assertion', () => {
  const tally = new Tally();
  tally.add(7);
  assert.throws(() => tally.add(7), broken);
  tally.confirm(8);
  assert.throws(() => tally.add(7), broken);
  tally.confirm(3);
  assert.throws(() => tally.add(7), broken, 'an older watermark does not bring it back');
});

/**
 * A partition with duplicates at some offsets is worked through by workers that crash: each commit may land, be
 * lost and have landed, be lost and not have landed, or be the worker's last. The ledger's counter is exact.
 */
test('the counter of the ledger is exact whatever crashes and lost answers there are', () => {
  const fate = fc.constantFrom('landed', 'lost landed', 'lost', 'crash landed', 'crash');
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.infiniteStream(fate),
      fc.nat(),
      (records, fates, step) => {
        const ledger = { watermark: 0, duplicates: 0 };
        let commits = 0;
        let tally = new Tally();
        let position = 0;
        while (ledger.watermark < records.length) {
          const next = Math.min(records.length, position + 1 + ((step + commits) % 5));
          for (; position < next; position++) if (records[position]) tally.add(position);
          const how = commits++ > 200 ? 'landed' : (fates.next().value ?? 'landed');
          if (how.endsWith('landed')) {
            ledger.duplicates += tally.passed(position);
            ledger.watermark = position;
          }
          if (how.startsWith('crash')) {
            tally = new Tally();
            position = ledger.watermark;
          } else {
            tally.confirm(ledger.watermark);
          }
        }
        assert.equal(ledger.duplicates, records.filter(Boolean).length);
      },
    ),
    { numRuns: 300, seed: 20_251_125 },
  );
});
