import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SPAN_MAX, Watermark } from './watermark.ts';

const broken = { code: 'SB-5006' };

test('before the first batch nothing is ready', () => {
  const watermark = new Watermark(null);
  assert.equal(watermark.ready, null);
  watermark.advance(0);
  assert.equal(watermark.ready, 0);
});

test('ready is the lowest open offset, else the position past the holes', () => {
  const watermark = new Watermark(10);
  assert.equal(watermark.ready, 10);
  const first = watermark.open(12);
  const second = watermark.open(15);
  watermark.advance(20);
  assert.deepEqual([watermark.ready, watermark.openCount, watermark.span], [12, 2, 2]);
  watermark.close(second);
  assert.deepEqual([watermark.ready, watermark.openCount, watermark.span], [12, 1, 2]);
  watermark.close(first);
  assert.deepEqual([watermark.ready, watermark.openCount, watermark.span], [20, 0, 0]);
});

test('ready does not pass the last record before the log says what follows it', () => {
  const watermark = new Watermark(null);
  watermark.close(watermark.open(7));
  assert.equal(watermark.ready, 7);
  watermark.advance(8);
  assert.equal(watermark.ready, 8);
});

/**
 * Every order of opening 4 records (offsets with holes), closing them and advancing between batches. The state is
 * a list of what happened; the expected `ready` is computed from it without a ring.
 */
test('every order of opens, closes and advances of 4 records', () => {
  const offsets = [3, 4, 7, 12];
  let walks = 0;
  const walk = (path: readonly string[]): void => {
    walks++;
    const watermark = new Watermark(2);
    const open = new Map<number, number>();
    let opened = 0;
    let position = 2;
    let ready = 2;
    let advanced = true;
    for (const step of path) {
      if (step === 'open') {
        const offset = offsets[opened++] ?? -1;
        open.set(offset, watermark.open(offset));
        position = offset;
        advanced = false;
      } else if (step === 'advance') {
        position = (offsets[opened - 1] ?? 2) + 1;
        watermark.advance(position);
        advanced = true;
      } else {
        const offset = Number(step);
        watermark.close(open.get(offset) ?? -1);
        open.delete(offset);
      }
      const expected = Math.min(position, ...open.keys());
      assert.equal(watermark.ready, expected, path.join(' '));
      assert.ok(expected >= ready, 'ready never shrinks');
      assert.equal(watermark.openCount, open.size);
      ready = expected;
    }
    if (opened < offsets.length) walk([...path, 'open']);
    if (!advanced) walk([...path, 'advance']);
    for (const offset of open.keys()) walk([...path, String(offset)]);
  };
  walk([]);
  assert.ok(walks > 10_000, `${walks} walks`);
});

test('any order over thousands of records: never past an open offset, never back, all closed at the end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
      (count, randoms) => {
        const random = (): number => randoms.next().value ?? 0;
        const watermark = new Watermark(null);
        const open: { offset: number; ticket: number }[] = [];
        let offset = 0;
        let left = count;
        let ready = 0;
        while (left > 0 || open.length > 0) {
          if (left > 0 && (open.length === 0 || random() < 0.6)) {
            offset += 1 + Math.floor(random() * 3);
            open.push({ offset, ticket: watermark.open(offset) });
            left--;
            if (random() < 0.1) watermark.advance(offset + 1);
          } else {
            const [closed] = open.splice(Math.floor(random() * open.length), 1);
            assert.ok(closed);
            watermark.close(closed.ticket);
          }
          const lowest = Math.min(...open.map((record) => record.offset));
          const now = watermark.ready ?? -1;
          assert.ok(now <= lowest && now >= ready);
          ready = now;
        }
        watermark.advance(offset + 5);
        assert.equal(watermark.ready, offset + 5);
        assert.equal(watermark.span, 0);
      },
    ),
    { numRuns: 30, seed: 20_251_125 },
  );
});

test('the ring grows to its bound and no further', () => {
  const watermark = new Watermark(0);
  const first = watermark.open(0);
  for (let offset = 1; offset < SPAN_MAX; offset++) watermark.close(watermark.open(offset));
  assert.equal(watermark.ready, 0);
  assert.deepEqual([watermark.openCount, watermark.span], [1, SPAN_MAX]);
  assert.throws(() => watermark.open(SPAN_MAX), broken);
  watermark.close(first);
  watermark.advance(SPAN_MAX);
  assert.equal(watermark.ready, SPAN_MAX);
  assert.equal(watermark.open(SPAN_MAX), SPAN_MAX, 'tickets go on');
});

test('misuse is an assertion', async (t) => {
  const cases: Record<string, (watermark: Watermark) => void> = {
    'the same offset again': (watermark) => void watermark.open(5),
    'an offset below': (watermark) => void watermark.open(4),
    'no offset': (watermark) => void watermark.open(5.5),
    'a ticket never given': (watermark) => watermark.close(1),
    'a ticket closed twice': (watermark) => {
      watermark.close(0);
      watermark.close(0);
    },
    'a ticket closed twice while an earlier one is open': (watermark) => {
      const ticket = watermark.open(6);
      watermark.close(ticket);
      watermark.close(ticket);
    },
    'a position at the last record': (watermark) => watermark.advance(5),
    'an offset below the position': (watermark) => {
      watermark.advance(10);
      watermark.open(9);
    },
    'a position that moves back': (watermark) => {
      watermark.advance(10);
      watermark.advance(9);
    },
    'a negative first position': () => void new Watermark(-1),
  };
  for (const [name, run] of Object.entries(cases)) {
    await t.test(name, () => {
      const watermark = new Watermark(0);
      watermark.open(5);
      assert.throws(() => run(watermark), broken);
    });
  }
});
