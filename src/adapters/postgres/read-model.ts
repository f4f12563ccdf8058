/**
 * What API, CLI and page read, straight from the ledger's tables. One statement an answer (`why` looks up the
 * number of partitions first), so each answer is one snapshot; the statements are in sql/read-*.sql.
 *
 * V1 Reads only: each session is read-only, and no statement may take longer than five seconds.
 * V2 Never depends on planner statistics: sessions avoid sequential and bitmap scans, so a read of a table that
 *    has just grown still goes through its indexes, and only through them where they hold all that is asked.
 * V3 Connects at the first read and again after a failure. Every failure is a SignalboxError: SB-2001 cannot be
 *    reached or takes too long, SB-2002 credentials, SB-2003 not migrated, SB-2009 privileges, SB-2010 database.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { partitionOf } from '../../core/murmur2.ts';
import type {
  DeadLetterFilter,
  DeadLetterView,
  FleetStatus,
  LocationView,
  ReadModel,
  TransactionView,
  Why,
} from '../../engine/ports-read.ts';
import { connectionError } from './errors.ts';
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

export interface ReadModelOptions {
  readonly connectionString: string;
  /** Over what the connection string says of TLS. */
  readonly ssl?: boolean | ConnectionOptions;
  readonly topic: string;
  readonly group: string;
  /** Slots of a location that no operator has set (`Types.concurrencyOf`); by default 1. */
  readonly concurrencyOf?: (location: string) => number;
}

/** Reads side by side: a page and a few people; more of them wait. */
const CONNECTIONS_MAX = 4;
const STATEMENT_TIMEOUT_MS = 5_000;
/** Longer than the server's own limit: this one is for a server that does not answer at all. */
const ANSWER_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Rows of one list: what a page shows and a terminal scrolls through. */
const LIST_MAX = 1_000;
/** Newest results of a partition searched for the last one of a location: some milliseconds. */
const LAST_SEARCH_MAX = 5_000;

/** Settings of each session (V1, V2). */
export const READ_SESSION = `SET default_transaction_read_only = on; SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
SET enable_seqscan = off; SET enable_bitmapscan = off; SET timezone = 'UTC'`;

function sql(name: string): string {
  return readFileSync(new URL(`./sql/read-${name}.sql`, import.meta.url), 'utf8');
}

/** The statements by what they read; each answers one json value in the column `answer`. */
export const READ_SQL = {
  status: sql('status'),
  partitions: sql('partitions'),
  transaction: sql('transaction'),
  why: sql('why'),
  locations: sql('locations'),
  deadLetters: sql('dead-letters'),
} as const;

export class PostgresReadModel implements ReadModel {
  readonly #pool: pg.Pool;
  readonly #topic: string;
  readonly #group: string;
  readonly #concurrencyOf: (location: string) => number;

  constructor(options: ReadModelOptions) {
    this.#topic = options.topic;
    this.#group = options.group;
    this.#concurrencyOf = options.concurrencyOf ?? (() => 1);
    this.#pool = new pg.Pool({
      connectionString: options.connectionString,
      ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
      application_name: 'signalbox read',
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
      allowExitOnIdle: true,
      onConnect: async (client) => {
        await client.query(READ_SESSION);
      },
    });
    this.#pool.on('error', () => undefined); // an idle connection broke: the pool makes another when needed
  }

  async status(): Promise<FleetStatus> {
    const row = await this.#one<StatusRow>(READ_SQL.status, [this.#topic, this.#group]);
    return statusView(row, { topic: this.#topic, group: this.#group });
  }

  async transaction(id: string): Promise<TransactionView | null> {
    const row = await this.#find<TransactionRow>(READ_SQL.transaction, [id]);
    return row === null ? null : transactionView(row);
  }

  async why(location: string): Promise<Why> {
    const partition = await this.#partitionOf(location);
    const row = await this.#one<WhyRow>(READ_SQL.why, [this.#topic, location, partition, LAST_SEARCH_MAX]);
    return whyView(row, { location, concurrency: this.#concurrencyOf(location) });
  }

  async locations(limit: number): Promise<LocationView[]> {
    const values = [this.#topic, this.#group, bounded(limit)];
    return locationViews(await this.#one<LocationsRow>(READ_SQL.locations, values), this.#concurrencyOf);
  }

  async deadLetters({ unresolved, code, limit }: DeadLetterFilter): Promise<DeadLetterView[]> {
    const values = [this.#topic, bounded(limit), unresolved, code];
    const rows = await this.#one<DeadLetterRow[]>(READ_SQL.deadLetters, values);
    return rows.map(deadLetterView);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Where the key of the location falls; null while the ledger does not know all partitions of the topic. */
  async #partitionOf(location: string): Promise<number | null> {
    const known = await this.#one<{ count: number; highest: number | null }>(READ_SQL.partitions, [
      this.#topic,
    ]);
    if (known.highest === null || known.highest + 1 !== known.count) return null;
    return partitionOf(location, known.count);
  }

  async #one<Answer>(statement: string, values: readonly unknown[]): Promise<Answer> {
    const answer = await this.#find<Answer>(statement, values);
    if (answer === null) throw connectionError(new Error('the ledger gave no answer'));
    return answer;
  }

  /** The column `answer` of the one row; null when there is no row. */
  async #find<Answer>(statement: string, values: readonly unknown[]): Promise<Answer | null> {
    try {
      const { rows } = await this.#pool.query<{ answer: Answer }>(statement, [...values]);
      return rows[0]?.answer ?? null;
    } catch (error) {
      throw connectionError(error);
    }
  }
}

function bounded(limit: number): number {
  return Math.min(Math.max(0, Math.trunc(limit)), LIST_MAX);
}
