/** `npm run mutants [-- text]`: plants each defect (whose name holds the text), hunts for it, and prints a table. */
import { availableParallelism } from 'node:os';
import { MUTANTS } from './mutants.ts';
import { huntAll } from './run.ts';

const SEEDS_MAX = 200;

const [text = ''] = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => name.includes(text));
const found = await huntAll(chosen, {
  seedsMax: SEEDS_MAX,
  atOnce: availableParallelism(),
  done: ({ mutant, caught, seconds }) => {
    const how = caught === null ? 'NOT CAUGHT' : `seed ${caught.seed}: ${caught.violation.slice(0, 90)}`;
    console.log(`${seconds.toFixed(1).padStart(6)} s  ${mutant.name.padEnd(62)}  ${how}`);
  },
});
const missed = found.filter(({ caught }) => caught === null);
console.log(`${found.length} mutants, ${found.length - missed.length} caught within ${SEEDS_MAX} seeds`);
process.exitCode = missed.length === 0 ? 0 : 1;
