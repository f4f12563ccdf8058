/** Runs worlds until one shows a violation; prints one line of JSON. The mutant is in the code by then (patch.ts). */
import { Scenario } from '../../src/sim/scenario.ts';
import { meanSwarm, stormSwarm, swarm } from '../../src/sim/swarm.ts';

const WORLDS = [swarm, meanSwarm, stormSwarm];
const SEEDS_MAX = Number(process.env.SIGNALBOX_MUTANT_SEEDS ?? 200);

async function hunt(): Promise<{ readonly seed: number; readonly violation: string } | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    // A third of the worlds is mean to participants (late and doubled packets, short deadlines), a third a storm.
    const world = WORLDS[seed % WORLDS.length] ?? swarm;
    const { violations } = await new Scenario(world(seed)).run();
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
