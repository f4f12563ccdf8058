import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ownKafka } from '../../test/fixtures/kafka.ts';
import { LocalBroker } from './local-broker.ts';
import { ensureJars, requireJava } from './local-broker-jars.ts';

const JAR = 'kafka_2.13-4.1.0.jar';

// Before the first test: the runner takes none that come after all have ended.
const kafka = await ownKafka();

describe('the programs of the local broker', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'signalbox-broker-test-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const script = async (name: string, body: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  };
  const silent = (): void => undefined;
  /** Puts a jar where -DoutputDirectory says, as Maven would, after a moment. */
  const maven = (): Promise<string> =>
    script(
      'mvn',
      `for arg; do case "$arg" in -DoutputDirectory=*) out="\${arg#*=}";; esac; done\nsleep 0.2; touch "$out/${JAR}"`,
    );

  test('Java 17 or newer is wanted, older ones and none are told', async () => {
    await requireJava(await script('java17', 'echo \'openjdk version "17.0.15" 2025-04-15\' >&2'));
    await requireJava(await script('java21', 'echo \'openjdk version "21" 2023-09-19\' >&2'));
    for (const version of ['1.8.0_392', '11.0.2']) {
      const old = await script('old', `echo 'java version "${version}"' >&2`);
      await assert.rejects(requireJava(old), { code: 'SB-3014' });
    }
    await assert.rejects(requireJava(join(directory, 'no-java')), { code: 'SB-3014' });
    const start = LocalBroker.start({
      directory,
      commands: { java: join(directory, 'no-java'), maven: 'mvn' },
    });
    await assert.rejects(start, (error: Error) => /SB-3014.*no-java/.test(error.message));
  });

  test('J1 several starters at once end up with one complete cache and no remains', async () => {
    const cacheDirectory = join(directory, 'cache', 'kafka');
    const options = { cacheDirectory, maven: await maven(), onProgress: silent };
    const found = await Promise.all([ensureJars(options), ensureJars(options), ensureJars(options)]);
    assert.deepEqual(found, [cacheDirectory, cacheDirectory, cacheDirectory]);
    assert.deepEqual(await readdir(join(directory, 'cache')), ['kafka']);
    assert.ok((await readdir(cacheDirectory)).includes(JAR));
    const never = await script('never', 'exit 9');
    await ensureJars({ ...options, maven: never });
  });

  test('a download that fails is told with what Maven said, and leaves nothing', async () => {
    const cacheDirectory = join(directory, 'failed', 'kafka');
    const failing = await script('failing', 'echo "no route to repository"; exit 1');
    await assert.rejects(ensureJars({ cacheDirectory, maven: failing, onProgress: silent }), (error: Error) =>
      /SB-3014.*no route to repository/.test(error.message),
    );
    const missing = { cacheDirectory, maven: join(directory, 'no-maven'), onProgress: silent };
    await assert.rejects(ensureJars(missing), { code: 'SB-3014' });
    assert.deepEqual(await readdir(join(directory, 'failed')), []);
  });

  test('remains of a download that was killed are removed, those of a live one are not', async () => {
    const cacheDirectory = join(directory, 'killed', 'kafka');
    const dead = `${cacheDirectory}.tmp-999999999-x`;
    const live = `${cacheDirectory}.tmp-${process.pid}-x`;
    await mkdir(dead, { recursive: true });
    await mkdir(live, { recursive: true });
    await ensureJars({ cacheDirectory, maven: await maven(), onProgress: silent });
    assert.deepEqual((await readdir(join(directory, 'killed'))).sort(), [
      'kafka',
      `kafka.tmp-${process.pid}-x`,
    ]);
  });

  test('something else in the place of the cache is told', async () => {
    const cacheDirectory = join(directory, 'taken');
    await mkdir(join(cacheDirectory, 'photos'), { recursive: true });
    await assert.rejects(
      ensureJars({ cacheDirectory, maven: await maven(), onProgress: silent }),
      (error: Error) => /SB-3014.*in the way/.test(error.message),
    );
  });
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

if ('skip' in kafka) test('local broker', { skip: kafka.skip });
else {
  test('a broker that answers, dies when killed, comes back on its port, and stops', async () => {
    const { broker } = kafka;
    const keepAlive = setInterval(() => undefined, 1_000);
    try {
      assert.equal(broker.bootstrap, `127.0.0.1:${broker.port}`);
      assert.ok(await accepts(broker.port));
      const first = broker.pid;
      await broker.kill();
      assert.equal(await accepts(broker.port), false);
      assert.throws(() => process.kill(first, 0), { code: 'ESRCH' });
      await broker.restart();
      assert.notEqual(broker.pid, first);
      assert.ok(await accepts(broker.port));
      await broker.stop();
      assert.equal(await accepts(broker.port), false);
      await broker.stop();
    } finally {
      await kafka.stop();
      clearInterval(keepAlive);
    }
  });
}
