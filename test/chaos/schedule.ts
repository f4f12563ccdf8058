/**
 * What goes wrong in a run, when and to whom, as data made from a seed and nothing else.
 *
 * SC1 The same settings give the same schedule.
 * SC2 Every kind of fault is in it at least once, whatever the seed, and every kill point `armsPerPoint` times.
 * SC3 It begins calm, then a tenth of the locations is stuck and nothing else is wrong, then each place loses its
 *     worker once in a way of its own; what follows is shuffled.
 */
import { POINTS, type Point } from '../../src/engine/points.ts';
import { Seeded } from '../rig/seeded.ts';

/** A worker: SIGKILL, its host silent in the middle of its work, SIGTERM, SIGSTOP beyond its session. */
export const WORKER_FAULTS = ['kill', 'silent-host', 'stop', 'freeze'] as const;
/** Everybody: servers killed and started again, backends of the ledger ended, two workers more for a moment. */
export const COMMON_FAULTS = [
  'broker-restart',
  'ledger-restart',
  'site-restart',
  'backends',
  'burst',
  'stuck',
] as const;
/** One link of one place: nothing passes, only the client is unheard, reset after n bytes, the answer cut off, late. */
const LINK_FAULTS = [
  'dead-broker',
  'dead-ledger',
  'dead-site',
  'half-open-broker',
  'half-open-ledger',
  'half-open-site',
  'reset-broker',
  'reset-ledger',
  'reset-site',
  'cut-broker',
  'cut-ledger',
  'cut-site',
  'slow-broker',
  'slow-ledger',
  'slow-site',
] as const;
export const FAULT_KINDS = [...WORKER_FAULTS, ...COMMON_FAULTS, ...LINK_FAULTS] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** Since the start of the load. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which worker's place, from 0; of a fault for everybody it says nothing. */
  readonly place: number;
  /** How long it lasts; of one that is over at once, 0. */
  readonly forMs: number;
  /** Bytes before a reset, ms of a delay; else 0. */
  readonly amount: number;
}

/** A worker that ends itself at the n-th passing of a point. */
export interface Arm {
  readonly point: Point;
  readonly passing: number;
}

export interface Schedule {
  readonly seed: number;
  readonly durationMs: number;
  /** Nothing is wrong before. */
  readonly calmMs: number;
  readonly faults: readonly Fault[];
  /** Each worker that takes the place of a lost one takes the next of these, until all have been hit. */
  readonly arms: readonly Arm[];
}

export interface ScheduleSettings {
  readonly seed: number;
  readonly durationMs: number;
  readonly places: number;
  readonly armsPerPoint: number;
  readonly sessionTimeoutMs: number;
}

const CALM_MS = 10_000;
const STUCK_MS = 12_000;
/** After the loss of a worker so much more than its session is left for the others to take over. */
const TAKE_OVER_MS = 6_000;
/** So much of the end is free of new faults: what is armed gets its time. */
const TAIL_MS = 15_000;
/** Short for a link, long for a request: steps time out after 3 s. */
const LINK_MS = [1_500, 6_000] as const;
const SLOW_MS = [50, 400] as const;
const RESET_BYTES = [1, 8_000] as const;
/** A connection to the site carries one step after the other, about 1 KB each. */
const RESET_SITE_BYTES = [1, 2_000] as const;
/** A fault for everybody comes once in so many of one link. */
const COMMON_SHARE = 0.25;
const FAULT_EVERY_MS = 4_000;

/** How often a point is passed differs: so many times at most before the end, so that it comes soon. */
const PASSINGS_MAX: Readonly<Record<Point, number>> = {
  committing: 60,
  committed: 60,
  settling: 1,
  raised: 1,
  calling: 120,
  called: 120,
  parking: 2,
  parked: 2,
  'page-read': 2,
  commanding: 1,
  'taking-over': 4,
  'taken-over': 4,
  publishing: 60,
  published: 60,
  'offset-noted': 12,
  revoked: 2,
  drained: 2,
};

export function makeSchedule(settings: ScheduleSettings): Schedule {
  const { seed, durationMs } = settings;
  const random = new Seeded(seed);
  const opening = openingOf(settings);
  const opened = Math.max(...opening.map(({ atMs, forMs }) => atMs + forMs));
  const restMs = durationMs - TAIL_MS - opened;
  const missing: readonly FaultKind[] = FAULT_KINDS.filter(
    (kind) => !opening.some((fault) => fault.kind === kind),
  );
  const count = Math.max(missing.length, Math.floor(restMs / FAULT_EVERY_MS));
  const kinds: FaultKind[] = [...missing];
  while (kinds.length < count) kinds.push(anyKind(random));
  const everyMs = restMs / (kinds.length + 1);
  const rest = shuffled(kinds, random).map((kind, index) => {
    const atMs = opened + everyMs * (index + 1 + 0.8 * (random.next() - 0.5));
    return faultOf(kind, Math.round(atMs), { random, settings });
  });
  return {
    seed,
    durationMs,
    calmMs: CALM_MS,
    faults: [...opening, ...rest].toSorted((a, b) => a.atMs - b.atMs),
    arms: armsOf(random, settings),
  };
}

/** SC3. */
function openingOf({ places, sessionTimeoutMs }: ScheduleSettings): Fault[] {
  const faults: Fault[] = [{ atMs: CALM_MS, kind: 'stuck', place: 0, forMs: STUCK_MS, amount: 0 }];
  const lossMs = sessionTimeoutMs + TAKE_OVER_MS;
  let atMs = CALM_MS + STUCK_MS;
  for (let place = 0; place < places; place += 1) {
    const kind = WORKER_FAULTS[place % WORKER_FAULTS.length] ?? 'kill';
    const lasts = kind === 'freeze' || kind === 'silent-host';
    faults.push({ atMs, kind, place, forMs: lasts ? lossMs : 0, amount: 0 });
    atMs += kind === 'stop' ? TAKE_OVER_MS : lossMs;
  }
  return faults;
}

function anyKind(random: Seeded): FaultKind {
  const share = random.next();
  if (share < COMMON_SHARE) return random.pick(COMMON_FAULTS);
  return share < 2 * COMMON_SHARE ? random.pick(WORKER_FAULTS) : random.pick(LINK_FAULTS);
}

function faultOf(
  kind: FaultKind,
  atMs: number,
  { random, settings }: { readonly random: Seeded; readonly settings: ScheduleSettings },
): Fault {
  const place = random.below(settings.places);
  const within = ([from, to]: readonly [number, number]): number => from + random.below(to - from);
  const forMs = within(LINK_MS);
  const amount = kind.startsWith('reset')
    ? within(kind === 'reset-site' ? RESET_SITE_BYTES : RESET_BYTES)
    : kind.startsWith('slow')
      ? within(SLOW_MS)
      : 0;
  const lossMs = settings.sessionTimeoutMs + TAKE_OVER_MS;
  if (kind === 'freeze' || kind === 'silent-host') return { atMs, kind, place, forMs: lossMs, amount };
  if (kind === 'kill' || kind === 'stop' || kind === 'backends')
    return { atMs, kind, place, forMs: 0, amount };
  return { atMs, kind, place, forMs, amount };
}

function armsOf(random: Seeded, { armsPerPoint }: ScheduleSettings): Arm[] {
  const points = Array.from({ length: armsPerPoint }, () => shuffled(POINTS, random)).flat();
  return points.map((point) => ({ point, passing: 1 + random.below(PASSINGS_MAX[point]) }));
}

function shuffled<T>(items: readonly T[], random: Seeded): T[] {
  const left = [...items];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.below(left.length), 1));
  return drawn;
}

export function faultText({ atMs, kind, place, forMs, amount }: Fault): string {
  const common = (COMMON_FAULTS as readonly string[]).includes(kind);
  const details = [
    ...(common ? [] : [`place ${place}`]),
    ...(forMs === 0 ? [] : [`for ${(forMs / 1000).toFixed(1)} s`]),
    ...(amount === 0 ? [] : [kind.startsWith('slow') ? `${amount} ms late` : `after ${amount} bytes`]),
  ];
  return `${(atMs / 1000).toFixed(1)} s ${kind}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

export function scheduleText({ seed, durationMs, faults, arms }: Schedule): string[] {
  return [
    `schedule of seed ${seed}: ${faults.length} faults in ${durationMs / 1000} s, ${arms.length} kill points`,
    ...faults.map((fault) => `  ${faultText(fault)}`),
    `  kill points: ${arms.map(({ point, passing }) => `${point}:${passing}`).join(' ')}`,
  ];
}
