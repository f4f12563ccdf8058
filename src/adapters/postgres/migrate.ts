/**
 * Migrations of the ledger: the numbered files in migrations/, run by node-pg-migrate.
 *
 * MI1 Several processes may start at once on an empty database: one migrates, the others wait for it.
 * MI2 A ledger that a newer version migrated is left alone (SB-2004).
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { type ConnectionOptions, clientConfig } from './connection.ts';
import { connectionError } from './errors.ts';

export interface MigrateOptions extends Omit<ConnectionOptions, 'applicationName'> {
  readonly applicationName?: string;
}

export interface Migrated {
  /** Names of the migrations applied by this call, in order; empty when there was nothing to do. */
  readonly applied: readonly string[];
}

export interface SchemaVersion {
  /** What the database has, compared with this version of Signalbox. */
  readonly state: 'missing' | 'older' | 'current' | 'newer';
  /** Name of the last migration it has; null when there is none. */
  readonly last: string | null;
}

const SCHEMA = 'signalbox';
const TABLE = 'migrations';
const DIRECTORY = fileURLToPath(new URL('./migrations', import.meta.url));
/** Another process migrates meanwhile: longer than any migration of a large ledger should take at a start. */
const WAIT_FOR_OTHERS = '120s';

/** Brings the ledger up to this version. Throws SB-2001, SB-2002, SB-2004, SB-2009, SB-2010. */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  return withClient(options, async (client) => {
    const version = await schemaVersion(client);
    if (version.state === 'newer') throw newer(version);
    await checkPrivileges(client);
    await client.query(`set lock_timeout = '${WAIT_FOR_OTHERS}'`);
    // Loaded here, because only the start of a process needs it.
    const { runner } = await import('node-pg-migrate');
    const applied = await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: 'up',
      schema: SCHEMA,
      createSchema: version.state === 'missing',
      migrationsTable: TABLE,
      advisoryLockMode: 'wait',
      log: () => undefined,
    });
    return { applied: applied.map(({ name }) => name) };
  });
}

/** Checks the ledger, and migrates it if that is allowed. Throws like `migrate`, and SB-2003 where it is not. */
export async function checkSchema(options: MigrateOptions, allowMigrate: boolean): Promise<Migrated> {
  const version = await withClient(options, schemaVersion);
  if (version.state === 'current') return { applied: [] };
  if (version.state === 'newer') throw newer(version);
  if (allowMigrate) return migrate(options);
  throw new SignalboxError('SB-2003', version.last === null ? '' : `it has ${version.last}`, { final: true });
}

export async function schemaVersion(client: pg.ClientBase): Promise<SchemaVersion> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${SCHEMA}.${TABLE}`,
  ]);
  if (rows[0]?.found !== true) return { state: 'missing', last: null };
  const names = await client.query<{ name: string }>(`select name from ${SCHEMA}.${TABLE} order by id`);
  const applied = names.rows.map(({ name }) => name);
  const known = knownMigrations();
  const last = applied.at(-1) ?? null;
  if (applied.some((name) => !known.includes(name))) return { state: 'newer', last };
  return { state: applied.length < known.length ? 'older' : 'current', last };
}

function knownMigrations(): string[] {
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.sql'));
  return files.map((name) => name.slice(0, -'.sql'.length)).sort();
}

/** node-pg-migrate wraps such an error into text; asked for beforehand it keeps its code. */
async function checkPrivileges(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ allowed: boolean | null; username: string }>(
    `select current_user as username, case when exists (select from pg_namespace where nspname = $1)
       then has_schema_privilege($1, 'create') else has_database_privilege(current_database(), 'create') end as allowed`,
    [SCHEMA],
  );
  if (rows[0]?.allowed !== true) throw new SignalboxError('SB-2009', `user ${rows[0]?.username}`);
}

async function withClient<T>(options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig({ applicationName: 'signalbox migrate', ...options }));
  // The same failure comes out of connect or query.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw connectionError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function newer({ last }: SchemaVersion): SignalboxError {
  return new SignalboxError('SB-2004', `it has ${last}`, { final: true });
}
