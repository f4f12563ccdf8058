import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRfc3339 } from './rfc3339.ts';

test('the examples of RFC 3339, section 5.8', () => {
  assert.equal(parseRfc3339('1985-04-12T23:20:50.52Z'), Date.UTC(1985, 3, 12, 23, 20, 50, 520));
  assert.equal(parseRfc3339('1996-12-19T16:39:57-08:00'), Date.UTC(1996, 11, 20, 0, 39, 57));
  assert.equal(parseRfc3339('1990-12-31T23:59:60Z'), Date.UTC(1991, 0, 1));
  assert.equal(parseRfc3339('1990-12-31T15:59:60-08:00'), Date.UTC(1991, 0, 1));
  assert.equal(parseRfc3339('1937-01-01T12:00:27.87+00:20'), Date.UTC(1937, 0, 1, 11, 40, 27, 870));
});

test('what the form allows', () => {
  const noon = Date.UTC(2026, 10, 25, 12);
  for (const text of [
    '2026-11-25t12:00:00z',
    '2026-11-25T12:00:00-00:00',
    '2026-11-25T12:00:00.0009999999999999999Z',
    '2026-11-26T11:59:00+23:59',
  ]) {
    assert.equal(parseRfc3339(text), noon, text);
  }
  assert.equal(parseRfc3339('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29));
  assert.equal(parseRfc3339('0001-01-01T00:00:00Z'), -62_135_596_800_000);
  assert.equal(parseRfc3339('0000-03-01T00:00:00Z'), -62_162_035_200_000);
  assert.equal(parseRfc3339('9999-12-31T23:59:59.999Z'), 253_402_300_799_999);
  assert.equal(parseRfc3339('1969-12-31T23:59:59.5Z'), -500);
});

test('what it does not', () => {
  for (const text of [
    '',
    '2026-11-25',
    '2026-11-25T10:00:00',
    '2026-11-25 10:00:00Z',
    '2026-11-25T10:00Z',
    '2026-11-25T10:00:00+0100',
    '2026-11-25T10:00:00+01',
    '2026-11-25T10:00:00.Z',
    '2026-11-25T10:00:00,5Z',
    '2026-1-25T10:00:00Z',
    '12026-11-25T10:00:00Z',
    '-2026-11-25T10:00:00Z',
    ' 2026-11-25T10:00:00Z',
    '2026-11-25T10:00:00Z\n',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-04-00T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-11-25T24:00:00Z',
    '2026-11-25T10:60:00Z',
    '2026-11-25T10:00:61Z',
    '2026-11-25T10:00:60Z',
    '2026-11-25T23:59:60+01:00',
    '2026-11-25T10:00:00+24:00',
    '2026-11-25T10:00:00+01:60',
    '２026-11-25T10:00:00Z',
  ]) {
    assert.equal(parseRfc3339(text), null, JSON.stringify(text));
  }
});

test('agrees with Date over all days, at any offset', () => {
  const offset = fc.integer({ min: -1_439, max: 1_439 });
  const time = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(time, offset, (date, minutes) => {
      const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1);
      const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
      const sign = minutes < 0 ? '-' : '+';
      const text = `${local}${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
      assert.equal(parseRfc3339(text), date.getTime(), text);
    }),
    { seed: 20260115 },
  );
});
