/**
 * Connections of the ledger: opened when they are needed, thrown away when anything about them is uncertain.
 *
 * C1 Each has the session settings of sql/session.sql before its first statement.
 * C2 A connection that lost an answer, or whose transaction is not known to have ended, is never used again.
 * C3 Every failure is a LedgerError: `refused` before the first statement was sent, else as errors.ts says.
 */
import pg from 'pg';
import { afterSent, notSent, sqlState } from './errors.ts';
import { SQL } from './sql-files.ts';

export interface ConnectionOptions {
  /** TLS by sslmode, sslrootcert, sslcert and sslkey in it, or by `ssl`. */
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

export interface PoolOptions extends ConnectionOptions {
  /** Most connections open at the same time. */
  readonly connectionsMax: number;
  /** No answer for this long counts as lost; default 40 s. */
  readonly answerTimeoutMs?: number;
}

/** A host that does not answer within this is away: longer than any handshake, shorter than a person's patience. */
const CONNECT_TIMEOUT_MS = 10_000;
/** 10 s above the server's own statement_timeout of 30 s. */
const ANSWER_TIMEOUT_MS = 40_000;
/** A dead peer is found by TCP, not only by the next statement. */
const KEEP_ALIVE_AFTER_MS = 10_000;

export function clientConfig({ connectionString, ssl, applicationName }: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString,
    ...(ssl === undefined ? {} : { ssl }),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  };
}

export class ConnectionPool {
  readonly #pool: pg.Pool;

  constructor(options: PoolOptions) {
    const { applicationName } = options;
    this.#pool = new pg.Pool({
      ...clientConfig(options),
      max: options.connectionsMax,
      idleTimeoutMillis: 0, // a commit must not pay for a new connection after a quiet minute
      query_timeout: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
      onConnect: (client) => prepareSession(client, applicationName),
    });
    // An idle connection broke: the pool has dropped it, and the next call opens another.
    this.#pool.on('error', () => undefined);
  }

  /** Runs `work` on a connection of its own. Throws LedgerError. */
  async run<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      const failure = afterSent(error);
      client.release(failure.failure === 'lost');
      throw failure;
    }
  }

  /** `run` inside one READ COMMITTED transaction. Throws LedgerError; `refused` and `rejected` left nothing. */
  transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.run(async (client) => {
      await client.query('begin isolation level read committed');
      try {
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        // Without an answer of the server `run` throws the connection away, which rolls back as well.
        if (sqlState(error) !== null) await client.query('rollback');
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw notSent(error);
    }
  }
}

async function prepareSession(client: pg.ClientBase, applicationName: string): Promise<void> {
  // Said again as an event while the client is ours, beside the rejected query: without a listener it ends the process.
  client.on('error', () => undefined);
  await client.query(SQL.session);
  // Also when the connection string names another: operators look for the worker's name.
  await client.query("select set_config('application_name', $1, false)", [applicationName]);
}
