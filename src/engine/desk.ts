/** What operators want of this worker: commands for its partitions, and limits of locations. */
import type { Limits } from './limits.ts';
import type { Partition } from './partition.ts';
import type { Ledger } from './ports-ledger.ts';

export interface DeskOptions {
  readonly ledger: Ledger;
  readonly limits: Limits;
}

export class Desk {
  readonly #options: DeskOptions;
  /** Database clock of the last look at the limits; null: none yet. */
  #limitsAtMs: number | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Throws LedgerError when the ledger is away: nothing is lost, the next look finds it. */
  async look(running: readonly Partition[]): Promise<void> {
    const { ledger, limits } = this.#options;
    const changed = await ledger.limits(this.#limitsAtMs);
    this.#limitsAtMs = changed.atMs;
    if (limits.apply(changed.limits)) for (const partition of running) partition.pumpAll();
    if (running.length === 0) return;
    const byPartition = new Map(running.map((each) => [each.state.partition, each]));
    const commands = await ledger.commands([...byPartition.keys()]);
    if (commands.length === 0) return;
    const rows = await ledger.read([...new Set(commands.map(({ id }) => id))]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const command of commands) {
      byPartition.get(command.partition)?.commands.take(command, byId.get(command.id));
    }
  }
}
