/** The levers of the demo: each breaks something, and the proof counters must stay 0. */
export const LEVERS = [
  'kill-worker',
  'cut-database',
  'lose-answer',
  'jam-location',
  'hold-kiosk',
  'bad-record',
  'rebalance',
] as const;
export type Lever = (typeof LEVERS)[number];

export interface LabEntry {
  /** RFC 3339. */
  readonly at: string;
  readonly lever: Lever;
  /** What was done, and what came of it so far. */
  readonly text: string;
}

export interface Lab {
  /** Begins it; what becomes of it is told in the log. */
  pull(lever: Lever): Promise<LabEntry>;
  /** The newest last. */
  log(): readonly LabEntry[];
}
