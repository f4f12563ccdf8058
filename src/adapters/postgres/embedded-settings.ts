/**
 * What the embedded Postgres is set to: the stored secret and port, and the configuration file.
 *
 * E1 Durability is never traded: fsync and synchronous_commit are on.
 * E2 Only loopback, only with the password, which exists in one file that nobody else can read.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

export interface Access {
  readonly port: number;
  readonly password: string;
}

export const USER = 'signalbox';
export const DATABASE = 'signalbox';

/**
 * Ports are looked for from a place that depends on the folder, so that several folders rarely meet, and below
 * 32768, where systems begin to give ports to outgoing connections.
 */
const FIRST_PORT = 15_432;
const PORT_SPREAD = 10_000;

export async function readAccess(file: string): Promise<Access | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as Access);
}

export async function writeAccess(file: string, access: Access): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export function newAccess(directory: string, port: number | undefined): Access {
  const spread = createHash('sha256').update(directory).digest().readUInt32BE(0) % PORT_SPREAD;
  return { port: port ?? FIRST_PORT + spread, password: randomBytes(24).toString('base64url') };
}

export function nextPort(port: number): number {
  return port + 1 < FIRST_PORT + PORT_SPREAD ? port + 1 : FIRST_PORT;
}

export function connectionString(access: Access, database: string): string {
  return `postgresql://${USER}:${access.password}@127.0.0.1:${access.port}/${database}`;
}

/** Written at each start, so an upgrade of Signalbox brings its settings along. */
export function configuration(port: number): string {
  return `# Written by Signalbox at each start; changes are lost. To set something, use postgresql.conf below the
# include line, or a Postgres of your own (DATABASE_URL).
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '256MB'
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
checkpoint_timeout = '5min'
checkpoint_completion_target = 0.9
max_wal_size = '1GB'
min_wal_size = '256MB'
# Rows change often and are small: clean up early and quickly.
autovacuum_naptime = '15s'
autovacuum_vacuum_cost_limit = 2000
# Containers often have 64 MB of /dev/shm; nothing here needs parallel queries or compiled ones.
max_parallel_workers_per_gather = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
# The text of a failed statement may hold payloads.
log_min_error_statement = panic
cluster_name = 'signalbox'
`;
}
