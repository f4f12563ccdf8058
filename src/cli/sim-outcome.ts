/** What a simulation found, for the terminal, JSON and the report. */
import type { Totals } from '../sim/campaign.ts';

/** A failure as it is told: made smaller, with its story and the command that shows it again. */
export interface ToldFailure {
  readonly command: string;
  readonly violations: readonly string[];
  readonly story: readonly string[];
}

export interface SimOutcome {
  readonly ok: boolean;
  readonly machine: string;
  /** Of the clock on the wall, in ms. */
  readonly tookMs: number;
  readonly threads: number;
  readonly totals: Totals;
  readonly neverReached: readonly string[];
  /** Plans of the exhaustive mode that never happened as a whole. */
  readonly unhappened: readonly string[];
  readonly failures: readonly ToldFailure[];
  readonly notes: readonly string[];
}
