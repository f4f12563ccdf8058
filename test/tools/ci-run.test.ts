/** .ci/run with a false npm before it on the PATH: the last line and the exit code, whatever fails. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const script = resolve(import.meta.dirname, '../../.ci/run');

/** Each of the four calls of npm prints a line and ends with a code. */
interface Npm {
  readonly ci?: number;
  readonly check?: number;
  readonly bench?: number;
  readonly test?: readonly [lastLine: string, code: number];
}

function ci({ ci = 0, check = 0, bench = 0, test = ['5 passed, 0 failed', 0] }: Npm): {
  last: string | undefined;
  status: number | null;
  ran: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ci-'));
  try {
    mkdirSync(join(folder, '.ci'));
    mkdirSync(join(folder, 'bin'));
    cpSync(script, join(folder, '.ci/run'));
    const npm = `#!/bin/sh
case "$1" in
  ci) echo installing; exit ${ci} ;;
  run) case "$3" in
    check) echo checking; exit ${check} ;;
    bench) echo measuring; exit ${bench} ;;
  esac ;;
  test) echo testing; echo '${test[0]}'; exit ${test[1]} ;;
esac
`;
    writeFileSync(join(folder, 'bin/npm'), npm, { mode: 0o755 });
    const { status, stdout } = spawnSync(join(folder, '.ci/run'), {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
      timeout: 60_000,
    });
    const ran = ['installing', 'checking', 'measuring', 'testing']
      .filter((word) => stdout.includes(word))
      .join(' ');
    return { last: stdout.trimEnd().split('\n').at(-1), status, ran };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const all = 'installing checking measuring testing';
const cases: readonly [what: string, npm: Npm, last: string, status: number, ran: string][] = [
  ['all is well', {}, '5 passed, 0 failed', 0, all],
  ['a test fails', { test: ['4 passed, 1 failed', 1] }, '4 passed, 1 failed', 1, all],
  ['the check fails', { check: 1 }, '5 passed, 1 failed', 1, all],
  ['a hot path has become slow', { bench: 1 }, '5 passed, 1 failed', 1, all],
  ['both fail', { check: 2, test: ['4 passed, 1 failed', 1] }, '4 passed, 2 failed', 1, all],
  ['the install fails', { ci: 1 }, '0 passed, 1 failed', 1, 'installing'],
  ['the runner dies without a count', { test: ['Killed', 137] }, '0 passed, 1 failed', 1, all],
  [
    'the runner fails without a failed test',
    { test: ['5 passed, 0 failed', 1] },
    '5 passed, 1 failed',
    1,
    all,
  ],
];

for (const [what, npm, last, status, ran] of cases) {
  test(what, () => assert.deepEqual(ci(npm), { last, status, ran }));
}
