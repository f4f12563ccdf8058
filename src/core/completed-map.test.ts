import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CompletedMap, completedText, METADATA_LENGTH_MAX } from './completed-map.ts';
import { type Run, Watermark } from './watermark.ts';

const single = (offset: number): Run => [offset, offset + 1];

test('what is completed is read back, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 50 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 200 })), {
        maxLength: 60,
      }),
      (watermark, runs) => {
        const completed: number[] = [];
        const completedRuns: Run[] = [];
        let at = watermark + 1;
        for (const [gap, length] of runs) {
          at += gap;
          completedRuns.push([at, at + length]);
          for (let each = 0; each < length; each += 1) completed.push(at++);
        }
        const map = new CompletedMap(watermark, completedText(watermark, completedRuns));
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
  const text = completedText(4, completed.map(single));
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
      const map = new CompletedMap(0, completedText(0, completed.map(single)));
      for (let offset = 0; offset < asked; offset += 1) map.has(offset);
      const left = completed.filter((offset) => offset >= asked);
      const again = new CompletedMap(asked, completedText(asked, map.runsFrom(asked)));
      assert.equal(again.size, left.length);
      assert.ok(left.every((offset) => again.has(offset)));
    }),
  );
});

test('what a watermark says is closed above an open offset is read back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 80 }), (given) => {
      const watermark = new Watermark(0);
      let offset = -1;
      const closed = new Set<number>();
      for (const [hole, isOpen] of given) {
        offset += 1 + hole;
        if (isOpen) watermark.open(offset);
        else watermark.pass(offset);
        if (!isOpen) closed.add(offset);
      }
      const ready = watermark.ready ?? 0;
      const runs = [...watermark.closedRuns()];
      const map = new CompletedMap(ready, completedText(ready, runs));
      const beyond = [...closed].filter((each) => each > ready);
      assert.equal(map.size, watermark.openCount === 0 ? 0 : beyond.length);
      if (watermark.openCount > 0)
        for (let each = ready; each <= offset; each += 1) assert.equal(map.has(each), closed.has(each));
      assert.ok(runs.every(([from], place) => place === 0 || from > (runs[place - 1]?.[1] ?? 0)));
    }),
  );
});
