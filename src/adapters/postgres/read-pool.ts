/**
 * Connections for reading: each session is read-only, and no statement may take longer than five seconds.
 *
 * V1 Reads only.
 * V2 Never depends on planner statistics: sessions avoid sequential and bitmap scans, so a read of a table that
 *    has just grown still goes through its indexes, and only through them where they hold all that is asked.
 * V3 Connects at the first read and again after a failure. Every failure is a SignalboxError: SB-2001 cannot be
 *    reached or takes too long, SB-2002 credentials, SB-2003 not migrated, SB-2009 privileges, SB-2010 database.
 */
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { connectionError } from './errors.ts';

export interface ReadPoolOptions {
  readonly connectionString: string;
  /** Over what the connection string says of TLS. */
  readonly ssl?: boolean | ConnectionOptions;
}

/** Reads side by side: a page and a few people; more of them wait. */
const CONNECTIONS_MAX = 4;
const STATEMENT_TIMEOUT_MS = 5_000;
/** Longer than the server's own limit: this one is for a server that does not answer at all. */
const ANSWER_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Settings of each session (V1, V2). */
export const READ_SESSION = `SET default_transaction_read_only = on; SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
SET enable_seqscan = off; SET enable_bitmapscan = off; SET timezone = 'UTC'`;

export class ReadPool {
  readonly #pool: pg.Pool;

  constructor({ connectionString, ssl }: ReadPoolOptions) {
    this.#pool = new pg.Pool({
      connectionString,
      ...(ssl === undefined ? {} : { ssl }),
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

  /** The json value in the column `answer` of the one row. */
  async one<Answer>(statement: string, values: readonly unknown[] = []): Promise<Answer> {
    const answer = await this.find<Answer>(statement, values);
    if (answer === null) throw connectionError(new Error('the ledger gave no answer'));
    return answer;
  }

  /** The same; null when there is no row. */
  async find<Answer>(statement: string, values: readonly unknown[]): Promise<Answer | null> {
    try {
      const { rows } = await this.#pool.query<{ answer: Answer }>(statement, [...values]);
      return rows[0]?.answer ?? null;
    } catch (error) {
      throw connectionError(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
