/** Kinds of faults by the names that people choose and drop them by. */
import { type Faults, NO_FAULTS } from './faults.ts';
import type { ScenarioOptions } from './scenario.ts';

const NOBODY = { stuckPerSecond: 0, limitsPerSecond: 0, commandsPerSecond: 0 };

const KINDS = {
  commits: faults('commitLost'),
  ledger: faults('ledgerRefused', 'ledgerLost', 'ledgerSlow'),
  unstorable: faults('unstorable'),
  calls: faults('callLost', 'callTwice', 'callSlow', 'callLate', 'lateStart'),
  answers: faults('refuse', 'retry', 'refuseReverse'),
  results: faults('publishLost'),
  kills: faults('killsPerSecond'),
  stops: faults('stopsPerSecond'),
  cuts: faults('cutsPerSecond'),
  rebalances: faults('rebalancesPerSecond'),
  failovers: faults('failoversPerSecond'),
  stuck: (from) => ({ ...from, people: { ...from.people, stuckPerSecond: 0 } }),
  people: (from) => ({ ...from, people: { ...NOBODY, stuckPerSecond: from.people.stuckPerSecond } }),
  records: (from) => ({ ...from, duplicates: 0, conflicts: 0, badRecords: 0, expiring: 0 }),
} as const satisfies Record<string, (from: ScenarioOptions) => ScenarioOptions>;

export type FaultKind = keyof typeof KINDS;
export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

export function without(options: ScenarioOptions, kinds: readonly FaultKind[]): ScenarioOptions {
  return kinds.reduce((left, kind) => KINDS[kind](left), options);
}

function faults(...names: (keyof Faults)[]): (from: ScenarioOptions) => ScenarioOptions {
  const none = Object.fromEntries(names.map((name) => [name, NO_FAULTS[name]]));
  return (from) => ({ ...from, faults: { ...from.faults, ...none } });
}
