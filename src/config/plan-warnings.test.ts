import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepConfig, TypeConfig } from './config.ts';
import { planWarnings } from './plan-warnings.ts';

const step = (name: string, over: Partial<StepConfig> = {}): StepConfig => ({
  name,
  participant: 'p',
  timeoutMs: 1,
  irreversible: false,
  canRefuse: true,
  ...over,
});
const irreversible = { irreversible: true };

function warnings(...steps: StepConfig[]): string[] {
  const withdraw: TypeConfig = { version: 2, deadlineMs: 1, steps, display: null, earlier: [] };
  return planWarnings({ types: { withdraw } }).map(({ code, detail }) => `${code} ${detail}`);
}

test('an irreversible step before one that can refuse is warned of', () => {
  const found = warnings(step('reserve'), step('dispense', irreversible), step('book'));
  assert.deepEqual(found, ['SB-5010 withdraw version 2: dispense before book']);
});

test('an irreversible step at the end, or before steps that never refuse, is as it should be', () => {
  assert.deepEqual(warnings(step('reserve'), step('dispense', irreversible)), []);
  const book = step('book', { canRefuse: false });
  assert.deepEqual(warnings(step('reserve'), step('dispense', irreversible), book), []);
  assert.deepEqual(warnings(step('reserve'), step('book')), []);
  assert.deepEqual(planWarnings({ types: null }), []);
});
