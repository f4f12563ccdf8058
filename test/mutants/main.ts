/**
 * `npm run mutants [-- text]`: plants each defect (whose name holds the text), hunts for it, and prints a table. With
 * `--write-seeds` the seeds are kept, so that the test begins with them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { huntAll, SEEDS_FILE } from './run.ts';

const SEEDS_MAX = 200;

const options = { 'write-seeds': { type: 'boolean' } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [text = ''] = positionals;
const chosen = MUTANTS.filter(({ name }) => name.includes(text));
const found = await huntAll(chosen, {
  seedsMax: SEEDS_MAX,
  firstOf: () => 1,
  atOnce: availableParallelism(),
  done: ({ mutant, caught, seconds }) => {
    const how = caught === null ? 'NOT CAUGHT' : `seed ${caught.seed}: ${caught.violation.slice(0, 90)}`;
    console.log(`${seconds.toFixed(1).padStart(6)} s  ${mutant.name.padEnd(66)}  ${how.split('\n')[0]}`);
  },
});
const missed = found.filter(({ caught }) => caught === null);
console.log(`${found.length} mutants, ${found.length - missed.length} caught within ${SEEDS_MAX} seeds`);
process.exitCode = missed.length === 0 ? 0 : 1;
if (values['write-seeds'] === true) {
  const before = JSON.parse(readFileSync(SEEDS_FILE, 'utf8')) as Record<string, number>;
  for (const { mutant, caught } of found) if (caught !== null) before[mutant.name] = caught.seed;
  const kept = MUTANTS.flatMap(({ name }) => (before[name] === undefined ? [] : [[name, before[name]]]));
  writeFileSync(SEEDS_FILE, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}
