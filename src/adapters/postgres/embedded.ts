/**
 * A real Postgres from npm for machines that have none, started beside the worker and shared by every process
 * of one directory: `postgres/` (data), `postgres.log`, `postgres.json` (port and password, 0600),
 * `postgres.lock` (held while somebody starts or stops it).
 *
 * States of a data directory: absent → initialised → starting → ready → stopping → initialised.
 * D1 At most one process initialises, starts or stops it at a time (the lock).
 * D2 It appears whole: initdb works in another folder, which is renamed.
 * D3 The server outlives the process that started it, so the other workers go on when that one is killed.
 * D4 The port is kept; it moves on only when something else listens there.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { type Account, embeddedAccount, giveTo, launchAs } from './embedded-account.ts';
import { type Binaries, embeddedBinaries } from './embedded-binaries.ts';
import { withLock } from './embedded-lock.ts';
import { setLogAside, sizeOf, tail } from './embedded-log-file.ts';
import { endOrphans, endPostmaster, livingPostmaster } from './embedded-postmaster.ts';
import {
  type Access,
  configuration,
  connectionString,
  DATABASE,
  newAccess,
  nextPort,
  readAccess,
  USER,
  writeAccess,
} from './embedded-settings.ts';

export interface EmbeddedOptions {
  /** Folder of everything that belongs to this server; made when missing. */
  readonly directory: string;
  /** Port to try first when the directory is new; by default one that depends on the directory. */
  readonly port?: number;
  /** Short texts for people: `unpacking`, `initialising`, `starting`, `ready in 1.8 s`. */
  readonly onProgress?: (text: string) => void;
}

/** Replays at most 1 GB of WAL after a crash (max_wal_size) on a slow disk. */
const START_MS = 120_000;
/** Ports looked at in a row before giving up: more than one program would hold side by side. */
const PORTS_MAX = 50;
/** Starts on one port: the second one follows the end of orphaned backends, the third is spare. */
const STARTS_MAX = 3;
const POLL_MS = 25;
/** Exists from initdb on; the one of Signalbox is made under the lock. */
const MAINTENANCE_DATABASE = 'postgres';
const CONNECT_MS = 2_000;
interface Place {
  readonly directory: string;
  readonly data: string;
  readonly log: string;
  readonly access: string;
  readonly lock: string;
}

interface Running {
  readonly pid: number;
  readonly version: string;
  readonly access: Access;
}

type Start = ({ readonly outcome: 'ready' } & Running) | { readonly outcome: 'failed'; readonly log: string };

interface Launched {
  readonly pid: number;
  /** How it ended: `code 0`, `signal SIGKILL`, … */
  readonly ended: Promise<string>;
  /** From now on this process does not wait for the other. */
  readonly letGo: () => void;
}

export class EmbeddedPostgres {
  /** Database `signalbox` on 127.0.0.1, with the password in it: not for logs. */
  readonly connectionString: string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** For example `18.4`. */
  readonly version: string;
  /** Another process had started it; `stop` then does nothing. */
  readonly alreadyRunning: boolean;
  readonly logFile: string;
  readonly #place: Place;

  private constructor(place: Place, running: Running, alreadyRunning: boolean) {
    this.connectionString = connectionString(running.access, DATABASE);
    this.port = running.access.port;
    this.pid = running.pid;
    this.version = running.version;
    this.alreadyRunning = alreadyRunning;
    this.logFile = place.log;
    this.#place = place;
  }

  /** Starts the server of the directory, or finds it running. Throws SB-2011 with the end of its log. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const place = placeOf(options.directory);
    const beganAt = performance.now();
    const say = options.onProgress ?? (() => undefined);
    try {
      await mkdir(place.directory, { recursive: true });
      const known = await adopt(place, DATABASE, 0);
      if (known !== null) return new EmbeddedPostgres(place, known, true);
      return await withLock(place.lock, async () => {
        const other = await adopt(place, MAINTENANCE_DATABASE, START_MS);
        const running = other ?? (await startServer(place, options.port, say));
        await writeAccess(place.access, running.access);
        await makeDatabase(running.access);
        say(`ready in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`);
        return new EmbeddedPostgres(place, running, other !== null);
      });
    } catch (error) {
      throw asFailure(place, error);
    }
  }

  /**
   * The running server of the directory; null when none runs. Starts nothing. Throws SB-2011 when it cannot
   * look, for example because the files are another user's.
   */
  static async find(directory: string): Promise<EmbeddedPostgres | null> {
    const place = placeOf(directory);
    try {
      const running = await adopt(place, DATABASE, 0);
      return running === null ? null : new EmbeddedPostgres(place, running, true);
    } catch (error) {
      throw asFailure(place, error);
    }
  }

  /** Ends the server that this object started, after a checkpoint. Connections still open are cut. */
  async stop(): Promise<void> {
    if (!this.alreadyRunning) await stopServer(this.#place, this.pid);
  }
}

/** Ends the server of the directory, whoever started it. Resolves to whether one was running. */
export async function stopEmbedded(directory: string): Promise<boolean> {
  const place = placeOf(directory);
  const running = livingPostmaster(place.data);
  return running === null ? false : await stopServer(place, running.pid);
}

async function stopServer(place: Place, pid: number): Promise<boolean> {
  return await withLock(place.lock, async () => {
    if (livingPostmaster(place.data)?.pid !== pid) return false;
    if (await endPostmaster(place.data, pid)) return true;
    throw new SignalboxError('SB-2011', `process ${pid} does not end; its log is ${place.log}`);
  });
}

function placeOf(folder: string): Place {
  const directory = resolve(folder);
  const file = (name: string): string => join(directory, name);
  return {
    directory,
    data: file('postgres'),
    log: file('postgres.log'),
    access: file('postgres.json'),
    lock: file('postgres.lock'),
  };
}

// ------------------------------------------------------------------------------------- one already there

/** A server that runs already, waited for while it starts or stops; null when there is none. */
async function adopt(place: Place, database: string, waitMs: number): Promise<Running | null> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const postmaster = livingPostmaster(place.data);
    const access = await readAccess(place.access);
    if (postmaster === null || access === null) return null;
    const reached = { ...access, port: postmaster.port ?? access.port };
    const version = postmaster.status === 'ready' ? await askVersion(reached, database) : null;
    if (version !== null) return { pid: postmaster.pid, version, access: reached };
    if (performance.now() >= deadline) {
      if (waitMs === 0) return null;
      throw new SignalboxError(
        'SB-2011',
        `process ${postmaster.pid} does not answer; ${await tail(place.log, 0)}`,
      );
    }
    await delay(POLL_MS);
  }
}

async function askVersion(access: Access, database: string): Promise<string | null> {
  const client = newClient(access, database);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return rows[0]?.version.split(' ')[0] ?? null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function newClient(access: Access, database: string): pg.Client {
  const client = new pg.Client({
    connectionString: connectionString(access, database),
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'signalbox start',
  });
  client.on('error', () => undefined); // a broken connection fails the query under way, which is enough
  return client;
}

// ------------------------------------------------------------------------------------- a start

async function startServer(
  place: Place,
  firstPort: number | undefined,
  say: (text: string) => void,
): Promise<Running> {
  const binaries = await embeddedBinaries(() => say('unpacking'));
  const account = await embeddedAccount(place.data);
  let access = await readAccess(place.access);
  if (access === null || !existsSync(place.data)) {
    access = access ?? newAccess(place.directory, firstPort);
    await writeAccess(place.access, access);
    if (!existsSync(place.data)) {
      say('initialising');
      await initialise(place, binaries, { account, password: access.password });
    }
  }
  say('starting');
  await setLogAside(place.log);
  return await startOnSomePort(place, binaries, { account, access });
}

async function initialise(
  place: Place,
  binaries: Binaries,
  owner: { account: Account; password: string },
): Promise<void> {
  await removeDrafts(place);
  const draft = await mkdtemp(`${place.data}.new-`);
  const passwordFile = `${place.access}.initdb`;
  await giveTo(owner.account, draft);
  await writeFile(passwordFile, `${owner.password}\n`, { mode: 0o600 });
  try {
    await giveTo(owner.account, passwordFile);
    const from = await sizeOf(place.log);
    const child = await launch(place, owner.account, {
      program: binaries.initdb,
      arguments: [
        `--pgdata=${draft}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
        '--data-checksums',
      ],
    });
    const failure = await child.ended;
    if (failure !== 'code 0') throw await startFailure(place, `initdb ended with ${failure}`, from);
    await appendFile(join(draft, 'postgresql.conf'), "\ninclude_if_exists = 'signalbox.conf'\n");
    await rename(draft, place.data);
  } finally {
    await rm(passwordFile, { force: true });
    await removeDrafts(place);
  }
}

/** An initdb whose starter was killed may still be writing, hence the retries; it gives up when its folder goes. */
async function removeDrafts(place: Place): Promise<void> {
  for (const name of await readdir(place.directory)) {
    if (!name.startsWith('postgres.new-')) continue;
    await rm(join(place.directory, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function startOnSomePort(
  place: Place,
  binaries: Binaries,
  known: { account: Account; access: Access },
): Promise<Running> {
  let { access } = known;
  let starts = 0;
  for (let ports = 0; ports < PORTS_MAX; ) {
    const launched = await startOnce(place, binaries, { account: known.account, access });
    if (launched.outcome === 'ready') return launched;
    if (/could not bind|Address already in use/.test(launched.log)) {
      access = { ...access, port: nextPort(access.port) };
      ports += 1;
      starts = 0;
      continue;
    }
    starts += 1;
    if (!/still in use|lock file .* already exists/.test(launched.log) || starts >= STARTS_MAX) {
      throw new SignalboxError('SB-2011', describe(place, 'the server ended', launched.log));
    }
    if (livingPostmaster(place.data) === null) endOrphans(place.data);
  }
  throw new SignalboxError('SB-2011', `${PORTS_MAX} ports up to ${access.port} are taken`);
}

async function startOnce(
  place: Place,
  binaries: Binaries,
  known: { account: Account; access: Access },
): Promise<Start> {
  const { account, access } = known;
  const file = join(place.data, 'signalbox.conf');
  await writeFile(file, configuration(access.port), { mode: 0o600 });
  await giveTo(account, file);
  const from = await sizeOf(place.log);
  const child = await launch(place, account, { program: binaries.postgres, arguments: ['-D', place.data] });
  let ended: string | null = null;
  void child.ended.then((how) => {
    ended = how;
  });
  const deadline = performance.now() + START_MS;
  while (ended === null) {
    const own = livingPostmaster(place.data);
    const isUp = own?.pid === child.pid && own.status === 'ready';
    const version = isUp ? await askVersion(access, MAINTENANCE_DATABASE) : null;
    if (version !== null) {
      child.letGo();
      return { outcome: 'ready', pid: child.pid, version, access };
    }
    if (performance.now() > deadline) {
      await endPostmaster(place.data, child.pid);
      throw await startFailure(place, `not ready after ${START_MS / 1000} s`, from);
    }
    await delay(POLL_MS);
  }
  return { outcome: 'failed', log: await tail(place.log, from) };
}

/** Runs a program under the account, its output in the log, in a session of its own (D3). */
async function launch(
  place: Place,
  account: Account,
  command: { program: string; arguments: readonly string[] },
): Promise<Launched> {
  const how = await launchAs(account, { ...command, dataDirectory: place.data });
  const log = await open(place.log, 'a', 0o600);
  try {
    const child = spawn(how.command, [...how.arguments], {
      ...how.identity,
      cwd: place.directory,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    });
    const ended = new Promise<string>((settle) => {
      child.once('error', (error) => settle(error.message));
      child.once('exit', (code, signal) => settle(code === null ? `signal ${signal}` : `code ${code}`));
    });
    if (child.pid === undefined) {
      throw new SignalboxError('SB-2011', `cannot run ${command.program}: ${await ended}`);
    }
    return { pid: child.pid, ended, letGo: () => child.unref() };
  } finally {
    await log.close();
  }
}

async function makeDatabase(access: Access): Promise<void> {
  const client = newClient(access, MAINTENANCE_DATABASE);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function asFailure(place: Place, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  return new SignalboxError('SB-2011', `${place.directory}: ${String(error)}`, { cause: error });
}

async function startFailure(place: Place, what: string, from: number): Promise<SignalboxError> {
  return new SignalboxError('SB-2011', describe(place, what, await tail(place.log, from)));
}

function describe(place: Place, what: string, log: string): string {
  return `${what}; ${place.log} says: ${log}`;
}
