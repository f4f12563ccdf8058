/**
 * What operators want of this worker: commands for its partitions, and limits of locations.
 * DK1 The limits are known before the first partition is taken over: a pattern that is paused stays so over a restart.
 */
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

  /** DK1. Throws LedgerError when the ledger is away. */
  async knowLimits(): Promise<void> {
    if (this.#limitsAtMs === null) await this.#readLimits();
  }

  /**
   * Throws LedgerError when the ledger is away: nothing is lost, the next look finds it. `runningNow` is asked after
   * each answer: a partition may have been taken over meanwhile, with the limits of before.
   */
  async look(runningNow: () => readonly Partition[]): Promise<void> {
    const { ledger } = this.#options;
    if (await this.#readLimits()) for (const partition of runningNow()) partition.pumpAll();
    const running = runningNow();
    if (running.length === 0) return;
    await this.#compareCommits(running);
    const byPartition = new Map(running.map((each) => [each.state.partition, each]));
    const commands = await ledger.commands([...byPartition.keys()]);
    if (commands.length === 0) return;
    const ids = new Set(commands.map(({ id }) => id));
    const rows = await ledger.read([...ids], [...new Set(commands.map(({ partition }) => partition))]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const command of commands) {
      byPartition.get(command.partition)?.commands.take(command, byId.get(command.id));
    }
  }

  /** A partition with nothing to commit would never hear that the ledger has lost history. */
  async #compareCommits(running: readonly Partition[]): Promise<void> {
    const answered = running.map(({ state }) => state.commits);
    const held = await this.#options.ledger.commits(running.map(({ state }) => state.partition));
    for (const [index, partition] of running.entries()) {
      const commits = held.get(partition.state.partition) ?? 0;
      if (partition.state.alive && commits < (answered[index] ?? 0)) partition.disturbed();
    }
  }

  /** Whether something changed. */
  async #readLimits(): Promise<boolean> {
    const { ledger, limits } = this.#options;
    const changed = await ledger.limits(this.#limitsAtMs);
    this.#limitsAtMs = changed.atMs;
    return limits.apply(changed.limits);
  }
}
