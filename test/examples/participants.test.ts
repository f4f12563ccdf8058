/** The examples of participants: at grade G3 by `signalbox conformance`, through a kill, and one behind the service. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../src/demo/free-port.ts';
import { testKafka, topicName } from '../fixtures/kafka.ts';
import { testPostgres } from '../fixtures/postgres.ts';
import { getJson, type Started, signalbox, until } from '../integration/processes.ts';
import { BrokerClient } from '../rig/broker-client.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const READY_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'signalbox-participants-'));
const children: ChildProcess[] = [];

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** An example as its page says to start it, listening. */
async function start(
  name: string,
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const program = file.endsWith('.py') ? 'python3' : process.execPath;
  const child = spawn(program, [join(EXAMPLES, name, file)], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += String(text);
    });
  await until(
    () => output,
    READY_MS,
    () => /listening/.test(output),
  );
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}

interface Said {
  readonly outcome: string;
  readonly mark?: string;
  readonly evidence?: object;
}

let lastToken = 0;

async function ask(url: string, kind: string, key: string, token = ++lastToken): Promise<Said> {
  const [transaction, step] = key.split(':');
  const answer = await fetch(`${url}/v1/steps/${key}/${kind}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      'signalbox-location': 'L1',
      'signalbox-slot': '1',
      'signalbox-token': `${token}`,
    },
    body: JSON.stringify({ transaction, step, type: 'x', location: 'L1', data: {}, evidence: {} }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Said;
}

const python = spawnSync('python3', ['--version']).status === 0 || process.env.CI !== undefined;

for (const { name, file, skip } of [
  { name: '05-http-participant', file: 'main.ts', skip: false },
  { name: '06-python-participant', file: 'main.py', skip: python ? false : 'there is no python3' },
]) {
  describe(name, { skip }, () => {
    let url = '';
    let env: Record<string, string> = {};
    let child: ChildProcess;

    before(async () => {
      const PORT = `${await freePort()}`;
      env = { PORT, DATABASE: join(folder, `${name}.db`) };
      url = `http://127.0.0.1:${PORT}`;
      child = await start(name, file, env);
    });

    it('keeps to all rules: grade G3', async () => {
      const run = signalbox(['conformance', url, '--json'], { folder });
      assert.equal(await run.ended, 0, run.output());
      const { grade, claims, findings } = JSON.parse(run.output());
      assert.deepEqual([grade, claims], ['G3', 'G3']);
      assert.ok(findings.length >= 14);
      assert.deepEqual(
        findings.filter(({ status }: { status: string }) => status !== 'ok'),
        [],
      );
    });

    it('what it had started when it was killed is recorded to its end, and marks stay', async () => {
      const [old, keys] = [++lastToken, Array.from({ length: 50 }, (_, index) => `kill-${index}:apply`)];
      for (const key of keys) {
        const lost = ask(url, 'execute', key).catch(() => null);
        if ((await ask(url, 'status', key)).outcome !== 'pending') {
          await lost;
          continue;
        }
        await killed(child);
        child = await start(name, file, env);
        // It had answered just before: its work had ended when the signal came.
        if ((await lost) !== null) continue;
        assert.equal((await ask(url, 'status', `other:apply`, old)).outcome, 'stale');
        const said = await until(
          () => `${key} is pending`,
          READY_MS,
          async () => {
            const found = await ask(url, 'status', key);
            return found.outcome === 'pending' ? null : found;
          },
        );
        assert.equal(said.outcome, 'done');
        assert.deepEqual(await ask(url, 'execute', key), said, 'and repeated');
        return;
      }
      assert.fail('none of them was met under way');
    });

    it('answers 400 to what breaks the contract', async () => {
      for (const [path, body] of [
        ['/v1/steps/x:apply/execute', '{'],
        ['/v1/steps/nokey/execute', '{}'],
        ['/v1/steps/x:apply/execute', '{"step":"apply","location":"L1"}'],
      ]) {
        const answer = await fetch(`${url}${path}`, { method: 'POST', body: body ?? '' });
        assert.equal(answer.status, 400);
        assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);
      }
    });
  });
}

const kafka = await testKafka();

describe('07-parcel-lockers behind the service', { skip: 'skip' in kafka ? kafka.skip : false }, () => {
  const brokers = 'skip' in kafka ? '' : kafka.bootstrap;
  const configFile = join(EXAMPLES, '07-parcel-lockers', 'config.ts');
  let client: BrokerClient;
  let postgres: Awaited<ReturnType<typeof testPostgres>>;
  let worker: Started;
  let env: Record<string, string> = {};

  before(async () => {
    client = new BrokerClient(brokers);
    postgres = await testPostgres();
    const { name: TOPIC } = await client.createTopic({ name: topicName(), partitions: 2 });
    const [PORT, api] = [`${await freePort()}`, `${await freePort()}`];
    await start('07-parcel-lockers', 'main.ts', { PORT, DATABASE: join(folder, 'lockers.db'), JAMMED: '2' });
    env = {
      TOPIC,
      LOCKERS_URL: `http://127.0.0.1:${PORT}`,
      KAFKA_BROKERS: brokers,
      DATABASE_URL: postgres.connectionString,
    };
    worker = signalbox(['run', '--config', configFile], { folder, env: { ...env, PORT: api } });
    children.push(worker.child);
    await until(worker.output, READY_MS, async () => {
      return (await getJson(`http://127.0.0.1:${api}/readyz`))?.ready === true;
    });
  });
  after(async () => {
    worker?.child.kill('SIGTERM');
    await worker?.ended;
    await client?.close();
    await postgres?.stop();
    if (!('skip' in kafka)) await kafka.stop();
  });

  async function json(...args: readonly string[]): Promise<Record<string, unknown> | null> {
    const run = signalbox([...args, '--config', configFile, '--json'], { folder, env });
    return (await run.ended) === 0 ? (JSON.parse(run.output()) as Record<string, unknown>) : null;
  }

  /** How it ended. */
  async function transaction(id: string, type: string, data: object): Promise<[unknown, unknown]> {
    assert.ok(await json('send', 'BER-01', type, JSON.stringify(data), '--id', id));
    const ended = await until(
      () => `${id} has not ended: ${worker.output().slice(-2_000)}`,
      READY_MS,
      async () => {
        const found = await json('show', id);
        return found?.state === 'completed' || found?.state === 'rolled_back' ? found : null;
      },
    );
    return [ended.state, ended.reason ?? null];
  }

  it('fills up, refuses, gives back what a jammed door has reserved, and empties', async () => {
    const [one, two] = [
      { parcel: 'p1', size: 'S', code: '4711' },
      { parcel: 'p2', size: 'S', code: '1' },
    ];
    assert.deepEqual(await transaction('d1', 'deposit', one), ['completed', null]);
    assert.deepEqual(await transaction('d2', 'deposit', two), ['rolled_back', 'no S is free']);
    const large = { parcel: 'p3', size: 'L', code: '2' };
    const jammed = ['rolled_back', 'door 2 does not open'];
    assert.deepEqual(await transaction('d3', 'deposit', large), jammed);
    assert.deepEqual(
      await transaction('d4', 'deposit', large),
      jammed,
      'its compartment had been given back',
    );
    const wrong = { parcel: 'p1', code: '0815' };
    assert.deepEqual(await transaction('c1', 'collect', wrong), ['rolled_back', 'wrong parcel or code']);
    assert.deepEqual(await transaction('c2', 'collect', one), ['completed', null]);
    assert.deepEqual(await transaction('d5', 'deposit', two), ['completed', null]);
  });
});
