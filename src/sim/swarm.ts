/** Draws a world from a seed: which faults exist in it and how often, how many workers, locations and steps. */
import type { Grade } from '../core/grade.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { RandomStream } from './random.ts';
import type { ScenarioOptions } from './scenario.ts';

/** The most of each fault: much more than any real network, so that rare meetings of faults become common. */
const MOST: Faults = {
  commitLost: 0.08,
  ledgerRefused: 0.08,
  ledgerLost: 0.08,
  ledgerSlow: 0.02,
  unstorable: 0.05,
  callLost: 0.1,
  callTwice: 0.15,
  callSlow: 0.1,
  callLate: 0.02,
  lateStart: 1,
  refuse: 0.4,
  retry: 0.2,
  refuseReverse: 0.2,
  publishLost: 0.2,
  killsPerSecond: 0.3,
  stopsPerSecond: 0.3,
  rebalancesPerSecond: 0.5,
  cutsPerSecond: 0.3,
  failoversPerSecond: 0,
};

export function swarm(seed: number): ScenarioOptions {
  const random = new RandomStream(seed, 'swarm');
  const faults = Object.fromEntries(
    Object.entries(MOST).map(([name, most]) => [name, random.chance(0.5) ? most * random.next() : 0]),
  );
  const people = new RandomStream(seed, 'swarm of people');
  const rate = (most: number) => (people.chance(0.5) ? most * people.next() : 0);
  const share = (most: number) => (random.chance(0.5) ? most * random.next() : 0);
  return {
    seed,
    workers: random.between(1, 4),
    partitions: random.between(1, 6),
    locations: random.between(1, 30),
    transactions: random.between(20, 150),
    concurrency: random.chance(0.3) ? random.between(2, 3) : 1,
    steps: random.chance(0.3) ? random.between(2, 3) : 1,
    faults: { ...NO_FAULTS, ...faults },
    faultMs: random.between(10, 60) * 1_000,
    // Short ones meet late packets after the rollback.
    deadlineMs: random.chance(0.5) ? random.between(1_000, 5_000) : 60_000,
    duplicates: share(0.2),
    conflicts: share(0.1),
    badRecords: share(0.1),
    people: { stuckPerSecond: rate(0.5), limitsPerSecond: rate(0.5), commandsPerSecond: rate(2) },
    parkedMax: people.chance(0.3) ? people.between(2, 20) : 250_000,
    waitingRecordsMax: people.chance(0.3) ? people.between(10, 40) : 200,
    expiring: people.chance(0.3) ? people.next() * 0.2 : 0,
    mishaps: [],
    siteDefect: null,
    grade: 'G3',
  };
}

/**
 * The same at a lower grade, without what no such participant withstands (design 7): without a replay of keys a packet
 * that comes twice acts twice; and decisions of people who have not looked are as good as guesses.
 */
export function gradeSwarm(seed: number, grade: Grade): ScenarioOptions {
  return atGrade(swarm(seed), grade);
}

export function atGrade(drawn: ScenarioOptions, grade: Grade): ScenarioOptions {
  if (grade === 'G3') return { ...drawn, grade };
  const replays = grade === 'G2';
  return {
    ...drawn,
    grade,
    steps: replays ? drawn.steps : 1,
    faults: { ...drawn.faults, callTwice: replays ? drawn.faults.callTwice : 0 },
    people: { ...drawn.people, commandsPerSecond: 0 },
  };
}

/**
 * A world for defects of the site: packets that are late, doubled and lost meet short deadlines, and nobody's decision
 * hides what follows. In worlds of the swarm two of the defects show in one of a hundred.
 */
export function meanSwarm(seed: number): ScenarioOptions {
  const drawn = swarm(seed);
  return {
    ...drawn,
    faults: { ...drawn.faults, callSlow: 0.1, callTwice: 0.15, callLost: 0.1, lateStart: 1 },
    deadlineMs: 2_000,
    people: { stuckPerSecond: 0, limitsPerSecond: 0, commandsPerSecond: 0 },
    parkedMax: 250_000,
    waitingRecordsMax: 200,
  };
}

/** Many transactions at many locations in a short time, in a world that is otherwise drawn: the commits are full. */
export function crowdSwarm(seed: number): ScenarioOptions {
  const drawn = swarm(seed);
  const random = new RandomStream(seed, 'crowd');
  const locations = random.between(20, 120);
  const faultMs = Math.min(drawn.faultMs, CROWD_MS_MAX);
  return { ...drawn, locations, transactions: locations * random.between(8, 24), faultMs };
}

const CROWD_MS_MAX = 20_000;

/** Everything at once: workers are killed while results and commits are lost. */
export function stormSwarm(seed: number): ScenarioOptions {
  const drawn = swarm(seed);
  const faults = { ...MOST, killsPerSecond: 0.8, publishLost: 0.5 };
  return { ...drawn, workers: Math.max(2, drawn.workers), faults, deadlineMs: 60_000 };
}

/** The ledger loses history, now and then, while everything else goes wrong too; nobody decides anything meanwhile. */
export function forgetfulSwarm(seed: number): ScenarioOptions {
  const drawn = swarm(seed);
  return {
    ...drawn,
    faults: { ...drawn.faults, failoversPerSecond: 0.1 },
    // What has taken effect and was forgotten may have expired when its record is read again: nobody asks about it.
    expiring: 0,
    people: { ...drawn.people, commandsPerSecond: 0 },
  };
}
