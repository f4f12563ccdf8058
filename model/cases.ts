/**
 * The cases of the model: a small world, a budget of faults, perhaps a mutation, and what TLC must find.
 *
 * C1 `ok-` holds: every invariant, every action property, and no deadlock (a deadlock is a record without outcome).
 * C2 `bad-` is a mutation, or a wrong reading of the design: the property named must break. `harm-` is a bad one whose
 *    first witness is looked away from: what real harm follows. `view-` is a bad one under the state reduction.
 * C3 `some-` is reached: the worlds of the ok cases are not empty, and each modelled transition is taken.
 * C4 `walk-` is a random walk through a world too big to end; it finds nothing until its time is over. Not a proof.
 */
import type { Transition } from '../src/core/states.ts';
import { takenTransitions } from './module-text.ts';

/** The constants of Protocol.tla; those left out are as in `BASE`. */
export interface World {
  readonly Topic: string;
  readonly N: number;
  readonly NSteps: number;
  readonly MaxCrashes: number;
  readonly MaxRebalances: number;
  readonly MaxTimeouts: number;
  readonly MaxRetries: number;
  readonly MaxLostAnswers: number;
  readonly MaxHeld: number;
  readonly MaxDecisions: number;
  readonly CanRefuse: boolean;
  readonly CanRetry: boolean;
  readonly Parking: boolean;
  readonly Results: boolean;
  readonly Grade: 2 | 3;
  readonly Lower: boolean;
  /** A mutation or another reading, see `M` in Protocol.tla. */
  readonly M: string;
}

export type Verdict =
  | { readonly kind: 'holds' }
  | { readonly kind: 'violated'; readonly property: string }
  | { readonly kind: 'deadlock' }
  /** Nothing found when its time was over. */
  | { readonly kind: 'cut-off' };

export interface Case {
  readonly name: string;
  readonly world: World;
  /** The transition to be taken. */
  readonly aim: Transition | null;
  readonly invariants: readonly string[];
  readonly properties: readonly string[];
  /** Fair runs, no symmetry: for `Ends`. */
  readonly fair: boolean;
  readonly view: boolean;
  /** Random walks instead of all states. */
  readonly walk: boolean;
  readonly expected: Verdict;
}

const INVARIANTS = [
  ...['S1ledger', 'S1site', 'S1limit', 'S2order', 'S4origin', 'S6once', 'S7truth', 'S8intent', 'S9offset'],
  ...['S11stale', 'S12live', 'S13event', 'S15other', 'R1truth', 'R2gapless', 'R3stored', 'NoOrphan'],
];
const PROPERTIES = ['S5final', 'S10offset', 'S12grow', 'S13legal'];

const BASE: World = {
  Topic: 'TwoRecords',
  N: 1,
  NSteps: 1,
  MaxCrashes: 1,
  MaxRebalances: 1,
  MaxTimeouts: 1,
  MaxRetries: 1,
  MaxLostAnswers: 0,
  MaxHeld: 0,
  MaxDecisions: 0,
  CanRefuse: true,
  CanRetry: false,
  Parking: false,
  Results: false,
  Grade: 3,
  Lower: false,
  M: 'none',
};

type Change = Partial<World>;

/** No time-out and no retry: takes the most states off a world whose subject is something else. */
const CALM: Change = { MaxTimeouts: 0, MaxRetries: 0 };
const STILL: Change = { ...CALM, MaxCrashes: 0, MaxRebalances: 0 };
const ONE: Change = { Topic: 'OneRecord' };
const STEPS: Change = { ...ONE, NSteps: 2 };
const DECIDED: Change = { ...STEPS, MaxRetries: 0, MaxHeld: 1, MaxDecisions: 1 };
const CANCELLED: Change = { ...CALM, Parking: true, MaxDecisions: 1 };

const HOLDS: Readonly<Record<string, Change>> = {
  core: {},
  park: { ...CALM, Topic: 'ThreeRecords', Parking: true },
  duplicates: { ...CALM, Topic: 'Duplicates', Parking: true, CanRefuse: false },
  locations: { Topic: 'TwoLocations', MaxTimeouts: 0, CanRefuse: false },
  'two-slots': { ...CALM, N: 2, Topic: 'ThreeRecords', MaxRebalances: 0, CanRefuse: false },
  'two-slots-zombie': { ...CALM, N: 2, MaxCrashes: 0, MaxRetries: 0 },
  lower: { ...CALM, N: 2, Lower: true, Topic: 'ThreeRecords', MaxRebalances: 0, CanRefuse: false },
  steps: { ...STEPS, MaxTimeouts: 2 },
  retry: { ...ONE, CanRetry: true, MaxTimeouts: 2, MaxRetries: 2 },
  'lost-answer': { ...CALM, MaxLostAnswers: 1, Parking: true, MaxCrashes: 0 },
  'lost-answer-crash': { ...CALM, MaxLostAnswers: 1, MaxRebalances: 0 },
  results: { Results: true, MaxTimeouts: 0, CanRefuse: false },
  partitions: { ...CALM, Topic: 'TwoPartitions' },
  'partitions-duplicates': { ...CALM, Topic: 'DuplicatesInBoth', MaxRebalances: 0, CanRefuse: false },
  g2: { Grade: 2, MaxTimeouts: 2 },
  'g2-steps': { ...STEPS, Grade: 2, MaxTimeouts: 2 },
  'g2-retry': { ...ONE, Grade: 2, CanRetry: true, MaxTimeouts: 2 },
  // people
  cancel: CANCELLED,
  'cancel-lost-answer': { ...CANCELLED, MaxLostAnswers: 1, MaxCrashes: 0 },
  decide: { ...DECIDED, MaxCrashes: 0 },
  'decide-crash': { ...DECIDED, MaxRebalances: 0 },
  'decide-lost-answer': { ...DECIDED, MaxLostAnswers: 1, MaxCrashes: 0, MaxTimeouts: 0 },
  'decide-behind': { ...DECIDED, Topic: 'TwoRecords', NSteps: 1, MaxTimeouts: 0, CanRefuse: false },
  'g2-decide': { ...DECIDED, MaxCrashes: 0, Grade: 2 },
  // at G3 the fence does the work of the tombstone, and of keeping a reversed key refused
  'g3-no-tombstone': { ...DECIDED, MaxCrashes: 0, M: 'noTombstone' },
  // without a person's retry G3 never executes a key again that is done
  'g3-fresh-key': { ...ONE, M: 'freshKey' },
  'g3-reverse-forgets': { ...STEPS, M: 'reverseForgets' },
  // other readings that hold too: a new token for everything at take-over; a full take-over from oneself
  'take-over-retokens-all': { ...STEPS, MaxCrashes: 2, MaxTimeouts: 2, M: 'takeoverRetokensAll' },
  'take-over-from-self': { ...CALM, MaxLostAnswers: 1, Parking: true, MaxCrashes: 0, M: 'takeOverFromSelf' },
  // more of everything: minutes
  deep: { MaxCrashes: 2, MaxRebalances: 2 },
  'two-slots-deep': { ...CALM, N: 2, Topic: 'ThreeRecords', CanRefuse: false },
  'lost-answer-deep': { MaxLostAnswers: 2, Parking: true, MaxRetries: 0, CanRefuse: false },
  'decide-deep': { ...DECIDED, MaxDecisions: 2, MaxRetries: 1, CanRetry: true },
};

/** Every run ends with every record accounted. */
const ENDS: Readonly<Record<string, Change>> = {
  live: { ...ONE, MaxRebalances: 0 },
  'live-park': { ...STILL, ...ONE, Parking: true, MaxRebalances: 1 },
  'live-decide': { ...DECIDED, NSteps: 1, MaxRebalances: 0, MaxCrashes: 0, CanRetry: true },
};

interface Mutation {
  readonly change: Change;
  /** The property that must break. */
  readonly breaks: string | 'deadlock';
  /** Looked away from, because they only say that the mutation is one. */
  readonly blind?: readonly string[];
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'rollback-on-timeout': { change: { M: 'rollbackOnTimeout' }, breaks: 'S7truth', blind: ['S13event'] },
  'status-no-fence': { change: { M: 'statusNoFence' }, breaks: 'S7truth' },
  'finish-no-token': { change: { M: 'finishNoToken' }, breaks: 'S7truth', blind: ['S13event'] },
  'same-token': { change: { M: 'sameToken' }, breaks: 'S7truth', blind: ['S13event'] },
  'fence-not-atomic': { change: { ...ONE, M: 'fenceNotAtomic' }, breaks: 'S7truth' },
  'retry-direct': {
    change: { ...ONE, CanRetry: true, M: 'retryDirect' },
    breaks: 'S7truth',
    blind: ['S13event'],
  },
  'refusal-forgotten': { change: { ...ONE, M: 'refusalForgotten' }, breaks: 'S7truth' },
  'g2-retry-direct': {
    change: { ...ONE, Grade: 2, CanRetry: true, M: 'retryDirect' },
    breaks: 'S7truth',
    blind: ['S13event'],
  },
  'g2-refusal-forgotten': { change: { ...ONE, Grade: 2, M: 'refusalForgotten' }, breaks: 'S7truth' },
  'g2-reverse-forgets': { change: { ...STEPS, Grade: 2, M: 'reverseForgets' }, breaks: 'S7truth' },
  'g2-no-tombstone': { change: { ...ONE, Grade: 2, MaxDecisions: 1, M: 'noTombstone' }, breaks: 'S7truth' },
  'fresh-key': { change: { ...ONE, MaxDecisions: 1, M: 'freshKey' }, breaks: 'S6once' },
  'g2-fresh-key': { change: { ...ONE, Grade: 2, M: 'freshKey' }, breaks: 'S6once' },
  'index-forgets-doubt': { change: { M: 'indexForgetsDoubt' }, breaks: 'S1ledger' },
  'lower-by-slot': {
    change: { N: 2, Lower: true, MaxRebalances: 0, Topic: 'ThreeRecords', M: 'lowerBySlot' },
    breaks: 'S1limit',
  },
  'park-tail': { change: { Parking: true, Topic: 'ThreeRecords', M: 'parkTail' }, breaks: 'S2order' },
  'lane-forgets-parked': { change: { Parking: true, M: 'laneForgetsParked' }, breaks: 'S2order' },
  'token-per-location': { change: { N: 2, M: 'tokenPerLocation' }, breaks: 'S12live' },
  'commit-at-fetch': { change: { M: 'commitAtFetch' }, breaks: 'S9offset' },
  'late-offset-commit': { change: { M: 'lateOffsetCommit' }, breaks: 'S10offset' },
  'no-epoch': { change: { M: 'noEpoch' }, breaks: 'S11stale' },
  'publish-before-commit': { change: { Results: true, M: 'publishBeforeCommit' }, breaks: 'R1truth' },
  'read-back': { change: { MaxLostAnswers: 1, M: 'readBack' }, breaks: 'NoOrphan' },
  'takeover-snapshot': { change: { M: 'takeoverSnapshot' }, breaks: 'NoOrphan' },
  'fenced-gives-up': { change: { M: 'fencedGivesUp' }, breaks: 'deadlock' },
  // people
  'roll-back-unfenced': {
    change: { ...DECIDED, NSteps: 1, M: 'rollBackUnfenced' },
    breaks: 'S7truth',
    blind: ['S13event'],
  },
  'command-not-compared': {
    change: { ...CANCELLED, M: 'commandNotCompared' },
    breaks: 'S7truth',
    blind: ['S13event'],
  },
  'cancelled-begins': {
    change: { ...CANCELLED, M: 'cancelledBegins' },
    breaks: 'S5final',
    blind: ['S13event'],
  },
};

/** What real harm a mutation does when the property that names it is not looked at. */
const HARMS: Readonly<Record<string, string>> = {
  'read-back': 'deadlock',
  'no-epoch': 'deadlock',
  'takeover-snapshot': 'deadlock',
};
const HARM_BLIND = ['S11stale', 'NoOrphan'];

/** Mutations again under the state reduction: it must not hide them. */
const UNDER_VIEW = [
  ...[
    'retry-direct',
    'status-no-fence',
    'rollback-on-timeout',
    'park-tail',
    'fenced-gives-up',
    'lower-by-slot',
  ],
  ...['refusal-forgotten', 'fence-not-atomic', 'roll-back-unfenced', 'command-not-compared'],
];

/** Worlds in which an end with every fault spent, one completed and one not, must be reached. */
const REACHED: Readonly<Record<string, Change>> = {
  core: {},
  'two-slots-zombie': {},
  partitions: {},
  lower: { CanRefuse: true },
  g2: { MaxRetries: 0 },
  duplicates: {},
  'lost-answer-deep': { CanRefuse: true },
  cancel: {},
  'decide-behind': { CanRefuse: true },
};

const BIG: Change = {
  ...{ Topic: 'Mixed', N: 2, NSteps: 2, MaxCrashes: 2, MaxRebalances: 3, MaxTimeouts: 3, MaxRetries: 2 },
  ...{
    MaxLostAnswers: 2,
    MaxHeld: 1,
    MaxDecisions: 2,
    CanRetry: true,
    Parking: true,
    Results: true,
    Lower: true,
  },
};

function caseOf(name: string, change: Change, rest: Partial<Case> & Pick<Case, 'expected'>): Case {
  return {
    name,
    world: { ...BASE, ...change },
    aim: null,
    invariants: INVARIANTS,
    properties: PROPERTIES,
    fair: false,
    view: false,
    walk: false,
    ...rest,
  };
}

function mutated(name: string, mutation: Mutation, rest: Partial<Case> = {}): Case {
  const { change, breaks, blind = [] } = mutation;
  const expected: Verdict =
    breaks === 'deadlock' ? { kind: 'deadlock' } : { kind: 'violated', property: breaks };
  const invariants = INVARIANTS.filter((invariant) => !blind.includes(invariant));
  return caseOf(name, change, { invariants, expected, ...rest });
}

function named<T>(from: Readonly<Record<string, T>>, name: string): T {
  const found = from[name];
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

/** A small world in which the transition can be taken: what it needs follows from its event and its states. */
function worldFor({ from, event, to }: Transition): Change {
  const states: readonly string[] = [from, to];
  const decided = event === 'decide' || event === 'cancel' || event === 'reversed' || event === 'give_up';
  const byPerson = from === 'in_doubt' && event === 'done' && to === 'reversing';
  const needs: Change = {
    ...ONE,
    MaxRebalances: 0,
    MaxTimeouts: event === 'takeover' ? 0 : 1,
    MaxCrashes: event === 'takeover' ? 1 : 0,
    MaxRetries: event === 'retry' || event === 'never' ? 1 : 0,
    CanRetry: event === 'retry',
    NSteps: states.includes('reversing') || (event === 'done' && to === 'executing') ? 2 : 1,
    Parking: states.includes('received'),
    MaxHeld: decided && event !== 'cancel' ? 1 : 0,
    MaxDecisions: decided || byPerson ? 1 : 0,
  };
  // Below G3 a retry past the deadline is held, and a person's roll back reverses at once.
  const g2 =
    (event === 'retry' && to === 'held') ||
    (event === 'decide' && to === 'reversing' && from !== 'reversing');
  const backAgain = event === 'reversed' && from !== 'reversing';
  const both: Change = backAgain ? { MaxHeld: 2, MaxDecisions: 1, MaxTimeouts: 1 } : {};
  return { ...needs, ...both, ...(g2 || backAgain ? { Grade: 2 as const } : {}) };
}

function takenCase(transition: Transition): Case {
  const { from, event, to } = transition;
  return caseOf(`some-${from}-${event}-${to}`.replaceAll('_', '-'), worldFor(transition), {
    aim: transition,
    invariants: ['Untaken'],
    view: true,
    expected: { kind: 'violated', property: 'Untaken' },
  });
}

const holds = { kind: 'holds' } as const;

export const CASES: readonly Case[] = [
  ...Object.entries(HOLDS).map(([name, change]) =>
    caseOf(`ok-${name}`, change, { view: true, expected: holds }),
  ),
  ...Object.entries(ENDS).map(([name, change]) =>
    caseOf(`ok-${name}`, change, { fair: true, properties: [...PROPERTIES, 'Ends'], expected: holds }),
  ),
  ...Object.entries(MUTATIONS).map(([name, mutation]) => mutated(`bad-${name}`, mutation)),
  ...Object.entries(HARMS).map(([name, breaks]) =>
    mutated(`harm-${name}`, { ...named(MUTATIONS, name), breaks, blind: HARM_BLIND }),
  ),
  ...UNDER_VIEW.map((name) => mutated(`view-${name}`, named(MUTATIONS, name), { view: true })),
  ...Object.entries(REACHED).map(([name, change]) =>
    caseOf(
      `some-${name}`,
      { ...named(HOLDS, name), ...change },
      {
        invariants: ['Unreached'],
        view: true,
        expected: { kind: 'violated', property: 'Unreached' },
      },
    ),
  ),
  ...takenTransitions().map(takenCase),
  caseOf('walk-big', BIG, { walk: true, expected: { kind: 'cut-off' } }),
];
