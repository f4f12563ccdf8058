/**
 * The servers of one ledger at the start of a process: migrated, each marked as the shard that it is, and compared with
 * what they were told to be. The marks are in migrations/0008_shards.sql.
 *
 * PS1 Servers are marked in order, all with the set of the first; only ones that were never used. When each has its mark
 *     the first says so: an empty server in the place of another is not taken for a new one afterwards.
 * PS2 Servers that are named in another order, another number, or together with one of another set, are refused
 *     (SB-2013): partitions would begin anew where nothing is known of them.
 * PS3 What can be compared is, also while one of them is away.
 */
import { readFileSync } from 'node:fs';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { LedgerError } from '../../engine/ports-ledger.ts';
import { ConnectionPool } from './connection.ts';
import { connectionError, sqlState } from './errors.ts';
import { checkSchema, type Migrated, type MigrateOptions } from './migrate.ts';

interface Mark {
  readonly setId: string;
  readonly number: number;
  readonly shards: number;
  readonly complete: boolean;
}

/** SQLSTATE of migrations/0008_shards.sql. */
const HAS_BEEN_USED = 'SB005';

function sql(name: string): string {
  return readFileSync(new URL(`./sql/shard-${name}.sql`, import.meta.url), 'utf8');
}

const SQL = { read: sql('read'), become: sql('become'), complete: sql('complete') } as const;

/** Of a ledger on one server: throws SB-2013 when it is a shard of several. */
export async function checkAlone(server: MigrateOptions): Promise<void> {
  const mark = await onServer(server, null, readMark);
  if (mark !== null) {
    const { number, shards } = mark;
    throw notThese(`it is shard ${number} of ${shards}; only this one is named`);
  }
}

/**
 * Migrates and marks the servers where that is allowed, and compares them. Throws SB-2013, SB-2001 while one is away, and
 * what `checkSchema` throws.
 */
export async function prepareShards(
  servers: readonly MigrateOptions[],
  allowMigrate: boolean,
): Promise<Migrated> {
  const checked = await Promise.allSettled(servers.map((server) => checkSchema(server, allowMigrate)));
  const failures = checked.flatMap((each, number) =>
    each.status === 'rejected' ? [ofShard(number, each.reason)] : [],
  );
  const fatal = failures.find((error) => error.code !== 'SB-2001');
  if (fatal !== undefined) throw fatal;
  const marks = await Promise.all(
    servers.map((server, number) =>
      checked[number]?.status === 'fulfilled' ? onServer(server, number, readMark) : null,
    ),
  );
  compare(marks, servers.length);
  const [away] = failures;
  if (away !== undefined) throw away;
  if (marks.includes(null) || marks[0]?.complete !== true) await mark(servers, marks, allowMigrate);
  const applied = checked.flatMap((each, number) =>
    each.status === 'fulfilled' ? each.value.applied.map((name) => `shard ${number}: ${name}`) : [],
  );
  return { applied };
}

/** Null: no mark, or not read. */
function compare(marks: readonly (Mark | null)[], shards: number): void {
  const [first] = marks.filter((each) => each !== null);
  for (const [number, found] of marks.entries()) {
    if (found === null || first === undefined) continue;
    if (found.shards !== shards)
      throw notThese(`server ${number} is a shard of ${found.shards}; ${shards} are named`);
    if (found.number !== number) throw notThese(`server ${number} is shard ${found.number}`);
    if (found.setId !== first.setId)
      throw notThese(`server ${number} is a shard of another ledger than those before it`);
  }
}

/** PS1. */
async function mark(
  servers: readonly MigrateOptions[],
  before: readonly (Mark | null)[],
  allowed: boolean,
): Promise<void> {
  const [first, firstMark] = [servers[0], before[0]];
  if (first === undefined || firstMark === undefined) return;
  for (const [number, found] of before.entries()) {
    const others = firstMark?.complete === true || before.slice(number).some((each) => each !== null);
    if (found === null && others)
      throw notThese(`server ${number} is empty, and others are shards of a ledger`);
  }
  if (!allowed) throw new SignalboxError('SB-2003', 'its servers are not marked as shards', { final: true });
  const made: (Mark | null)[] = [];
  for (const [number, server] of servers.entries()) {
    const setId = made[0]?.setId ?? null;
    made.push(await onServer(server, number, (pool) => become(pool, { setId, number, servers })));
  }
  compare(made, servers.length);
  await onServer(first, 0, (pool) => pool.run((client) => client.query(SQL.complete)));
}

async function become(
  pool: ConnectionPool,
  { setId, number, servers }: { setId: string | null; number: number; servers: readonly unknown[] },
): Promise<Mark | null> {
  try {
    await pool.run((client) => client.query(SQL.become, [setId, number, servers.length]));
  } catch (error) {
    if (error instanceof LedgerError && sqlState(error.cause) === HAS_BEEN_USED)
      throw notThese(`server ${number} has been used as a ledger of its own`);
    throw error;
  }
  return readMark(pool);
}

async function readMark(pool: ConnectionPool): Promise<Mark | null> {
  const { rows } = await pool.run((client) => client.query<Mark>(SQL.read));
  return rows[0] ?? null;
}

async function onServer<T>(
  server: MigrateOptions,
  number: number | null,
  work: (pool: ConnectionPool) => Promise<T>,
): Promise<T> {
  const pool = new ConnectionPool({ applicationName: 'signalbox shards', ...server, connectionsMax: 1 });
  try {
    return await work(pool);
  } catch (error) {
    throw ofShard(number, error instanceof LedgerError ? error.cause : error);
  } finally {
    await pool.close();
  }
}

function ofShard(number: number | null, error: unknown): SignalboxError {
  const known = connectionError(error);
  if (number === null || known.code === 'SB-2013') return known;
  const { code, detail, final } = known;
  return new SignalboxError(code, `shard ${number}: ${detail}`, { cause: error, final });
}

function notThese(detail: string): SignalboxError {
  return new SignalboxError('SB-2013', detail, { final: true });
}
