/** Each test that the page of ported cases names exists, and none of ours that was ported is missing on it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'docs', 'library');
const page = readFileSync(join(FOLDER, 'ported-cases.md'), 'utf8');
/** Links to files of tests and of conformance suites. */
const named = [...page.matchAll(/\[((?:[^\][]|\[[^\]]*\])+)\]\((\.\.\/\.\.\/(?:src|test)\/[^)]+\.ts)\)/g)]
  .map(([, name = '', path = '']) => ({ name, path: join(FOLDER, path) }))
  .filter(({ name }) => !name.startsWith('test/'));

const PORTED = ['src/consumer/ported.test.ts', 'src/lanes/ported.test.ts'].map((path) => join(ROOT, path));
const TEST = /^ *(?:it|test)\(\s*'([^']+)'/gm;

test('every test that is named exists under its name', () => {
  assert.ok(named.length > 100, `${named.length} are named`);
  const missing = named.filter(({ name, path }) => {
    const text = readFileSync(path, 'utf8');
    return ![`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => text.includes(quoted));
  });
  assert.deepEqual(missing, []);
});

test('every test that was ported is named', () => {
  const names = new Set(named.map(({ name }) => name));
  for (const path of PORTED) {
    const own = [...readFileSync(path, 'utf8').matchAll(TEST)].map(([, name = '']) => name);
    assert.ok(own.length > 10, path);
    assert.deepEqual(
      own.filter((name) => !names.has(name)),
      [],
    );
  }
});
