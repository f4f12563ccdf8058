import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { siteOptionsFrom } from './flags.ts';

describe('siteOptionsFrom', () => {
  it('reads every flag', () => {
    const args =
      '--directory d --port 8099 --host :: --seed s --locations a,b --concurrency 2 --concurrency-at a=3 ' +
      '--concurrency-at b=4 --refill-ms 5 --notes-per-cassette 6 --delay-ms 50-800 --slow-ms 9 --refusal-rate 0.5';
    assert.deepEqual(siteOptionsFrom(args.split(' ')), {
      directory: 'd',
      port: 8_099,
      host: '::',
      seed: 's',
      locations: ['a', 'b'],
      concurrency: 2,
      concurrencyAt: { a: 3, b: 4 },
      dispenser: { refillMs: 5, notesPerCassette: 6 },
      delayMs: [50, 800],
      slowMs: [9, 9],
      refusalRate: 0.5,
    });
  });

  it('needs only the directory', () => {
    assert.deepEqual(siteOptionsFrom(['--directory', 'd']), {
      directory: 'd',
      port: 0,
      host: '127.0.0.1',
      seed: '1',
      concurrencyAt: {},
      dispenser: {},
    });
  });

  it('says SB-5002 with the flag that is wrong', () => {
    for (const [args, detail] of [
      ['--port 1', /--directory/],
      ['--directory d --port x', /--port/],
      ['--directory d --port', /--port/],
      ['--directory d --delay-ms 5-', /--delay-ms/],
      ['--directory d --concurrency-at a', /--concurrency-at/],
      ['--directory d --unheard 1', /--unheard/],
    ] as const) {
      assert.throws(() => siteOptionsFrom(args.split(' ')), { code: 'SB-5002', detail });
    }
  });
});
