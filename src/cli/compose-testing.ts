/** A virtual world for a user's plan: the adapter for functions, and the simulated log and ledger. */
import { InProcessParticipant } from '../adapters/node/in-process-participant.ts';
import { realWorld } from '../adapters/node/world.ts';
import { givenConfig } from '../config/load-config.ts';
import { configuredTypes } from '../config/types.ts';
import { GRADES, type Grade } from '../core/grade.ts';
import type { Participant, World } from '../engine/ports.ts';
import type { InProcessOptions } from '../library/options.ts';
import { functionsOf, stepProblems } from '../library/step-functions.ts';
import type { Machine } from '../testing/machine.ts';
import type { SimulateOptions, SimulationReport } from '../testing/options.ts';
import { runWorlds } from '../testing/worlds.ts';

const SEEDS = 50;

/**
 * Runs a plan with its participants in simulated worlds: the real engine on a simulated log and ledger, while processes are
 * killed, stopped and taken over, and answers of the ledger are lost. Rejects with a SimulationError for the first world in
 * which a promise is broken (docs/guarantees.md): a step that acts twice, one that stands after a rollback, two at once at a
 * location. The same seed is the same world. Real time and chance throw meanwhile: use those of the machine.
 *
 *   await simulate({
 *     types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
 *     durable: () => new Map<string, 'started' | 'done'>(),
 *     participants: ({ durable, machine }) => ({
 *       till: { steps: { pay: { execute: async (call) => … } }, capabilities: { replay: true } },
 *     }),
 *   });
 */
export async function simulate<
  const Participants extends Readonly<Record<string, InProcessOptions>>,
  const Type extends string,
  Durable,
>(options: SimulateOptions<Participants, Type, Durable>): Promise<SimulationReport> {
  const { types, durable, participants, seeds = SEEDS, firstSeed = 1, faults = null } = options;
  const looked = participants({ durable: durable(), machine: IDLE });
  const { concurrency, limits } = options;
  const given = { types, ...(concurrency && { concurrency }), ...(limits && { limits }) };
  const config = givenConfig(given, {
    folder: process.cwd(),
    pid: process.pid,
    inProcess: Object.keys(looked),
    problems: stepProblems(looked, types),
  });
  const inProcess = (world: World, all: Participants): Map<string, Participant> =>
    new Map(
      Object.entries(all).map(([name, each]) => [name, new InProcessParticipant(world, functionsOf(each))]),
    );
  const names = Object.keys(types);
  const inTurn = (number: number) => ({ type: names[number % names.length] ?? '' });
  const { transaction = inTurn } = options;
  return await runWorlds({
    types: configuredTypes(config),
    participantsOf: () => {
      const kept = durable();
      return (world, machine) => inProcess(world, participants({ durable: kept, machine }));
    },
    grade: await lowest(inProcess(realWorld(), looked)),
    transaction: (number) => ({ data: {}, ...transaction(number) }),
    seeds,
    firstSeed,
    faults,
  });
}

async function lowest(participants: ReadonlyMap<string, Participant>): Promise<Grade> {
  const all = await Promise.all([...participants.values()].map((each) => each.capabilities('')));
  const grades = all.map((capabilities) => (typeof capabilities === 'string' ? 'G0' : capabilities.grade));
  return GRADES.findLast((grade) => grades.includes(grade)) ?? 'G0';
}

/** For a look at what the participants are. */
const IDLE: Machine = {
  effect: () => Promise.resolve(),
  undo: () => Promise.resolve(),
  sleep: () => Promise.resolve(),
  now: () => 0,
  random: () => 0,
};
