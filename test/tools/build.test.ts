/** tools/build.ts on a small project: modules run, declarations resolve, assets are there, tests are not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const good = {
  'src/core/answer.ts':
    'export interface Answer { readonly n: number }\nexport const answer: Answer = { n: 42 };\n',
  'src/cli/main.ts':
    "import { readFileSync } from 'node:fs';\n" +
    "import { type Answer, answer } from '../core/answer.ts';\n" +
    'export type { Answer };\n' +
    "console.log(answer.n, readFileSync(new URL('./sql/a.sql', import.meta.url), 'utf8'));\n",
  'src/cli/sql/a.sql': '-- one\n',
  'src/core/answer.test.ts': "import './answer.ts';\n",
};

/** Builds a project of these files; `look` sees it before it is removed. */
function build(
  files: Readonly<Record<string, string>>,
  look: (folder: string, run: { status: number | null; output: string }) => void,
): void {
  // Below the checkout, so that the types of Node are found.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'build-test-'));
  try {
    const config = { extends: join(root, 'tsconfig.json'), include: ['src'] };
    for (const [name, text] of Object.entries({ ...files, 'tsconfig.json': JSON.stringify(config) })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { status, stdout, stderr } = node(join(root, 'tools/build.ts'), folder);
    look(folder, { status, output: stdout + stderr });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function node(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
}

test('builds modules, declarations and assets, without tests', () => {
  build(good, (folder, { status, output }) => {
    assert.equal(status, 0, output);
    assert.equal(node(join(folder, 'dist/cli/main.js')).stdout, '42 -- one\n\n');
    assert.ok(!existsSync(join(folder, 'dist/core/answer.test.js')));
    assert.ok(!existsSync(join(folder, '.cache/build')));
    assert.match(readFileSync(join(folder, 'dist/core/answer.d.ts'), 'utf8'), /readonly n: number/);
  });
});

test('the declarations are enough for a user who compiles against them', () => {
  build(good, (folder) => {
    rmSync(join(folder, 'src'), { recursive: true });
    mkdirSync(join(folder, 'src'));
    const user =
      "import type { Answer } from '../dist/cli/main.js';\nexport const wrong: Answer = { n: 'no' };\n";
    writeFileSync(join(folder, 'src/user.ts'), user);
    const { stdout } = node(join(root, 'node_modules/typescript/bin/tsc'), '-p', folder);
    assert.match(stdout, /user\.ts.*'string' is not assignable to type 'number'/);
  });
});

test('a type error, or the name of a source file in a URL, builds nothing', () => {
  const bad = {
    'src/wrong.ts': "export const wrong: number = 'no';\n",
    'src/name.ts': "export const path = new URL('./wrong.ts', import.meta.url);\n",
  };
  for (const [name, text] of Object.entries(bad)) {
    build({ ...good, [name]: text }, (folder, { status, output }) => {
      assert.equal(status, 1, output);
      assert.match(output, /build failed/);
      assert.ok(!existsSync(join(folder, 'dist')));
    });
  }
});
