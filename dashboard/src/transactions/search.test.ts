import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idIn, searchOf, withField } from './search.ts';

test('words become a search', () => {
  assert.deepEqual(
    searchOf('location:ATM-1 state:held,nothing code:sb-4101 from:2026-11-25T12:00Z type:withdraw'),
    {
      states: ['held'],
      location: 'ATM-1',
      code: 'SB-4101',
      from: '2026-11-25T12:00:00.000Z',
      type: 'withdraw',
    },
  );
  assert.deepEqual(searchOf('from:never code:x'), { states: [] });
});

test('one word that is no field is an id', () => {
  assert.equal(idIn('7f3a91c2'), '7f3a91c2');
  assert.equal(idIn('state:held'), null);
  assert.equal(idIn('a b'), null);
  assert.equal(idIn('state:held abc'), null);
  assert.equal(idIn(''), null);
});

test('a field is set and taken out', () => {
  assert.equal(withField('type:cash state:held', 'state', 'completed'), 'type:cash state:completed');
  assert.equal(withField('state:held', 'state', ''), '');
});
