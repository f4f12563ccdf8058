/** What the threads of a simulation are told, and what they say. */

import type { Totals } from '../sim/campaign.ts';
import type { Described } from '../sim/draw.ts';
import type { PlanChoice } from '../sim/exhaustive.ts';
import type { FaultKind } from '../sim/fault-kinds.ts';

/** Which worlds. */
export type Worlds =
  | { readonly mode: 'seeds'; readonly seed: number; readonly seeds: number | null }
  | { readonly mode: 'world'; readonly described: Described }
  | { readonly mode: 'exhaustive'; readonly plans: PlanChoice };

export interface SimWork {
  readonly worlds: Worlds;
  /** Unix time in ms after which no world starts; null: none. */
  readonly untilMs: number | null;
  readonly without: readonly FaultKind[];
  /** Configuration file whose plans are used; null: plans of the simulator's own. */
  readonly config: string | null;
  readonly folder: string;
  /** This thread runs every `of`-th world, from the `index`-th on. */
  readonly index: number;
  readonly of: number;
}

export interface SimNews {
  /** What was run since the last news. */
  readonly totals: Totals;
  /** Plans of the exhaustive mode that never happened as a whole. */
  readonly unhappened: readonly string[];
}
