import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EVENTS,
  FINAL_STATES,
  HOLDING_STATES,
  isFinal,
  isHolding,
  isLegal,
  isLegalChange,
  STATES,
  TRANSITIONS,
} from './states.ts';

test('nothing leads out of a final state', () => {
  for (const from of FINAL_STATES) {
    for (const to of STATES) {
      assert.equal(isLegalChange(from, to), false);
      for (const event of EVENTS) assert.equal(isLegal(from, event, to), false);
    }
  }
});

test('nothing goes back to received, and nothing holds a slot without a begin', () => {
  for (const { from, event, to } of TRANSITIONS) {
    if (to === 'received') assert.deepEqual([from, event], ['none', 'park']);
    if ((from === 'none' || from === 'received') && isHolding(to)) assert.equal(event, 'begin');
  }
});

test('every state but the finals can be left, every state is reached, every event happens', () => {
  const reached = new Set(TRANSITIONS.map(({ to }) => to));
  const left = new Set(TRANSITIONS.map(({ from }) => from));
  const happens = new Set(TRANSITIONS.map(({ event }) => event));
  for (const state of STATES) {
    assert.ok(reached.has(state), state);
    assert.equal(left.has(state), !isFinal(state), state);
  }
  for (const event of EVENTS) assert.ok(happens.has(event), event);
});

test('each transition is listed once and is legal by both questions', () => {
  const seen = new Set<string>();
  for (const { from, event, to } of TRANSITIONS) {
    assert.ok(isLegal(from, event, to) && isLegalChange(from, to));
    const name = `${from} ${event} ${to}`;
    assert.equal(seen.has(name), false, name);
    seen.add(name);
  }
});

test('from each holding state the way to an end is open', () => {
  for (const state of HOLDING_STATES) {
    const ends = TRANSITIONS.some(({ from, to }) => from === state && isFinal(to));
    assert.ok(ends, state);
  }
});
