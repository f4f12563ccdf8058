/** The short chaos run of every test run: the seed is fixed, so that a failure can be looked at with the same faults. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runChaos } from './run.ts';

const SEED = 8;
const TRANSACTIONS_MIN = 20_000;
const FAULTS_MIN = 40;
const FAILURES_TOLD = 20;
const TIMEOUT_MS = 600_000;

describe('chaos', { timeout: TIMEOUT_MS }, () => {
  it('whatever breaks, every transaction ends exactly once, recorded', async (context) => {
    const pages = await mkdtemp(join(tmpdir(), 'signalbox-chaos-'));
    const told: string[] = [];
    const found = await runChaos({
      seed: SEED,
      minutes: 2.8,
      workers: 4,
      locations: 300,
      rate: 150,
      armsPerPoint: 2,
      pages,
      say: (line) => void told.push(line),
    });
    if ('skip' in found) return context.skip(found.skip);
    const passed = found.failures.length === 0;
    // Not in the message of the assertion: the test runner takes for ever over one of so many lines.
    for (const line of passed ? [] : [...told, ...found.stories]) context.diagnostic(line);
    for (const line of found.summary) context.diagnostic(line);
    assert.ok(passed, found.failures.slice(0, FAILURES_TOLD).join('\n'));
    assert.ok(found.transactions >= TRANSACTIONS_MIN, `${found.transactions} transactions`);
    assert.ok(found.faults >= FAULTS_MIN, `${found.faults} faults`);
    await rm(pages, { recursive: true });
  });
});
