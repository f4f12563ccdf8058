/** The ledger of a configuration: found, started, migrated, and opened for each purpose. */
import { ConnectionPool } from '../adapters/postgres/connection.ts';
import { EmbeddedPostgres, stopEmbedded } from '../adapters/postgres/embedded.ts';
import { PostgresLedger } from '../adapters/postgres/ledger.ts';
import { checkSchema, migrate } from '../adapters/postgres/migrate.ts';
import { PostgresReadModel } from '../adapters/postgres/read-model.ts';
import type { Config, TlsConfig } from '../config/config.ts';
import { configuredTypes } from '../config/types.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { DEFAULT_SETTINGS } from '../engine/options.ts';
import type { DeadLetterDesk } from '../engine/ports-dead-letters.ts';
import type { Ledger } from '../engine/ports-ledger.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { Operations } from '../engine/ports-operate.ts';
import type { ReadModel } from '../engine/ports-read.ts';

/** Where the ledger is, with the secrets in it: not for logs. */
export interface LedgerAddress {
  readonly connectionString: string;
  readonly ssl: Ssl | undefined;
  /** This process started the embedded Postgres that it names. */
  readonly started: boolean;
}

export type Ssl = { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean };

export function embeddedDirectory(config: Config): string {
  return config.directory;
}

/** The configured ledger; without one the embedded Postgres is started, or found running. Throws SB-2011. */
export async function startLedger(
  config: Config,
  onProgress: (text: string) => void,
): Promise<LedgerAddress> {
  const { url } = config.ledger;
  if (url !== null) return { connectionString: url, ssl: sslOf(config.ledger.tls), started: false };
  const server = await EmbeddedPostgres.start({ directory: embeddedDirectory(config), onProgress });
  return { connectionString: server.connectionString, ssl: undefined, started: !server.alreadyRunning };
}

/** The configured ledger, or the embedded Postgres if it runs. Throws SB-5007. */
export async function findLedger(config: Config): Promise<LedgerAddress> {
  const { url } = config.ledger;
  if (url !== null) return { connectionString: url, ssl: sslOf(config.ledger.tls), started: false };
  const server = await EmbeddedPostgres.find(embeddedDirectory(config));
  if (server === null) throw new SignalboxError('SB-5007', embeddedDirectory(config));
  return { connectionString: server.connectionString, ssl: undefined, started: false };
}

/** Whether the embedded Postgres answers; true where another ledger is configured. */
export async function embeddedRuns(config: Config): Promise<boolean> {
  return config.ledger.url !== null || (await EmbeddedPostgres.find(embeddedDirectory(config))) !== null;
}

/** Whether somebody else is connected to the ledger's database: another worker, a command, a person. */
async function ledgerIsShared({ connectionString }: LedgerAddress): Promise<boolean> {
  const pool = new ConnectionPool({ connectionString, applicationName: 'signalbox stop', connectionsMax: 1 });
  try {
    const { rows } = await pool.run((client) => client.query<{ others: boolean }>(OTHERS));
    return rows[0]?.others ?? false;
  } finally {
    await pool.close();
  }
}

const OTHERS = `select count(*) > 0 as others from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`;

export async function stopLedger(config: Config): Promise<void> {
  if (config.ledger.url === null) await stopEmbedded(embeddedDirectory(config));
}

/** An embedded Postgres that nobody else uses; one that does not answer is stopped by the one who started it. */
export async function stopOwnLedger(config: Config, address: LedgerAddress): Promise<void> {
  if (config.ledger.url !== null) return;
  const shared = await ledgerIsShared(address).catch(() => !address.started);
  if (!shared) await stopLedger(config);
}

/** Brings the ledger up to date where allowed; the names of what was applied. Throws SB-2001 to SB-2010. */
export async function prepareLedger(
  address: LedgerAddress,
  allowMigrate: boolean,
): Promise<readonly string[]> {
  return (await checkSchema(postgresOptions(address), allowMigrate)).applied;
}

export async function migrateLedger(address: LedgerAddress): Promise<readonly string[]> {
  return (await migrate(postgresOptions(address))).applied;
}

export function openReadModel(config: Config, address: LedgerAddress): ReadModel {
  const { topic, group } = config;
  const { concurrencyOf } = configuredTypes(config);
  return new PostgresReadModel({ ...postgresOptions(address), topic, group, concurrencyOf });
}

export async function openLists(config: Config, address: LedgerAddress): Promise<Lists> {
  const { PostgresLists } = await import('../adapters/postgres/lists.ts');
  const { topic, group } = config;
  const { concurrencyOf } = configuredTypes(config);
  return new PostgresLists({ ...postgresOptions(address), topic, group, concurrencyOf });
}

/** A ledger to read rows with: it never commits, so the topic id does not matter. */
export function openLedgerReader(config: Config, address: LedgerAddress): Pick<Ledger, 'read' | 'close'> {
  const { topic, group, worker } = config;
  return openLedger(address, { topic, topicId: '', group, worker });
}

export function openLedger(
  address: LedgerAddress,
  identity: ConstructorParameters<typeof PostgresLedger>[0]['identity'],
): Ledger {
  const { ledgerConnections } = DEFAULT_SETTINGS;
  return new PostgresLedger({
    ...postgresOptions(address),
    identity,
    ledgerConnections,
    allowMigrate: false,
  });
}

export async function openOperations(config: Config, address: LedgerAddress): Promise<Operations> {
  const { PostgresOperations } = await import('../adapters/postgres/operations.ts');
  return new PostgresOperations({ ...postgresOptions(address), topic: config.topic });
}

export async function openDeadLetterDesk(config: Config, address: LedgerAddress): Promise<DeadLetterDesk> {
  const { PostgresDeadLetterDesk } = await import('../adapters/postgres/dead-letter-desk.ts');
  return new PostgresDeadLetterDesk({ ...postgresOptions(address), topic: config.topic });
}

export function postgresOptions({ connectionString, ssl }: LedgerAddress) {
  return { connectionString, ...(ssl === undefined ? {} : { ssl }) };
}

export function sslOf(tls: TlsConfig | null): Ssl | undefined {
  if (tls === null) return undefined;
  const { ca, cert, key, verify } = tls;
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    rejectUnauthorized: verify,
  };
}
