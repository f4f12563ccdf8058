import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CompletedMap, completedText, METADATA_LENGTH_MAX } from './completed-map.ts';
import { SPAN_MAX } from './watermark.ts';

test('what is completed is read back, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 50 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 200 })), {
        maxLength: 60,
      }),
      (watermark, runs) => {
        const completed: number[] = [];
        let at = watermark + 1;
        for (const [gap, length] of runs) {
          at += gap;
          for (let each = 0; each < length; each += 1) completed.push(at++);
        }
        const map = new CompletedMap(watermark, completedText(watermark, completed));
        const set = new Set(completed);
        assert.equal(map.size, set.size);
        for (let offset = watermark; offset < at + 5; offset += 1)
          assert.equal(map.has(offset), set.has(offset));
      },
    ),
  );
});

test('no more than fits: the first ones count, the rest is repeated', () => {
  const completed = Array.from({ length: 100_000 }, (_, index) => 5 + index * 2);
  const text = completedText(4, completed);
  assert.ok(text.length <= METADATA_LENGTH_MAX && text.length > METADATA_LENGTH_MAX * 0.9);
  const map = new CompletedMap(4, text);
  assert.ok(map.size > 1_000);
  const last = 5 + (map.size - 1) * 2;
  for (const offset of completed.slice(0, map.size + 10)) assert.equal(map.has(offset), offset <= last);
});

test('nothing, and what is not ours, is nothing completed', () => {
  assert.equal(completedText(7, []), '');
  for (const metadata of ['', 'x', '1:', '1:!!!', '2:AQE', '1:gA', '1:AQ', '1:____________________'])
    assert.equal(new CompletedMap(7, metadata).size, 0, metadata);
});

test('what is not asked yet is still said, so that it can be written down again', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 80 }), fc.nat(80), (open, asked) => {
      const completed = open.flatMap((each, offset) => (each ? [] : [offset + 1]));
      const map = new CompletedMap(0, completedText(0, completed));
      for (let offset = 0; offset < asked; offset += 1) map.has(offset);
      const left = completed.filter((offset) => offset >= asked);
      assert.deepEqual([...map.completedFrom(asked)], left);
      assert.equal(new CompletedMap(asked, completedText(asked, left)).size, left.length);
    }),
  );
  const endless = new CompletedMap(0, '1:AP____8P');
  assert.ok(endless.size > 2 * SPAN_MAX);
  assert.equal([...endless.completedFrom(0)].length, SPAN_MAX);
});
