/** Dead letters on Postgres (src/engine/ports-dead-letters.ts says what each method promises). */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { byteString } from '../../core/byte-string.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { DeadLetterDesk, StoredDeadLetter } from '../../engine/ports-dead-letters.ts';
import type { Who } from '../../engine/ports-operate.ts';
import type { DeadLetterAt, DeadLetterState } from '../../engine/ports-read.ts';
import { ConnectionPool } from './connection.ts';
import { headersIn } from './headers-text.ts';

export interface DeadLetterDeskOptions {
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  readonly topic: string;
}

const SQL = {
  find: sqlFile('find'),
  replaying: sqlFile('replaying'),
  replayed: sqlFile('replayed'),
  discard: sqlFile('discard'),
  holds: sqlFile('holds'),
} as const;

function sqlFile(name: string): string {
  return readFileSync(new URL(`./sql/dead-letter-${name}.sql`, import.meta.url), 'utf8');
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: string | null;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly id: string | null;
  readonly location: string | null;
  readonly at: Date;
  readonly record_at: Date;
  readonly state: DeadLetterState;
  readonly replayed_as: string | null;
  readonly resolved_at: Date | null;
  readonly resolved_by: string | null;
  readonly resolved_reason: string | null;
}

export class PostgresDeadLetterDesk implements DeadLetterDesk {
  readonly #topic: string;
  readonly #pool: ConnectionPool;

  /** Connects at the first call. */
  constructor({ topic, ...connection }: DeadLetterDeskOptions) {
    this.#topic = topic;
    this.#pool = new ConnectionPool({
      ...connection,
      applicationName: 'signalbox dead letters',
      connectionsMax: 1,
    });
  }

  async find(at: DeadLetterAt): Promise<StoredDeadLetter | null> {
    const { rows } = await this.#pool.run((client) => client.query<Row>(SQL.find, this.#place(at)));
    const [row] = rows;
    return row === undefined ? null : storedOf(row);
  }

  async holdsTransaction(id: string): Promise<boolean> {
    return await this.#changes(SQL.holds, [id]);
  }

  async replaying(at: DeadLetterAt, replayedAs: string, { actor, reason }: Who): Promise<boolean> {
    return await this.#changes(SQL.replaying, [...this.#place(at), replayedAs, actor, reason]);
  }

  async replayed(at: DeadLetterAt): Promise<void> {
    await this.#changes(SQL.replayed, this.#place(at));
  }

  async discard(at: DeadLetterAt, { actor, reason }: Who): Promise<boolean> {
    return await this.#changes(SQL.discard, [...this.#place(at), actor, reason]);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #place({ partition, offset }: DeadLetterAt): unknown[] {
    return [this.#topic, partition, offset];
  }

  /** Whether the statement found a row. */
  async #changes(statement: string, values: unknown[]): Promise<boolean> {
    const { rowCount } = await this.#pool.run((client) => client.query(statement, values));
    return (rowCount ?? 0) > 0;
  }
}

function storedOf(row: Row): StoredDeadLetter {
  const { topic, partition, key, value, code, detail, id, location, state } = row;
  return {
    topic,
    partition,
    offset: Number(row.offset),
    key: key === null ? null : byteString(key),
    value: value === null ? null : byteString(value),
    headers: headersIn(row.headers),
    code,
    detail,
    id,
    location,
    at: row.at.toISOString(),
    recordAt: row.record_at.toISOString(),
    state,
    replayedAs: row.replayed_as,
    resolvedAt: row.resolved_at?.toISOString() ?? null,
    resolvedBy: row.resolved_by,
    resolvedReason: row.resolved_reason,
  };
}
