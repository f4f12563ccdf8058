/**
 * Starts that go wrong, as a new user meets them: each has a code, a cause and a remedy, and either ends within
 * 15 s with exit code 78 or says that it waits and goes on.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cluster } from '../../src/adapters/kafka/cluster.ts';
import { createTopic } from '../../src/adapters/kafka/topics.ts';
import { realWorld } from '../../src/adapters/node/world.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { testKafka, topicName } from '../fixtures/kafka.ts';
import { testPostgres } from '../fixtures/postgres.ts';
import { getJson, type Started, signalbox, until } from './processes.ts';

/** What issue and contract promise: an end, or a clear word, within this. */
const PROMISED_MS = 15_000;
const PARTICIPANT = { SIGNALBOX_PARTICIPANT_URL: 'http://127.0.0.1:9' };

const folder = mkdtempSync(join(tmpdir(), 'signalbox-broken-'));
const started: Started[] = [];
let databaseUrl = '';
let stopPostgres: () => Promise<void> = async () => undefined;

before(async () => {
  const postgres = await testPostgres();
  databaseUrl = postgres.connectionString;
  stopPostgres = () => postgres.stop();
});

after(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGKILL');
    await ended;
  }
  await stopPostgres();
  rmSync(folder, { recursive: true, force: true });
});

function run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Started {
  const one = signalbox(['run', ...args], {
    folder,
    env: { PORT: '0', DATABASE_URL: databaseUrl, ...PARTICIPANT, ...env },
  });
  started.push(one);
  return one;
}

/** Ends by itself in time, with code, detail and remedy; 78 is a configuration that cannot work. */
async function assertRefused(one: Started, code: string, detail: RegExp, exitCode = 78): Promise<void> {
  await until(
    () => one.output(),
    PROMISED_MS,
    () => one.child.exitCode !== null,
  );
  const exit = await one.ended;
  assert.equal(exit, exitCode, one.output());
  assert.match(one.output(), new RegExp(`^${code} \\S`, 'm'), one.output());
  assert.match(one.output(), detail);
  assert.match(one.output(), /^ {2}Remedy: \S/m);
}

/** Says what it waits for in log and /readyz, stays alive, and drains on SIGTERM. */
async function assertWaits(one: Started, port: number, code: string, detail: RegExp): Promise<void> {
  await until(
    () => one.output(),
    PROMISED_MS,
    () => one.output().includes(`"${code}"`),
  );
  assert.match(one.output(), detail);
  const ready = await until(
    () => one.output(),
    PROMISED_MS,
    async () => {
      const answer = await getJson(`http://127.0.0.1:${port}/readyz`);
      return JSON.stringify(answer).includes(code) ? answer : null;
    },
  );
  assert.equal(ready.ready, false);
  assert.equal(one.child.exitCode, null);
  one.child.kill('SIGTERM');
  assert.equal(await one.ended, 0, one.output());
}

async function databaseUrlWith(change: (url: URL) => void): Promise<string> {
  const url = new URL(databaseUrl);
  change(url);
  return url.href;
}

describe('a configuration that cannot work', () => {
  it('no participant: SB-5004', async () => {
    await assertRefused(run({ SIGNALBOX_PARTICIPANT_URL: '' }), 'SB-5004', /SIGNALBOX_PARTICIPANT_URL/);
  });

  it('a bad file: SB-5002 with the field, what was found, what is allowed', async () => {
    const file = join(folder, 'bad.json');
    writeFileSync(file, JSON.stringify({ concurency: 2, api: { port: -1 } }));
    const one = run({}, '--config', file);
    await assertRefused(one, 'SB-5002', /concurency: found an unknown field, allowed is one of: topic/);
    assert.match(one.output(), /api\.port: found -1, allowed is a whole number from 0 to 65535/);
  });

  it('beyond loopback without tokens: SB-5005', async () => {
    await assertRefused(run({ SIGNALBOX_HOST: '0.0.0.0' }), 'SB-5005', /0\.0\.0\.0/);
  });

  it('the port is taken: SB-5003', async () => {
    const other: Server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      await assertRefused(run({ PORT: `${port}` }), 'SB-5003', new RegExp(`127\\.0\\.0\\.1:${port}`));
    } finally {
      other.close();
    }
  });

  it('a wrong database password: SB-2002, without the password', async () => {
    const url = await databaseUrlWith((each) => {
      each.password = 'wrong-secret';
    });
    const one = run({ DATABASE_URL: url });
    await assertRefused(one, 'SB-2002', /postgres(ql)?:\/\/127\.0\.0\.1/);
    assert.doesNotMatch(one.output(), /wrong-secret/);
  });

  it('a database that does not exist: SB-2010', async () => {
    const url = await databaseUrlWith((each) => {
      each.pathname = '/nowhere';
    });
    await assertRefused(run({ DATABASE_URL: url }), 'SB-2010', /nowhere/);
  });

  it('migration forbidden on an empty ledger: SB-2003', async () => {
    await assertRefused(run({ SIGNALBOX_MIGRATE: '0' }), 'SB-2003', /signalbox migrate/);
  });

  it('no Java for --kafka: SB-3014', async () => {
    const env = { PATH: dirname(process.execPath), JAVA_HOME: join(folder, 'no-java') };
    const one = signalbox(['demo', '--kafka', '--port', '0'], { folder, env });
    started.push(one);
    await assertRefused(one, 'SB-3014', /Java 17/, 69);
  });
});

describe('what may come back', () => {
  it('a database that does not answer: SB-2001, waits', async () => {
    const port = await freePort();
    const nobody = await freePort();
    const one = run({ PORT: `${port}`, DATABASE_URL: `postgres://u:secret@127.0.0.1:${nobody}/x` });
    await assertWaits(one, port, 'SB-2001', new RegExp(`127\\.0\\.0\\.1:${nobody}.*retrying`));
    assert.doesNotMatch(one.output(), /secret/);
  });

  it('a broker that does not answer: SB-3001, waits', async () => {
    const port = await freePort();
    const nobody = await freePort();
    const one = run({ PORT: `${port}`, KAFKA_BROKERS: `127.0.0.1:${nobody}` });
    await assertWaits(one, port, 'SB-3001', new RegExp(`127\\.0\\.0\\.1:${nobody}`));
  });
});

describe('a topic that cannot be used', async () => {
  const kafka = await testKafka();
  const skip = 'skip' in kafka ? kafka.skip : false;
  const brokers = 'skip' in kafka ? '' : kafka.bootstrap;
  after(async () => {
    if (!('skip' in kafka)) await kafka.stop();
  });

  it('unknown: SB-3002', { skip }, async () => {
    await assertRefused(run({ KAFKA_BROKERS: brokers, SIGNALBOX_TOPIC: 'nowhere' }), 'SB-3002', /nowhere/);
  });

  it('compacted: SB-3003; doctor says so too', { skip }, async () => {
    const topic = topicName();
    const cluster = new Cluster({
      world: realWorld(),
      settings: { brokers: [brokers], clientId: 'test' },
      topics: [topic],
    });
    try {
      const configs = { 'cleanup.policy': 'compact' };
      assert.equal(await createTopic(await cluster.any(), { name: topic, partitions: 1, configs }), 0);
    } finally {
      await cluster.close();
    }
    const env = { KAFKA_BROKERS: brokers, SIGNALBOX_TOPIC: topic };
    await assertRefused(run(env), 'SB-3003', new RegExp(topic));
    const doctor = signalbox(['doctor', '--json'], {
      folder,
      env: { DATABASE_URL: databaseUrl, ...PARTICIPANT, ...env },
    });
    assert.equal(await doctor.ended, 1);
    const { checks } = JSON.parse(doctor.output()) as {
      checks: { check: string; status: string; code?: string }[];
    };
    assert.equal(checks.find(({ check }) => check === 'topic')?.code, 'SB-3003');
    assert.equal(checks.find(({ check }) => check === 'ledger')?.status, 'ok');
  });
});
