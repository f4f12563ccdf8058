/** tools/test.ts on folders of small test files: the last line and the exit code tell the truth. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const runner = resolve(import.meta.dirname, '../../tools/test.ts');
const passing = "import test from 'node:test'; test('fine', () => {}); test('also fine', () => {});";
const failing = "import test from 'node:test'; test('bad', () => { throw new Error('no'); });";

interface Run {
  readonly status: number | null;
  readonly lines: string[];
}

/** Runs the test runner on a new folder with these files. */
function runOn(files: Readonly<Record<string, string>>, args: readonly string[] = [], ci = ''): Run {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-runner-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    // Without this variable the inner run would think that it is a file of the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(process.execPath, [runner, ...args, folder], {
      env: { ...env, CI: ci },
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, lines: stdout.trimEnd().split('\n') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('all pass', () => {
  const { status, lines } = runOn({ 'a.test.ts': passing, 'b.test.ts': passing });
  assert.equal(lines.at(-1), '4 passed, 0 failed');
  assert.equal(status, 0);
});

test('a failing test', () => {
  const { status, lines } = runOn({ 'a.test.ts': passing, 'b.test.ts': failing });
  assert.equal(lines.at(-1), '2 passed, 1 failed');
  assert.match(lines.at(-2) ?? '', /^failed: bad /);
  assert.equal(status, 1);
});

test('a file that dies', () => {
  const { status, lines } = runOn({ 'a.test.ts': passing, 'b.test.ts': 'process.exit(3);' });
  assert.equal(lines.at(-1), '2 passed, 1 failed');
  assert.equal(status, 1);
});

test('a file without tests fails', () => {
  const { status, lines } = runOn({ 'a.test.ts': passing, 'b.test.ts': '' });
  assert.equal(lines.at(-1), '2 passed, 1 failed');
  assert.match(lines.at(-2) ?? '', /has no test$/);
  assert.equal(status, 1);
});

test('suites are not counted, subtests are', () => {
  const text =
    "import { describe, test } from 'node:test';" +
    "describe('s', () => { test('outer', async (t) => { await t.test('inner', () => {}); }); });";
  const { status, lines } = runOn({ 'a.test.ts': text });
  assert.equal(lines.at(-1), '2 passed, 0 failed');
  assert.equal(status, 0);
});

test('skips are printed with their reason and are no passes', () => {
  const text = `${passing} test('later', { skip: 'no broker' }, () => {});`;
  const { status, lines } = runOn({ 'a.test.ts': text });
  assert.equal(lines.at(-1), '2 passed, 0 failed');
  assert.match(lines.at(-2) ?? '', /^skipped: later .* no broker$/);
  assert.equal(status, 0);
});

test('a run in which every test is skipped fails', () => {
  const text = "import test from 'node:test'; test('later', { skip: true }, () => {});";
  const { status, lines } = runOn({ 'a.test.ts': text });
  assert.equal(lines.at(-1), '0 passed, 1 failed');
  assert.equal(status, 1);
});

test('--grep chooses tests, and one that matches nothing fails', () => {
  const files = { 'a.test.ts': passing, 'b.test.ts': failing };
  assert.equal(runOn(files, ['--grep', '^also']).lines.at(-1), '1 passed, 0 failed');
  const { status, lines } = runOn(files, ['--grep', 'nothing has this name']);
  assert.equal(lines.at(-1), '0 passed, 1 failed');
  assert.equal(status, 1);
});

test('a folder without tests, an unknown path and an unknown option fail', () => {
  for (const run of [runOn({}), runOn({}, ['/nowhere']), runOn({ 'a.test.ts': passing }, ['--wrong'])]) {
    assert.equal(run.lines.at(-1), '0 passed, 1 failed');
    assert.equal(run.status, 1);
  }
});

test('CI reaches the test files', () => {
  const text = "import test from 'node:test'; test('ci', () => { if (process.env.CI !== 'true') throw 1; });";
  assert.equal(runOn({ 'a.test.ts': text }, [], 'true').lines.at(-1), '1 passed, 0 failed');
});
