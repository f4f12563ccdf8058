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
  /** So many worlds, with all faults, must reach every point. */
  readonly mustReachAll: boolean;
  /** Plans of the exhaustive mode that never happened as a whole. */
  readonly unhappened: readonly string[];
  readonly failures: readonly ToldFailure[];
  readonly notes: readonly string[];
}

/** In one line, for people. */
export function verdictOf({ ok, totals: { worlds, failures } }: Pick<SimOutcome, 'ok' | 'totals'>): string {
  if (ok) return 'Every world kept every promise';
  if (worlds === 0) return 'Nothing was run';
  if (failures.length === 0) return 'Every world kept its promises, but not all happened that must';
  return failures.length === 1 ? '1 world failed' : `${failures.length} worlds failed`;
}
