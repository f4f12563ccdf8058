/** Runs a user's plan in one world after another, until a promise is broken or all have kept them. */
import type { JsonObject } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import type { Types } from '../engine/options.ts';
import { NO_FAULTS } from '../sim/faults.ts';
import { type OwnPlans, Scenario, type ScenarioOptions } from '../sim/scenario.ts';
import { storyOf } from '../sim/story.ts';
import { swarm } from '../sim/swarm.ts';
import { OwnSite, type ParticipantsOf } from './machine.ts';
import { type SimulatedFaults, SimulationError, type SimulationReport } from './options.ts';

/** Codes that leave a transaction to a person. */
const HELD = ['SB-4201', 'SB-4202', 'SB-4203', 'SB-4204', 'SB-4205'];

export interface Worlds {
  readonly types: Types;
  /** Makes what is durable, once a world. */
  readonly participantsOf: () => ParticipantsOf;
  /** The lowest of them: people treat a held transaction as that grade allows. */
  readonly grade: Grade;
  readonly transaction: (number: number) => { readonly type: string; readonly data: JsonObject };
  readonly seeds: number;
  readonly firstSeed: number;
  readonly faults: Partial<SimulatedFaults> | null;
}

export async function runWorlds(worlds: Worlds): Promise<SimulationReport> {
  const total = {
    worlds: 0,
    transactions: 0,
    completed: 0,
    rolledBack: 0,
    held: 0,
    effects: 0,
    virtualMs: 0,
  };
  const happened: Record<string, number> = {};
  for (let seed = worlds.firstSeed; seed < worlds.firstSeed + worlds.seeds; seed += 1) {
    const own: OwnPlans = {
      types: worlds.types,
      transaction: worlds.transaction,
      siteOf: (parts) => new OwnSite(parts, worlds.participantsOf()),
    };
    const scenario = new Scenario(worldOf(seed, worlds), own);
    const report = await scenario.run();
    const { violations } = report;
    if (violations.length > 0) throw new SimulationError(seed, violations, storyOf(scenario, violations));
    total.worlds += 1;
    total.transactions += report.transactions;
    total.completed += report.completed;
    total.rolledBack += report.rolledBack;
    for (const code of HELD) total.held += report.problems[code] ?? 0;
    total.effects += scenario.site.effects.length;
    total.virtualMs += report.virtualMs;
    for (const [what, times] of Object.entries(report.faults)) happened[what] = (happened[what] ?? 0) + times;
  }
  if (total.effects === 0)
    throw new Error('no step had an effect, so nothing was checked: call machine.effect in execute');
  return { ...total, happened };
}

/** A world of the swarm without what is not the plan's: bad records, operators who guess, a network of its own. */
function worldOf(seed: number, { grade, faults }: Worlds): ScenarioOptions {
  const drawn = swarm(seed);
  const { commitLost, ledgerRefused, ledgerLost, ledgerSlow, publishLost } = drawn.faults;
  const { killsPerSecond, stopsPerSecond, rebalancesPerSecond } = drawn.faults;
  const own: SimulatedFaults =
    faults === null
      ? {
          commitLost,
          ledgerRefused,
          ledgerLost,
          ledgerSlow,
          publishLost,
          killsPerSecond,
          stopsPerSecond,
          rebalancesPerSecond,
        }
      : { ...NO_FAULTS, ...faults };
  return {
    ...drawn,
    grade,
    faults: { ...NO_FAULTS, ...own },
    conflicts: 0,
    badRecords: 0,
    people: { ...drawn.people, commandsPerSecond: 0 },
  };
}
