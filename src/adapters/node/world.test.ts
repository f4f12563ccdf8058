import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { realWorld } from './world.ts';

const world = realWorld();

/** Keeps this process alive while its unref'd timers run. */
async function alive<T>(work: Promise<T>): Promise<T> {
  const keep = setInterval(() => {}, 1_000);
  try {
    return await work;
  } finally {
    clearInterval(keep);
  }
}

test('the clocks are the wall clock and a monotonic one', () => {
  assert.ok(Math.abs(world.now() - Date.now()) < 1_000);
  const first = world.monotonic();
  assert.ok(world.monotonic() >= first);
});

test('after runs once, not before its time', async () => {
  const started = performance.now();
  await alive(new Promise<void>((resolve) => world.after(20, resolve)));
  assert.ok(performance.now() - started >= 19);
});

test('a cancelled timer does not run', async () => {
  let ran = false;
  world.after(1, () => (ran = true)).cancel();
  await alive(new Promise<void>((resolve) => world.after(10, resolve)));
  assert.equal(ran, false);
});

test('a time above 2^31 ms does not fire at once', async () => {
  let ran = false;
  const timer = world.after(2 ** 40, () => (ran = true));
  await alive(new Promise<void>((resolve) => world.after(10, resolve)));
  timer.cancel();
  assert.equal(ran, false);
});

test('soon runs after the microtasks of this turn', async () => {
  const order: string[] = [];
  const ran = new Promise<void>((resolve) =>
    world.soon(() => {
      order.push('soon');
      resolve();
    }),
  );
  await Promise.resolve().then(() => order.push('microtask'));
  await ran;
  assert.deepEqual(order, ['microtask', 'soon']);
});

test('random is in [0, 1)', () => {
  for (let index = 0; index < 100; index += 1) {
    const drawn = world.random();
    assert.ok(drawn >= 0 && drawn < 1);
  }
});

test('a timer does not keep the process alive', () => {
  const source = `import { realWorld } from ${JSON.stringify(import.meta.resolve('./world.ts'))};
realWorld().after(60_000, () => {});`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', source], { timeout: 20_000 });
  assert.equal(child.error, undefined);
  assert.equal(child.status, 0);
});
