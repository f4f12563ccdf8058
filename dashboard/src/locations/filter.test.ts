import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasState, parametersOf, withState, withWaiting } from './filter.ts';

test('words become parameters, anything else is part of the name', () => {
  assert.deepEqual(parametersOf('state:held,in-doubt,x waiting:>0 partition:7 ATM'), {
    states: 'held,in_doubt',
    waiting: 'true',
    partition: '7',
    q: 'ATM',
  });
  assert.deepEqual(parametersOf('waiting:0 partition:x from:A to:B'), {
    waiting: 'false',
    from: 'A',
    to: 'B',
  });
  assert.deepEqual(parametersOf('  '), {});
});

test('chips write the text, and take it out again', () => {
  let text = withState('ATM', 'held');
  assert.equal(text, 'state:held ATM');
  text = withState(text, 'paused');
  assert.equal(text, 'state:held,paused ATM');
  assert.ok(hasState(text, 'paused'));
  assert.equal(withState(withState(text, 'held'), 'paused'), 'ATM');
  assert.equal(withWaiting(withWaiting('ATM')), 'ATM');
});
