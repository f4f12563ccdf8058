/** What the metrics say of the whole fleet, from the ledger. */
import type { Lists } from '../engine/ports-lists.ts';
import type { ReadModel } from '../engine/ports-read.ts';

/** Attention lists the oldest of each state first, so a few rows would do; paused locations come by their parked rows. */
const ROWS = 500;

export interface FleetGaugesDoors {
  readonly read: Pick<ReadModel, 'status'>;
  readonly lists: Pick<Lists, 'attention' | 'openLocations' | 'deadLetterCodes'>;
}

/** Throws while the ledger is away. */
export async function fleetGauges({ read, lists }: FleetGaugesDoors) {
  const [fleet, attention, open, codes] = await Promise.all([
    read.status(),
    lists.attention(ROWS),
    lists.openLocations(),
    lists.deadLetterCodes(),
  ]);
  const nowMs = Date.parse(fleet.asOf);
  const oldestSeconds: Record<string, number> = {};
  const note = (state: string, since: string | null) => {
    if (since === null) return;
    const seconds = Math.max(0, (nowMs - Date.parse(since)) / 1000);
    oldestSeconds[state] = Math.max(oldestSeconds[state] ?? 0, seconds);
  };
  for (const { state, since } of attention) note(state, since);
  for (const { waitingSince } of open) note('parked', waitingSince);
  return {
    workersAlive: fleet.workers.filter(({ alive }) => alive).length,
    transactions: {
      executing: fleet.executing,
      in_doubt: fleet.inDoubt,
      reversing: fleet.reversing,
      held: fleet.held,
      parked: fleet.parked,
      waiting: fleet.waiting,
    },
    oldestSeconds,
    deadLetters: Object.fromEntries(codes.map(({ code, open: records }) => [code, records])),
  };
}
