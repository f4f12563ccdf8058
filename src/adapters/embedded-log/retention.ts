/**
 * Deletes old records of the partitions a worker owns, of the topic and of its results, so that a log that runs
 * for weeks does not fill the disk.
 *
 * RT1 Nothing that some group has not accounted is deleted (delete_old in migrations/0003_retention.sql).
 */
import type { World } from '../../engine/ports.ts';
import { Bell } from './bell.ts';
import type { Database } from './database.ts';
import { DELETE_OLD } from './statements.ts';

export interface RetentionOptions {
  readonly database: Database;
  readonly world: World;
  /** Numbers of the topics. */
  readonly topics: readonly number[];
  readonly owned: () => readonly number[];
  /** Records younger than this are kept, in ms. */
  readonly keepMs: number;
  /** Time between two rounds, in ms. */
  readonly everyMs: number;
}

/** A few ms of work for the database, and no long lock on the partition's row. */
const BATCH_RECORDS = 1_000;
/** 100,000 records a partition and round: more than is appended between two, so a backlog shrinks. */
const BATCHES_MAX = 100;
/** Lets the others have the disk between two batches. */
const PAUSE_MS = 50;

export class Retention {
  readonly #options: RetentionOptions;
  readonly #bell: Bell;
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#bell.wait(this.#options.everyMs);
      for (const partition of this.#options.owned()) {
        for (const topic of this.#options.topics) await this.#deleteOld(topic, partition);
      }
    }
  }

  async #deleteOld(topic: number, partition: number): Promise<void> {
    const { database, keepMs } = this.#options;
    const values = [topic, partition, Math.ceil(keepMs), BATCH_RECORDS];
    for (let batch = 0; batch < BATCHES_MAX && !this.#closed; batch += 1) {
      try {
        const [row] = await database.query<{ deleted: number }>(DELETE_OLD, values);
        if ((row?.deleted ?? 0) < BATCH_RECORDS) return;
      } catch {
        return; // The next round tries again; that the database is away is told by the group's loop.
      }
      await this.#bell.wait(PAUSE_MS);
    }
  }
}
