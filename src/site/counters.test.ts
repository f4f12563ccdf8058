import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Counters } from './counters.ts';
import type { JournalLine } from './journal.ts';

let at = 0;
const line = (event: JournalLine['event'], key: string, over: Partial<JournalLine> = {}): JournalLine => ({
  at: ++at,
  event,
  key,
  kind: 'execute',
  location: 'a',
  slot: 1,
  token: '1',
  ...over,
});
const done = (key: string, over: Partial<JournalLine> = {}) =>
  line('ended', key, { outcome: 'done', ...over });

function count(lines: readonly JournalLine[], concurrency = 1) {
  const counters = new Counters(() => concurrency);
  for (const each of lines) counters.add(each);
  return counters.snapshot();
}

describe('Counters', () => {
  it('sees two effects at one location at once, and none side by side at two', () => {
    const both = [line('started', 'x'), line('started', 'y'), done('x'), done('y')];
    assert.equal(count(both).overlaps, 1);
    assert.equal(count(both, 2).overlaps, 0);
    assert.deepEqual(count(both, 2).crowded, { a: [1] });
    const apart = [
      line('started', 'x'),
      line('started', 'y', { location: 'b' }),
      done('x'),
      done('y', { location: 'b' }),
    ];
    assert.equal(count(apart).overlaps, 0);
    assert.equal(count([line('started', 'x'), done('x'), line('started', 'y'), done('y')]).overlaps, 0);
  });

  it('sees an effect begin while another is being undone', () => {
    const lines = [
      line('started', 'x'),
      done('x'),
      line('started', 'x', { kind: 'reverse' }),
      line('started', 'y'),
    ];
    assert.equal(count(lines).overlaps, 1);
    assert.equal(count(lines).open, 2);
    assert.equal(count([...lines.slice(0, 3), line('reversed', 'x'), line('started', 'y')]).overlaps, 0);
  });

  it('counts a key that was effected more than once, once', () => {
    const once = [line('started', 'x'), done('x')];
    assert.equal(count(once).doubled, 0);
    assert.equal(count([...once, ...once]).doubled, 1);
    assert.equal(count([...once, ...once, ...once]).doubled, 1);
    assert.equal(
      count([...once, line('started', 'x', { kind: 'reverse' }), line('reversed', 'x')]).doubled,
      0,
    );
  });

  it('adds up money: dispensed minus given back', () => {
    const evidence = { receipt: 'r', notes: { '5000': 2, '500': 1 } };
    const paid = [line('started', 'x', { evidence }), done('x', { evidence })];
    assert.equal(count(paid).paid, 10_500);
    const back = [
      ...paid,
      line('started', 'x', { kind: 'reverse' }),
      line('reversed', 'x', { kind: 'reverse' }),
    ];
    assert.equal(count(back).paid, 0);
    assert.equal(count(back).reversed, 1);
  });

  it('counts refusals, tombstones, fenced requests and spoiled answers as what they are', () => {
    const lines = [
      line('call', 'x'),
      line('ended', 'x', { outcome: 'refused' }),
      line('answer', 'x', { outcome: 'refused' }),
      line('call', 'y', { kind: 'reverse' }),
      line('reversed', 'y', { kind: 'reverse' }),
      line('answer', 'y', { kind: 'reverse', outcome: 'lost' }),
      line('call', 'z'),
      line('fenced', 'z', { mark: '7' }),
    ];
    assert.deepEqual(count(lines), {
      calls: 3,
      effects: 0,
      refused: 1,
      reversed: 0,
      overlaps: 0,
      crowded: {},
      doubled: 0,
      open: 0,
      fenced: 1,
      spoiled: 1,
      paid: 0,
    });
  });
});
