/** The rules of style.md that a machine can check, on every file of ours. The rules are in test/tidy/. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CATALOGUE } from '../src/core/errors/catalogue.ts';
import { errorsPage } from '../tools/errors-doc.ts';
import { bannedGlobals } from './tidy/banned-globals.ts';
import { ERRORS_PAGE, errorCodes } from './tidy/error-codes.ts';
import { cycles, layers } from './tidy/layers.ts';
import { fileLength, fileNames, functionLength, leftOverNotes, sqlComments } from './tidy/shape.ts';
import { isTest, ourFiles, parse, ROOT } from './tidy/sources.ts';

const files = ourFiles();
const sources = parse(files);
const notTests = sources.filter(({ path }) => !isTest(path));

const rules: Readonly<Record<string, () => string[]>> = {
  'imports run one way': () => layers(sources),
  'no import cycle': () => cycles(notTests),
  'core and engine use no global clock, timer, random source, process or console': () =>
    bannedGlobals(sources),
  'files are short': () => fileLength(files),
  'functions are short': () => functionLength(sources),
  'names of files and folders are kebab-case': () => fileNames(files),
  'no left-over notes': () => leftOverNotes(files),
  'SQL files start with a comment': () => sqlComments(files),
  'error codes of catalogue, docs and sources agree': () => errorCodes(Object.keys(CATALOGUE), files),
};

for (const [name, violations] of Object.entries(rules)) {
  test(name, () => {
    const found = violations();
    assert.ok(found.length === 0, `\n  ${found.join('\n  ')}`);
  });
}

test('the rules looked at something', () => {
  assert.ok(notTests.length > 20);
  assert.ok(sources.some(({ path }) => path === 'src/core/lanes.ts'));
  assert.ok(sources.flatMap(({ imports }) => imports).length > 50);
});

test('the page of errors is the one made from the catalogue', () => {
  const page = readFileSync(join(ROOT, ERRORS_PAGE), 'utf8');
  assert.equal(page, errorsPage(), 'run node tools/errors-doc.ts');
});
