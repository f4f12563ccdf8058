/**
 * Makes a world that fails smaller while it still fails the same way: kinds of faults are dropped, sizes halved. What is
 * left out changes what is drawn, so each smaller world is tried under a few seeds.
 */
import { type Described, draw, SIZES, type Size } from './draw.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import { type OwnPlans, Scenario, type ScenarioOptions } from './scenario.ts';

export interface ShrinkOptions {
  readonly own?: OwnPlans | null;
  /** What no description says: a planted defect. */
  readonly also?: Partial<ScenarioOptions>;
  /** So many worlds are run at most. */
  readonly worldsMax?: number;
}

/** What a smaller world is worth. */
const WORLDS_MAX = 1_000;
/** Seeds that each smaller world is tried under. */
const SEEDS_EACH = 8;
/** Far enough away, and of the same family: a multiple of the number of families. */
const SEED_STEP = 12_000_000;
/** Below this many ms of faults nothing meets. */
const FAULT_MS_MIN = 2_000;

export interface Shrunk {
  readonly described: Described;
  readonly violations: readonly string[];
  /** How many worlds were run for it. */
  readonly worlds: number;
}

export async function shrink(
  failing: { readonly described: Described; readonly violations: readonly string[] },
  { own = null, also = {}, worldsMax = WORLDS_MAX }: ShrinkOptions = {},
): Promise<Shrunk> {
  const wanted = wayOf(failing.violations);
  let best = failing;
  let worlds = 0;
  const holds = async (described: Described): Promise<boolean> => {
    for (let turn = 0; turn < SEEDS_EACH && worlds < worldsMax; turn += 1) {
      const tried = { ...described, seed: (described.seed + turn * SEED_STEP) % 2 ** 31 };
      worlds += 1;
      const { violations } = await new Scenario({ ...draw(tried), ...also }, own).run();
      if (wayOf(violations) !== wanted) continue;
      best = { described: tried, violations };
      return true;
    }
    return false;
  };
  for (let isSmaller = true; isSmaller && worlds < worldsMax; ) {
    isSmaller = false;
    for (const smaller of smallerWorlds(best.described))
      if (await holds(smaller(best.described))) isSmaller = true;
  }
  return { ...best, worlds };
}

/** How it fails: the promise that is broken, or that it does not end. */
function wayOf(violations: readonly string[]): string | null {
  const [first] = violations;
  if (first === undefined) return null;
  return /^[SRL]\d+|^not converged/.exec(first)?.[0] ?? 'bug';
}

/** Steps that each make a world smaller, or leave it as it is. */
function smallerWorlds(described: Described): ((from: Described) => Described)[] {
  const options = draw(described);
  const kinds = FAULT_KINDS.filter((kind) => !(described.without ?? []).includes(kind));
  return [
    ...kinds.map((kind) => (from: Described) => ({ ...from, without: [...(from.without ?? []), kind] })),
    ...SIZES.filter((size) => options[size] > leastOf(size)).map((size) => (from: Described) => {
      const half = Math.max(leastOf(size), Math.floor(draw(from)[size] / 2));
      return { ...from, [size]: half };
    }),
  ];
}

function leastOf(size: Size): number {
  return size === 'faultMs' ? FAULT_MS_MIN : 1;
}
