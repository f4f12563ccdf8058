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
import type { Server, ShardServers, Ssl } from './compose-shards.ts';

/** Where the ledger is, with the secrets in it: not for logs. */
export interface LedgerAddress {
  /** Of several servers the first. */
  readonly connectionString: string;
  readonly ssl: Ssl | undefined;
  /** This process started the embedded Postgres that it names. */
  readonly started: boolean;
  /** Null: one server has it all. */
  readonly shards: ShardServers | null;
}

export function embeddedDirectory(config: Config): string {
  return config.directory;
}

/** The configured ledger; without one the embedded Postgres is started, or found running. Throws SB-2011. */
export async function startLedger(
  config: Config,
  onProgress: (text: string) => void,
): Promise<LedgerAddress> {
  const configured = await configuredLedger(config);
  if (configured !== null) return configured;
  const server = await EmbeddedPostgres.start({ directory: embeddedDirectory(config), onProgress });
  const { connectionString, alreadyRunning } = server;
  return { connectionString, ssl: undefined, started: !alreadyRunning, shards: null };
}

/** Null: the embedded Postgres is. */
async function configuredLedger({ ledger, topic }: Config): Promise<LedgerAddress | null> {
  const [connectionString, ...more] = ledger.urls;
  if (connectionString === undefined) return null;
  const ssl = sslOf(ledger.tls);
  const alone = { connectionString, ssl, started: false, shards: null };
  if (more.length === 0) return alone;
  const { ShardServers } = await import('./compose-shards.ts');
  const servers = ledger.urls.map((url) => postgresOptions({ connectionString: url, ssl }));
  return { ...alone, shards: new ShardServers(servers, topic) };
}

/** The configured ledger, or the embedded Postgres if it runs. Throws SB-5007. */
export async function findLedger(config: Config): Promise<LedgerAddress> {
  const configured = await configuredLedger(config);
  if (configured !== null) return configured;
  const server = await EmbeddedPostgres.find(embeddedDirectory(config));
  if (server === null) throw new SignalboxError('SB-5007', embeddedDirectory(config));
  return { connectionString: server.connectionString, ssl: undefined, started: false, shards: null };
}

/** Whether the embedded Postgres answers; true where another ledger is configured. */
export async function embeddedRuns(config: Config): Promise<boolean> {
  return config.ledger.urls.length > 0 || (await EmbeddedPostgres.find(embeddedDirectory(config))) !== null;
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
  if (config.ledger.urls.length === 0) await stopEmbedded(embeddedDirectory(config));
}

/** An embedded Postgres that nobody else uses; one that does not answer is stopped by the one who started it. */
export async function stopOwnLedger(config: Config, address: LedgerAddress): Promise<void> {
  if (config.ledger.urls.length > 0) return;
  const shared = await ledgerIsShared(address).catch(() => !address.started);
  if (!shared) await stopLedger(config);
}

/**
 * Brings the ledger up to date where allowed, and compares its servers with what they were told to be; the names of what
 * was applied. Throws SB-2001 to SB-2010, SB-2013.
 */
export async function prepareLedger(
  address: LedgerAddress,
  allowMigrate: boolean,
): Promise<readonly string[]> {
  const { checkAlone, prepareShards } = await import('../adapters/postgres/prepare-shards.ts');
  if (address.shards !== null) return (await prepareShards(address.shards.servers, allowMigrate)).applied;
  const { applied } = await checkSchema(postgresOptions(address), allowMigrate);
  await checkAlone(postgresOptions(address));
  return applied;
}

export async function migrateLedger(address: LedgerAddress): Promise<readonly string[]> {
  if (address.shards !== null) return await prepareLedger(address, true);
  return (await migrate(postgresOptions(address))).applied;
}

export function openReadModel(config: Config, { shards, ...address }: LedgerAddress): ReadModel {
  const { topic, group } = config;
  const { concurrencyOf } = configuredTypes(config);
  const one = (server: Server) => new PostgresReadModel({ ...server, topic, group, concurrencyOf });
  return shards === null ? one(postgresOptions(address)) : shards.readModel(one);
}

export async function openLists(config: Config, { shards, ...address }: LedgerAddress): Promise<Lists> {
  const { PostgresLists } = await import('../adapters/postgres/lists.ts');
  const { topic, group } = config;
  const { concurrencyOf } = configuredTypes(config);
  const one = (server: Server) => new PostgresLists({ ...server, topic, group, concurrencyOf });
  return shards === null ? one(postgresOptions(address)) : shards.lists(one);
}

/** A ledger to read rows with: it never commits, so topic id and partitions do not matter. */
export function openLedgerReader(config: Config, address: LedgerAddress): Pick<Ledger, 'read' | 'close'> {
  const { topic, group, worker } = config;
  return openLedger(address, { topic, topicId: '', group, worker }, () => 0);
}

/** As many as WorkerSettings wants; each shard has its share of them. */
export function ledgerConnections({ shards }: LedgerAddress): number {
  return DEFAULT_SETTINGS.ledgerConnections * (shards?.servers.length ?? 1);
}

/** `topicPartitions`: as the topic has them now. */
export function openLedger(
  address: LedgerAddress,
  identity: ConstructorParameters<typeof PostgresLedger>[0]['identity'],
  topicPartitions: () => number,
): Ledger {
  const settings = { identity, ledgerConnections: ledgerConnections(address), allowMigrate: false };
  const one = (server: Server) => new PostgresLedger({ ...server, ...settings });
  const { shards } = address;
  return shards === null ? one(postgresOptions(address)) : shards.ledger(one, topicPartitions);
}

export async function openOperations(
  config: Config,
  { shards, ...address }: LedgerAddress,
): Promise<Operations> {
  const { PostgresOperations } = await import('../adapters/postgres/operations.ts');
  const { topic, group } = config;
  const one = (server: Server, shard: number | null) => new PostgresOperations({ ...server, topic, shard });
  const read = (server: Server) => new PostgresReadModel({ ...server, topic, group });
  return shards === null ? one(postgresOptions(address), null) : shards.operations(one, read);
}

export async function openDeadLetterDesk(
  config: Config,
  { shards, ...address }: LedgerAddress,
): Promise<DeadLetterDesk> {
  const { PostgresDeadLetterDesk } = await import('../adapters/postgres/dead-letter-desk.ts');
  const one = (server: Server) => new PostgresDeadLetterDesk({ ...server, topic: config.topic });
  return shards === null ? one(postgresOptions(address)) : shards.deadLetterDesk(one);
}

/** Of several servers the first. */
export function postgresOptions({
  connectionString,
  ssl,
}: Pick<LedgerAddress, 'connectionString' | 'ssl'>): Server {
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
