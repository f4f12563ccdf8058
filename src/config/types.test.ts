import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planText } from '../core/plan.ts';
import { configuredTypes } from './types.ts';

const step = { name: 'apply', participant: 'p', timeoutMs: 1_000, irreversible: false, canRefuse: true };

describe('configuredTypes', () => {
  it('knows any type without a configuration, and its own stored plan', () => {
    const types = configuredTypes({ types: null, limits: [], concurrency: 2, stepTimeoutMs: 500 });
    const plan = types.planOf('anything');
    assert.ok(plan !== null);
    assert.deepEqual(plan.steps, [
      { name: 'apply', participant: 'default', timeoutMs: 500, irreversible: false },
    ]);
    assert.equal(plan.deadlineMs, 15 * 60 * 1000);
    assert.deepEqual(types.storedPlan('anything', planText(plan)), plan);
    assert.equal(types.storedPlan('anything', '2:apply'), null);
    assert.equal(types.concurrencyOf('X'), 2);
  });

  it('begins with the current version and still knows the earlier ones', () => {
    const types = configuredTypes({
      types: {
        t: {
          version: 2,
          deadlineMs: 10,
          steps: [step],
          display: null,
          earlier: [{ version: 1, deadlineMs: 20, steps: [step, { ...step, name: 'b' }] }],
        },
      },
      limits: [],
      concurrency: 1,
      stepTimeoutMs: 500,
    });
    assert.equal(types.planOf('t')?.version, 2);
    assert.equal(types.planOf('other'), null);
    assert.equal(types.storedPlan('t', '1:apply,b')?.deadlineMs, 20);
    assert.equal(types.storedPlan('t', '2:apply')?.deadlineMs, 10);
    assert.equal(types.storedPlan('t', '3:apply'), null);
    assert.equal(types.storedPlan('u', '2:apply'), null);
  });

  it('takes the first limit that matches', () => {
    const limits = [
      { pattern: 'DEPOT-?', concurrency: 4 },
      { pattern: 'DEPOT-*', concurrency: 7 },
    ];
    const types = configuredTypes({ types: null, limits, concurrency: 1, stepTimeoutMs: 1 });
    assert.deepEqual(['DEPOT-1', 'DEPOT-12', 'ATM-1', 'XDEPOT-1'].map(types.concurrencyOf), [4, 7, 1, 1]);
  });
});
