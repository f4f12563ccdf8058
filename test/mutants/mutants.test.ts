/** Every planted defect still stands where it was planted, and is caught; `npm run mutants` hunts from the first seed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MUTANTS, type Mutant } from './mutants.ts';
import { hunt, huntAll, SEEDS_FILE } from './run.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');
const SEEDS_MAX = 200;
/** A process and a world or two for each: less than a second of a core. */
const AT_ONCE = 2;

test('each mutant changes one place of one file, and has a name of its own', () => {
  assert.ok(MUTANTS.length >= 40, `${MUTANTS.length} mutants`);
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  for (const { name, file, find, replace } of MUTANTS) {
    const places = readFileSync(join(SOURCES, file), 'utf8').split(find).length - 1;
    assert.equal(places, 1, `${name}: its text stands ${places} times in ${file}`);
    assert.notEqual(find, replace, name);
  }
});

test('the simulator catches each of them', async (context) => {
  const seeds = JSON.parse(readFileSync(SEEDS_FILE, 'utf8')) as Record<string, number>;
  const firstOf = ({ name }: Mutant): number => seeds[name] ?? 1;
  const done = (): void => undefined;
  for (const hunted of await huntAll(MUTANTS, { seedsMax: SEEDS_MAX, firstOf, atOnce: AT_ONCE, done })) {
    const { mutant, caught, seconds } = hunted;
    assert.ok(caught !== null, `${mutant.name} is not caught`);
    context.diagnostic(`${mutant.name}: seed ${caught.seed}, ${seconds.toFixed(1)} s`);
  }
});

test('code without a defect is not taken for one with', async () => {
  const harmless = { name: 'none', file: 'core/decide.ts', find: 'export function decide(', replace: '' };
  await assert.rejects(hunt(harmless, { seedsMax: 1, first: 1 }), /there is no mutant "none"/);
});
