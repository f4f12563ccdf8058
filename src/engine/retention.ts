/**
 * Deletes finals past their time (design 6): past the dedupe window and past the retention of the topic, because a
 * record that can be read again must be recognised; and only what is published.
 */
import type { WorkerDoors } from './options.ts';
import type { Partition } from './partition.ts';

/** Rows of one statement: some ms of work. */
const BATCH_ROWS = 500;
/** Batches a partition and round: 1,000 rows/s and worker at 10 s a round and two partitions, and little in its way. */
const BATCHES_MAX = 10;

export class Retention {
  readonly #doors: Pick<WorkerDoors, 'ledger' | 'log' | 'settings'>;

  constructor(doors: Pick<WorkerDoors, 'ledger' | 'log' | 'settings'>) {
    this.#doors = doors;
  }

  /** Throws LedgerError when the ledger is away. A topic that keeps its records for ever keeps its finals too. */
  async prune(running: readonly Partition[]): Promise<void> {
    const { ledger, log, settings } = this.#doors;
    if (running.length === 0 || log.topic.retentionMs === null) return;
    const olderThanMs = Math.max(settings.dedupeWindowMs, log.topic.retentionMs);
    for (const { state } of running) {
      for (let batch = 0; batch < BATCHES_MAX && state.alive; batch += 1) {
        const deleted = await ledger.prune(state.partition, olderThanMs, BATCH_ROWS);
        if (deleted < BATCH_ROWS) break;
      }
    }
  }
}
