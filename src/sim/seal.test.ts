/** A simulated world knows no real clock, and outside of it everything is as before. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { seal } from './seal.ts';
import { VirtualWorld } from './world.ts';

const REAL: readonly (readonly [name: string, use: () => unknown])[] = [
  ['Date.now', () => Date.now()],
  ['new Date', () => new Date()],
  ['Math.random', () => Math.random()],
  ['performance.now', () => performance.now()],
  ['setTimeout', () => setTimeout(() => undefined, 0)],
  ['setInterval', () => setInterval(() => undefined, 1_000).unref()],
  ['setImmediate', () => setImmediate(() => undefined)],
  ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['randomBytes of node:crypto', () => randomBytes(8)],
];

for (const [name, use] of REAL)
  test(`${name} throws in a simulated world, and works before and after it`, async () => {
    use();
    const virtual = new VirtualWorld(1);
    let thrown: unknown = null;
    virtual.after(5, () => {
      try {
        use();
      } catch (error) {
        thrown = error;
      }
    });
    let inMicrotask: unknown = null;
    virtual.after(6, () => {
      void Promise.resolve()
        .then(use)
        .catch((error: unknown) => {
          inMicrotask = error;
        });
    });
    await virtual.run(() => false, 10);
    assert.match(String(thrown), /in a simulated world: use World\./);
    assert.match(String(inMicrotask), /in a simulated world: use World\./);
    use();
  });

test('a date of a given time is no clock', () => {
  const unseal = seal();
  try {
    assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
    assert.ok(new Date(5) instanceof Date);
  } finally {
    unseal();
  }
});

test('an event that throws ends the run, and nothing stays sealed', async () => {
  const virtual = new VirtualWorld(1);
  virtual.after(1, () => {
    throw new Error('broken');
  });
  await assert.rejects(
    virtual.run(() => false, 10),
    /broken/,
  );
  assert.ok(Date.now() > 0);
});
