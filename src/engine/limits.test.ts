import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Limits } from './limits.ts';
import type { LocationLimit } from './ports-ledger.ts';

const limit = (location: string, concurrency: number | null, paused = false): LocationLimit => ({
  location,
  concurrency,
  paused,
});

test('the very location, then the more exact pattern, then the configuration', () => {
  const limits = new Limits(() => 1);
  assert.equal(limits.apply([limit('depot-*', 4), limit('depot-1*', 5), limit('depot-11', 6)]), true);
  const slots = ['atm-1', 'depot-2', 'depot-12', 'depot-11'].map((location) => limits.slotsOf(location));
  assert.deepEqual(slots, [1, 4, 5, 6]);
  assert.equal(
    limits.concurrencyWithoutRow('depot-11'),
    5,
    'the ledger knows the row of the location itself',
  );
});

test('a pause of the location or of any pattern that fits holds; a limit beside it does not lift it', () => {
  const limits = new Limits(() => 2);
  limits.apply([limit('a-*', null, true), limit('a-1', 3), limit('b-1', null, true)]);
  assert.deepEqual(
    ['a-1', 'a-2', 'b-1', 'b-2'].map((location) => limits.slotsOf(location)),
    [0, 0, 0, 2],
  );
});

test('what is taken back is as it was before, and only what differs is a change', () => {
  const limits = new Limits(() => 1);
  assert.equal(limits.apply([limit('a', null)]), false, 'nothing was set');
  assert.equal(limits.apply([limit('a', 2), limit('b*', null, true)]), true);
  assert.equal(limits.apply([limit('a', 2), limit('b*', null, true)]), false);
  assert.equal(limits.apply([limit('a', null), limit('b*', null)]), true);
  assert.deepEqual([limits.slotsOf('a'), limits.slotsOf('b1')], [1, 1]);
});
