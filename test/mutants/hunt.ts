/** Runs worlds until one shows a violation; prints one line of JSON. The mutant is in the code by then (patch.ts). */
import { Scenario } from '../../src/sim/scenario.ts';
import { meanSwarm, swarm } from '../../src/sim/swarm.ts';

const SEEDS_MAX = Number(process.env.SIGNALBOX_MUTANT_SEEDS ?? 200);

async function hunt(): Promise<{ readonly seed: number; readonly violation: string } | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    // Half of the worlds are mean to participants: late and doubled packets, short deadlines.
    const options = seed % 2 === 0 ? meanSwarm(seed) : swarm(seed);
    const { violations } = await new Scenario(options).run();
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
