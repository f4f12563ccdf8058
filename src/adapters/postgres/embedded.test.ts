/** The embedded Postgres, on real servers in temporary directories. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { ownPostgres } from '../../../test/fixtures/postgres.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { EmbeddedPostgres, stopEmbedded } from './embedded.ts';
import { linkLibraries } from './embedded-binaries.ts';
import { withLock } from './embedded-lock.ts';
import { livingPostmaster, processIdentity } from './embedded-postmaster.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const folders: string[] = [];

after(async () => {
  for (const folder of folders) {
    await stopEmbedded(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'signalbox-embedded-'));
  folders.push(made);
  return made;
}

async function ask(connectionString: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await delay(10);
  }
}

/** A process that starts the server of `directory`, prints how, and then lives until killed. */
function starter(directory: string, identity: { uid?: number; gid?: number } = {}): ChildProcess {
  const module = new URL('./embedded.ts', import.meta.url).href;
  const script = `const { EmbeddedPostgres } = await import('${module}');
const server = await EmbeddedPostgres.start({ directory: process.argv[1] });
console.log(JSON.stringify({ alreadyRunning: server.alreadyRunning, pid: server.pid }));
setInterval(() => undefined, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...identity,
  });
}

async function firstLine(child: ChildProcess): Promise<{ alreadyRunning: boolean; pid: number }> {
  assert.ok(child.stdout);
  const line = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  assert.ok(!line.done, 'the starter said nothing');
  return JSON.parse(line.value);
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe('EmbeddedPostgres', () => {
  test('starts a durable server that only loopback and the password reach', async () => {
    const directory = await folder();
    const said: string[] = [];
    const server = await EmbeddedPostgres.start({ directory, onProgress: (text) => said.push(text) });
    assert.equal(server.alreadyRunning, false);
    assert.equal(server.version, '18.4');
    assert.deepEqual(said.slice(-3, -1), ['initialising', 'starting']);
    assert.match(said.at(-1) ?? '', /^ready in \d+\.\d s$/);

    const rows = await ask(
      server.connectionString,
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'listen_addresses',
         'max_connections', 'wal_compression', 'unix_socket_directories', 'data_checksums', 'TimeZone')`,
    );
    assert.deepEqual(Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), {
      fsync: 'on',
      synchronous_commit: 'on',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
      wal_compression: 'pglz',
      unix_socket_directories: '',
      data_checksums: 'on',
      TimeZone: 'UTC',
    });
    assert.deepEqual(await ask(server.connectionString, 'SELECT current_database() AS name'), [
      { name: 'signalbox' },
    ]);
    assert.equal((await stat(join(directory, 'postgres.json'))).mode & 0o777, 0o600);
    const wrong = server.connectionString.replace(/:[^:@]+@/, ':wrong@');
    await assert.rejects(ask(wrong, 'SELECT 1'), /password authentication failed/);

    await server.stop();
    assert.equal(processIdentity(server.pid), null);
    await assert.rejects(ask(server.connectionString, 'SELECT 1'), /ECONNREFUSED/);
  });

  test('a second start finds the first one, and its stop leaves it alone', async () => {
    const directory = await folder();
    const first = await EmbeddedPostgres.start({ directory });
    const second = await EmbeddedPostgres.start({ directory });
    assert.deepEqual([second.alreadyRunning, second.pid], [true, first.pid]);
    assert.equal(second.connectionString, first.connectionString);
    await second.stop();
    assert.deepEqual(await ask(first.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);

    await first.stop();
    const third = await EmbeddedPostgres.start({ directory });
    assert.deepEqual([third.alreadyRunning, third.port], [false, first.port]);
    await third.stop();
  });

  test('find sees a running server and starts none', async () => {
    const directory = await folder();
    assert.equal(await EmbeddedPostgres.find(directory), null);
    assert.equal(await EmbeddedPostgres.find(join(directory, 'missing')), null);
    const server = await EmbeddedPostgres.start({ directory });
    const found = await EmbeddedPostgres.find(directory);
    assert.deepEqual([found?.pid, found?.alreadyRunning], [server.pid, true]);
    assert.equal(found?.connectionString, server.connectionString);
    await server.stop();
    assert.equal(await EmbeddedPostgres.find(directory), null);
  });

  test('of processes that start at once in a new directory, one starts it and all use it', async () => {
    const directory = await folder();
    const children = [starter(directory), starter(directory), starter(directory)];
    try {
      const found = await Promise.all(children.map(firstLine));
      assert.equal(found.filter(({ alreadyRunning }) => !alreadyRunning).length, 1);
      assert.equal(new Set(found.map(({ pid }) => pid)).size, 1);
    } finally {
      await Promise.all(children.map(kill));
    }
  });

  test('the server outlives the SIGKILL of the process that started it, and can be stopped by others', async () => {
    const directory = await folder();
    const child = starter(directory);
    const { pid } = await firstLine(child);
    await kill(child);
    const other = await EmbeddedPostgres.start({ directory });
    assert.deepEqual([other.alreadyRunning, other.pid], [true, pid]);
    assert.deepEqual(await ask(other.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
    assert.equal(await stopEmbedded(directory), true);
    assert.equal(livingPostmaster(join(directory, 'postgres')), null);
    assert.equal(await stopEmbedded(directory), false);
  });

  test('takes up what a process left that was killed while it initialised', async () => {
    const directory = await folder();
    const child = starter(directory);
    const drafts = async (): Promise<string[]> =>
      (await readdir(directory)).filter((name) => name.startsWith('postgres.new'));
    await until('initdb has begun', async () => {
      const [draft] = await drafts();
      return draft !== undefined && (await readdir(join(directory, draft))).length > 0;
    });
    await kill(child);
    const server = await EmbeddedPostgres.start({ directory });
    assert.deepEqual(await ask(server.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
    assert.deepEqual(await drafts(), []);
    await assert.rejects(stat(join(directory, 'postgres.lock')), { code: 'ENOENT' });
    await server.stop();
  });

  test('recovers what was committed after SIGKILL of the server, also while a backend is busy', async () => {
    const own = await ownPostgres();
    try {
      await ask(own.connectionString, 'CREATE TABLE kept AS SELECT 42 AS value');
      const client = new pg.Client({ connectionString: own.connectionString });
      client.on('error', () => undefined);
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const backend = rows[0]?.pid ?? 0;
      // Busy for minutes without waiting for anything: it does not notice that its server is gone.
      const busy = client.query('DO $$ BEGIN FOR i IN 1..2000000000 LOOP NULL; END LOOP; END $$');
      const broken = assert.rejects(busy);
      await until('the backend works', async () => {
        const active = `SELECT FROM pg_stat_activity WHERE pid = ${backend} AND state = 'active'`;
        return (await ask(own.connectionString, active)).length === 1;
      });
      const before = own.pid();
      await own.kill();
      await own.restart();
      await broken;
      assert.notEqual(own.pid(), before);
      assert.equal(processIdentity(backend), null);
      assert.deepEqual(await ask(own.connectionString, 'SELECT value FROM kept'), [{ value: 42 }]);
    } finally {
      await own.stop();
    }
    await assert.rejects(stat(own.directory), { code: 'ENOENT' });
  });

  test('makes the database when the process that started the server died before it could', async () => {
    const directory = await folder();
    const first = await EmbeddedPostgres.start({ directory });
    const maintenance = first.connectionString.replace(/signalbox$/, 'postgres');
    await ask(maintenance, 'DROP DATABASE signalbox WITH (FORCE)');
    const second = await EmbeddedPostgres.start({ directory });
    assert.deepEqual([second.alreadyRunning, second.pid], [true, first.pid]);
    assert.deepEqual(await ask(second.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
    await first.stop();
  });

  test('is not misled by the process id of a stranger in postmaster.pid', async () => {
    const directory = await folder();
    const first = await EmbeddedPostgres.start({ directory });
    await first.stop();
    const file = join(directory, 'postgres', 'postmaster.pid');
    await writeFile(
      file,
      `${process.pid}\n${directory}/postgres\n1\n${first.port}\n\n127.0.0.1\n\nready   \n`,
    );
    assert.equal(await stopEmbedded(directory), false);
    await writeFile(
      file,
      `${process.pid}\n${directory}/postgres\n1\n${first.port}\n\n127.0.0.1\n\nready   \n`,
    );
    const second = await EmbeddedPostgres.start({ directory });
    assert.deepEqual([second.alreadyRunning, second.port], [false, first.port]);
    await second.stop();
  });

  test('moves on from a port that something else took, and keeps the new one', async () => {
    const directory = await folder();
    const first = await EmbeddedPostgres.start({ directory });
    await first.stop();
    const stranger = createServer().listen(first.port, '127.0.0.1');
    await once(stranger, 'listening');
    const second = await EmbeddedPostgres.start({ directory });
    stranger.close();
    assert.notEqual(second.port, first.port);
    assert.deepEqual(await ask(second.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
    await second.stop();
    const third = await EmbeddedPostgres.start({ directory });
    assert.equal(third.port, second.port);
    await third.stop();
  });

  test('a server that does not come up is SB-2011 with its log', async () => {
    const directory = await folder();
    const first = await EmbeddedPostgres.start({ directory });
    await first.stop();
    await rm(join(directory, 'postgres', 'global', 'pg_control'));
    await assert.rejects(EmbeddedPostgres.start({ directory }), (error: unknown) => {
      assert.ok(error instanceof SignalboxError);
      assert.equal(error.code, 'SB-2011');
      assert.ok(error.detail.includes(join(directory, 'postgres.log')), error.detail);
      assert.match(error.detail, /could not find the database system/);
      return true;
    });
    await assert.rejects(stat(join(directory, 'postgres.lock')), { code: 'ENOENT' });
  });

  test('works in a folder that is closed to the account of the server', async () => {
    const outer = await folder();
    await chmod(outer, 0o700);
    const directory = join(outer, 'inner');
    folders.push(directory);
    const server = await EmbeddedPostgres.start({ directory });
    assert.deepEqual(await ask(server.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
    await server.stop();
  });

  test('works for a plain user, and root goes on with what that user made', async () => {
    const directory = await folder();
    if (isRoot) await chown(directory, NOBODY, NOBODY);
    const child = starter(directory, isRoot ? { uid: NOBODY, gid: NOBODY } : {});
    const { pid } = await firstLine(child);
    await kill(child);
    const { uid } = await stat(join(directory, 'postgres'));
    assert.equal(uid, isRoot ? NOBODY : process.getuid?.());
    assert.equal((await EmbeddedPostgres.start({ directory })).pid, pid);
    assert.equal(await stopEmbedded(directory), true);
    const again = await EmbeddedPostgres.start({ directory });
    assert.equal(again.alreadyRunning, false);
    await again.stop();
  });
});

test('withLock: one at a time, and the lock of a dead process is taken away', async () => {
  const directory = await folder();
  const path = join(directory, 'lock');
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    assert.equal(inside, 1);
    await readFile(path);
    inside -= 1;
  };
  for (let round = 0; round < 3; round += 1) {
    await writeFile(path, `${process.pid} started-another-time ${round}`);
    await Promise.all(Array.from({ length: 8 }, () => withLock(path, work)));
  }
  await assert.rejects(
    withLock(path, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('linkLibraries makes the links that the skipped install script would have made', async () => {
  const directory = await folder();
  const native = join(directory, 'native');
  await mkdir(join(native, 'lib'), { recursive: true });
  await writeFile(join(native, 'lib', 'libx.so.1.2'), 'library');
  await writeFile(
    join(native, 'pg-symlinks.json'),
    JSON.stringify([{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }]),
  );
  let unpacked = 0;
  const count = (): void => {
    unpacked += 1;
  };
  await linkLibraries(native, count);
  await linkLibraries(native, count);
  assert.equal(unpacked, 1);
  assert.ok((await lstat(join(native, 'lib', 'libx.so.1'))).isSymbolicLink());
  assert.equal(await readFile(join(native, 'lib', 'libx.so.1'), 'utf8'), 'library');
});
