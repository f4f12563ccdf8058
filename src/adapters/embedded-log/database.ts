/**
 * The connections of the embedded log to Postgres, and its failures in the words of the catalogue.
 *
 * DB1 A statement is one round trip in autocommit; only the migration uses a transaction.
 * DB2 A statement ends within its time-out here and, a moment earlier, at the server; the connection of one that
 *     failed is not used again.
 * DB3 A failure is a SignalboxError; it never says a password.
 */
import pg from 'pg';
import { SignalboxError } from '../../core/errors/catalogue.ts';

export interface DatabaseOptions {
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  /** Shown in pg_stat_activity. */
  readonly name: string;
}

export interface Statement {
  /** Prepared once a connection under this name. */
  readonly name: string;
  readonly text: string;
}

/**
 * One for each user of its own pace: group, fetch, results, retention, end offsets; nobody waits for another.
 */
const CONNECTIONS_MAX = 5;
const CONNECT_MS = 5_000;
/** A healthy statement takes milliseconds; a batch on a slow disk under load a second. */
const STATEMENT_MS = 10_000;
/** The server gives up first, so that no statement outlives the one who waits for it by more than a moment. */
const SERVER_STATEMENT_MS = 9_000;
const IDLE_MS = 30_000;
/** After this, `close` leaves the rest to the server. */
const CLOSE_MS = 2_000;

export class Database {
  readonly #pool: pg.Pool;

  constructor(options: DatabaseOptions) {
    this.#pool = new pg.Pool({
      ...clientConfig(options),
      max: CONNECTIONS_MAX,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: SERVER_STATEMENT_MS,
      query_timeout: STATEMENT_MS,
    });
    // An idle connection that breaks is replaced at the next statement; there is nothing else to do about it.
    this.#pool.on('error', () => undefined);
  }

  async query<Row extends pg.QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
    timeoutMs = STATEMENT_MS,
  ): Promise<Row[]> {
    try {
      const { rows } = await this.#pool.query<Row>({
        name: statement.name,
        text: statement.text,
        values: [...values],
        query_timeout: Math.min(timeoutMs, STATEMENT_MS),
      } as pg.QueryConfig);
      return rows;
    } catch (error) {
      throw databaseProblem(error);
    }
  }

  /** Runs `work` in one transaction. */
  async transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    let failure: Error | undefined;
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseProblem(error);
    });
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // The connection is closed, which rolls back, instead of being given back in an unknown state.
      failure = error instanceof Error ? error : new Error(String(error));
      throw databaseProblem(error);
    } finally {
      client.release(failure);
    }
  }

  /** Ends the connections; does not wait longer than two seconds for those that hang. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#pool.end(), late]);
    clearTimeout(timer);
  }
}

export function clientConfig(options: DatabaseOptions): pg.ClientConfig {
  return {
    connectionString: options.connectionString,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    application_name: options.name,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  };
}

/** SQLSTATEs that have a code of their own; everything else that is not a defect is SB-2001. */
const CODES: Readonly<Record<string, 'SB-2002' | 'SB-2003' | 'SB-2009' | 'SB-2010' | 'SB-3002'>> = {
  '28000': 'SB-2002',
  '28P01': 'SB-2002',
  '3D000': 'SB-2010',
  '42501': 'SB-2009',
  '3F000': 'SB-2003',
  '42P01': 'SB-2003',
  '42883': 'SB-2003',
  P0002: 'SB-3002', // raised by signalbox_log.append
};

/** Any failure of pg as a SignalboxError; one of ours is passed through. */
export function databaseProblem(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const state = sqlState(error);
  const known = state === null ? undefined : CODES[state];
  const code = known ?? (isDefect(error, state) ? 'SB-2008' : 'SB-2001');
  return new SignalboxError(code, describe(error), { cause: error });
}

/** A statement or value of ours that Postgres does not take, or an exception of our own code. */
function isDefect(error: unknown, state: string | null): boolean {
  return state === null
    ? error instanceof TypeError || error instanceof RangeError
    : /^(22|23|42)/.test(state);
}

/** The SQLSTATE of an answer of the server; null when it did not answer. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

function describe(error: unknown): string {
  // Node joins the failures of several addresses into one error without a text.
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
