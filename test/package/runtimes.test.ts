/** The page of runtimes has a row for each runtime that `npm run runtimes` tries, for each entry, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { SOURCES } from '../../tools/runtimes/install.ts';
import { TRIALS } from '../../tools/runtimes.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'library', 'runtimes.md'), 'utf8');

test('the table has what is tried', () => {
  const rows = [...page.matchAll(/^\| ([A-Z][\w.]* [\d.]+) \| `([^`]+)` \| (works|fails) \| /gm)];
  const expected = SOURCES.flatMap(({ name, version }) =>
    Object.keys(TRIALS).map((entry) => `${name} ${version} ${entry}`),
  );
  assert.deepEqual(
    rows.map(([, runtime, entry]) => `${runtime} ${entry}`),
    expected,
  );
});

test('the version of Node.js that the tests use is among them, and engines is what the page says', () => {
  const { engines, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
    readonly devDependencies: { readonly node: string };
  };
  const tried = SOURCES.filter(({ name }) => name === 'Node.js').map(({ version }) => version);
  assert.ok(tried.includes(devDependencies.node), `${devDependencies.node} is not tried`);
  assert.equal(engines.node, '>=24');
  assert.ok(page.includes('`engines` says `>=24`'));
});
