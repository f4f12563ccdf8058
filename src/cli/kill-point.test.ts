import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KILLED_AT, killPoint } from './kill-point.ts';

function armed(setting: string) {
  const done: string[] = [];
  const passing = killPoint(setting, { kill: () => done.push('kill'), say: (line) => done.push(line) });
  assert.ok(passing !== null);
  return { passing, done };
}

describe('kill point', () => {
  it('is absent without the setting', () => {
    assert.equal(killPoint(undefined), null);
    assert.equal(killPoint(''), null);
  });

  it('says so and kills at the n-th passing of its point, once', () => {
    const { passing, done } = armed('calling:2');
    for (const point of ['calling', 'called', 'committing'] as const) passing(point);
    assert.deepEqual(done, []);
    passing('calling');
    const line = `${JSON.stringify({ msg: KILLED_AT, point: 'calling', passing: 2 })}\n`;
    assert.deepEqual(done, [line, 'kill']);
    passing('calling');
    assert.equal(done.length, 2);
  });

  it('refuses what it does not know', () => {
    for (const setting of ['nowhere:1', 'calling', 'calling:0', 'calling:x', ':1']) {
      assert.throws(() => killPoint(setting), { code: 'SB-5002', final: true });
    }
  });
});
