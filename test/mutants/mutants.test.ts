/** Every planted defect still stands where it was planted, and some of each kind are caught; `npm run mutants` hunts all. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MUTANTS } from './mutants.ts';
import { hunt, huntAll } from './run.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');
/** One in so many is hunted here: half a minute. */
const EVERY = 4;
const SEEDS_MAX = 200;

test('each mutant changes one place of one file, and has a name of its own', () => {
  assert.ok(MUTANTS.length >= 40, `${MUTANTS.length} mutants`);
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  for (const { name, file, find, replace } of MUTANTS) {
    const places = readFileSync(join(SOURCES, file), 'utf8').split(find).length - 1;
    assert.equal(places, 1, `${name}: its text stands ${places} times in ${file}`);
    assert.notEqual(find, replace, name);
  }
});

test('the simulator catches planted defects', async (context) => {
  const chosen = MUTANTS.filter((_, index) => index % EVERY === 0);
  const done = (): void => undefined;
  for (const { mutant, caught, seconds } of await huntAll(chosen, { seedsMax: SEEDS_MAX, atOnce: 2, done })) {
    assert.ok(caught !== null, `${mutant.name} is not caught`);
    context.diagnostic(`${mutant.name}: seed ${caught.seed}, ${seconds.toFixed(1)} s`);
  }
});

test('code without a defect is not taken for one with', async () => {
  const harmless = { name: 'none', file: 'core/decide.ts', find: 'export function decide(', replace: '' };
  await assert.rejects(hunt(harmless, 1), /there is no mutant "none"/);
});
