/** Runs worlds until one shows a violation; prints one line of JSON. The mutant is in the code by then (patch.ts). */
import { Scenario } from '../../src/sim/scenario.ts';
import { forgetfulSwarm, meanSwarm, stormSwarm, swarm } from '../../src/sim/swarm.ts';
import { MUTANTS } from './mutants.ts';

/** Mean to participants (late and doubled packets, short deadlines), a storm, a ledger that loses history: by turns. */
const WORLDS = [swarm, meanSwarm, stormSwarm, forgetfulSwarm];
const SEEDS_MAX = Number(process.env.SIGNALBOX_MUTANT_SEEDS ?? 200);
const also = MUTANTS.find(({ name }) => name === process.env.SIGNALBOX_MUTANT)?.world ?? {};
/** A seed that showed the mutant before is tried first. */
const FIRST = Number(process.env.SIGNALBOX_MUTANT_FIRST ?? 1);

async function hunt(): Promise<{ readonly seed: number; readonly violation: string } | null> {
  const seeds = Array.from({ length: SEEDS_MAX }, (_, index) => index + 1);
  for (const seed of [FIRST, ...seeds.filter((each) => each !== FIRST)]) {
    const drawn = (WORLDS[seed % WORLDS.length] ?? swarm)(seed);
    const faults = { ...drawn.faults, ...also.faults };
    const { violations } = await new Scenario({ ...drawn, ...also, faults }).run();
    const [violation] = violations;
    if (violation !== undefined) return { seed, violation };
  }
  return null;
}

process.on('unhandledRejection', (error) => {
  console.log(JSON.stringify({ seed: 0, violation: `crash: ${error}` }));
  process.exit(0);
});
console.log(JSON.stringify(await hunt()));
process.exit(0);
