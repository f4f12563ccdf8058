import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { realWorld } from '../node/world.ts';
import { Bell } from './bell.ts';
import { Trouble } from './trouble.ts';

const error = new SignalboxError('SB-2001', 'connection refused');

test('a failure is told at once, then at most every ten seconds, and at once after a recovery', () => {
  let nowMs = 0;
  const told: number[] = [];
  const world = { ...realWorld(), monotonic: () => nowMs };
  const trouble = new Trouble({ world, tell: () => void told.push(nowMs) });
  assert.equal(trouble.problem, null);
  for (; nowMs < 25_000; nowMs += 1_000) {
    trouble.failed('group', error);
    trouble.failed('fetch', error);
  }
  assert.deepEqual(told, [0, 10_000, 20_000]);
  trouble.healed('group');
  assert.equal(trouble.problem, error, 'one of them still fails');
  trouble.healed('fetch');
  assert.equal(trouble.problem, null);
  trouble.failed('fetch', error);
  assert.deepEqual(told, [0, 10_000, 20_000, 25_000]);
});

test('a bell rung before the wait ends it at once, and only that one', async () => {
  const timers: (() => void)[] = [];
  const world = {
    ...realWorld(),
    after: (_ms: number, run: () => void) => {
      timers.push(run);
      return { cancel: () => void timers.splice(timers.indexOf(run), 1) };
    },
  };
  const bell = new Bell(world);
  bell.ring();
  bell.ring();
  await bell.wait(1_000);
  assert.equal(timers.length, 0);
  const second = bell.wait(1_000);
  assert.equal(timers.length, 1);
  bell.ring();
  await second;
  assert.equal(timers.length, 0, 'the timer is cancelled');
  const third = bell.wait(1_000);
  timers[0]?.();
  await third;
});
