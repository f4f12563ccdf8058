/**
 * What API, CLI and page ask of single things, straight from the ledger's tables. One statement an answer (`why` looks
 * up the number of partitions first), so each answer is one snapshot; the statements are in sql/read-*.sql.
 */
import { readFileSync } from 'node:fs';
import type {
  DeadLetterFilter,
  DeadLetterView,
  FleetStatus,
  LocationView,
  ReadModel,
  TransactionView,
  Why,
} from '../../engine/ports-read.ts';
import { ReadPool, type ReadPoolOptions } from './read-pool.ts';
import {
  type DeadLetterRow,
  deadLetterView,
  type LocationsRow,
  locationViews,
  type StatusRow,
  statusView,
  type TransactionRow,
  transactionView,
  type WhyRow,
  whyView,
} from './read-views.ts';
import { PARTITIONS_SQL, partitionIn } from './topic-partitions.ts';

export interface ReadModelOptions extends ReadPoolOptions {
  readonly topic: string;
  readonly group: string;
  /** Slots of a location that no operator has set (`Types.concurrencyOf`); by default 1. */
  readonly concurrencyOf?: (location: string) => number;
}

/** Rows of one list: what a page shows and a terminal scrolls through. */
const LIST_MAX = 1_000;

function sql(name: string): string {
  return readFileSync(new URL(`./sql/read-${name}.sql`, import.meta.url), 'utf8');
}

/** The statements by what they read; each answers one json value in the column `answer`. */
export const READ_SQL = {
  status: sql('status'),
  partitions: PARTITIONS_SQL,
  transaction: sql('transaction'),
  why: sql('why'),
  locations: sql('locations'),
  deadLetters: sql('dead-letters'),
} as const;

export class PostgresReadModel implements ReadModel {
  readonly #pool: ReadPool;
  readonly #topic: string;
  readonly #group: string;
  readonly #concurrencyOf: (location: string) => number;

  constructor(options: ReadModelOptions) {
    this.#topic = options.topic;
    this.#group = options.group;
    this.#concurrencyOf = options.concurrencyOf ?? (() => 1);
    this.#pool = new ReadPool(options);
  }

  async status(): Promise<FleetStatus> {
    const row = await this.#pool.one<StatusRow>(READ_SQL.status, [this.#topic, this.#group]);
    return statusView(row, { topic: this.#topic, group: this.#group });
  }

  async transaction(id: string): Promise<TransactionView | null> {
    const row = await this.#pool.find<TransactionRow>(READ_SQL.transaction, [id]);
    return row === null ? null : transactionView(row);
  }

  async why(location: string): Promise<Why> {
    const partition = await partitionIn(this.#pool, this.#topic, location);
    const row = await this.#pool.one<WhyRow>(READ_SQL.why, [this.#topic, location, partition]);
    return whyView(row, { location, concurrency: this.#concurrencyOf(location) });
  }

  async locations(limit: number): Promise<LocationView[]> {
    const values = [this.#topic, this.#group, bounded(limit)];
    return locationViews(await this.#pool.one<LocationsRow>(READ_SQL.locations, values), this.#concurrencyOf);
  }

  async deadLetters({ unresolved, code, limit }: DeadLetterFilter): Promise<DeadLetterView[]> {
    const values = [this.#topic, bounded(limit), unresolved, code];
    const rows = await this.#pool.one<DeadLetterRow[]>(READ_SQL.deadLetters, values);
    return rows.map(deadLetterView);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

function bounded(limit: number): number {
  return Math.min(Math.max(0, Math.trunc(limit)), LIST_MAX);
}
