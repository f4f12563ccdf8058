/** What the reads say of limits is what the workers do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPattern } from '../../core/pattern.ts';
import { Limits } from '../../engine/limits.ts';
import { effectiveLimit, type LimitRow } from './read-limits.ts';

const row = (location: string, concurrency: number | null, paused: boolean): LimitRow => ({
  location,
  concurrency,
  paused,
  reason: null,
  actor: null,
});

test('its own limit first, then the pattern with more literal characters; any pause holds', () => {
  const patterns = [
    row('*', 9, false),
    row('atm-*', 5, true),
    row('atm-1?', 3, false),
    row('kiosk*', 7, true),
  ];
  const of = (location: string, own: LimitRow | null = null) => effectiveLimit(location, { own, patterns });
  assert.deepEqual(of('atm-12'), { concurrency: 3, pause: patterns[1] });
  assert.deepEqual(of('atm-2'), { concurrency: 5, pause: patterns[1] });
  assert.deepEqual(of('gate'), { concurrency: 9, pause: null });
  const own = row('atm-2', 1, true);
  assert.deepEqual(of('atm-2', own), { concurrency: 1, pause: own });
  assert.equal(of('gate', row('gate', null, false)).concurrency, 9);
});

test('as the workers apply them', () => {
  const name = fc.constantFrom('a', 'ab', 'abc', 'b', '*', 'a*', '?b*', 'a?', '*c', 'ab?');
  const limits = fc.uniqueArray(
    fc.record({
      location: name,
      concurrency: fc.option(fc.integer({ min: 1, max: 5 })),
      paused: fc.boolean(),
    }),
    { selector: ({ location }) => location },
  );
  fc.assert(
    fc.property(limits, fc.constantFrom('a', 'ab', 'abc', 'b', 'xb'), (set, location) => {
      const worker = new Limits(() => 7);
      worker.apply(set);
      const rows = set.map((limit) => row(limit.location, limit.concurrency, limit.paused));
      const { concurrency, pause } = effectiveLimit(location, {
        own: rows.find((limit) => limit.location === location) ?? null,
        patterns: rows.filter((limit) => isPattern(limit.location)),
      });
      assert.equal(pause === null ? (concurrency ?? 7) : 0, worker.slotsOf(location));
    }),
  );
});
