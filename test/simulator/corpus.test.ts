/** Worlds that once failed keep every promise now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOfText, runPlan } from '../../src/sim/exhaustive.ts';
import { Scenario } from '../../src/sim/scenario.ts';
import { CORPUS, PLANS } from './corpus.ts';

for (const { what, options } of CORPUS)
  test(`seed ${options.seed}: ${what}`, async () => {
    const { violations } = await new Scenario(options).run();
    assert.deepEqual(violations, []);
  });

for (const { what, plan } of PLANS)
  test(`${plan}: ${what}`, async () => {
    const { happened, report } = await runPlan(planOfText(plan));
    assert.deepEqual([report.violations, happened], [[], true]);
  });
