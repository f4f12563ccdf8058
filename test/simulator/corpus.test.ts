/** Worlds that once failed keep every promise now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario } from '../../src/sim/scenario.ts';
import { CORPUS } from './corpus.ts';

for (const { what, options } of CORPUS)
  test(`seed ${options.seed}: ${what}`, async () => {
    const { violations } = await new Scenario(options).run();
    assert.deepEqual(violations, []);
  });
