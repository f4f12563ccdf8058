/** `signalbox run` from the environment alone, with the embedded log and Postgres, and the commands beside it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { livingPostmaster } from '../../src/adapters/postgres/embedded-postmaster.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { Site } from '../../src/site/site.ts';
import { getJson, type Started, signalbox, until } from './processes.ts';

const READY_MS = 60_000;
const AGAIN_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'signalbox-run-'));
const data = join(folder, '.signalbox', 'postgres');
const started: Started[] = [];
let site: Site;
let port = 0;
let worker: Started;

before(async () => {
  const base = { directory: join(folder, 'site'), port: 0, seed: 'run' };
  site = await Site.start({ ...base, delayMs: [5, 20] } as Parameters<typeof Site.start>[0]);
  port = await freePort();
  worker = await ready('worker-a', port);
});

after(async () => {
  for (const { child, ended } of started) {
    child.kill('SIGKILL');
    await ended;
  }
  await site.stop();
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
});

async function ready(name: string, at: number): Promise<Started> {
  const env = {
    PORT: `${at}`,
    SIGNALBOX_WORKER: name,
    SIGNALBOX_PARTICIPANT_URL: `http://127.0.0.1:${site.port}`,
    SIGNALBOX_SESSION_TIMEOUT_MS: '6000',
  };
  const one = signalbox(['run'], { folder, env });
  started.push(one);
  await untilReady(one, at, READY_MS);
  return one;
}

async function untilReady(one: Started, at: number, ms: number): Promise<void> {
  const url = `http://127.0.0.1:${at}/readyz`;
  await until(
    () => one.output(),
    ms,
    async () => (await getJson(url))?.ready === true,
  );
}

async function command(...args: readonly string[]): Promise<{ code: number | string; output: string }> {
  const env = { SIGNALBOX_PARTICIPANT_URL: `http://127.0.0.1:${site.port}` };
  const one = signalbox(args, { folder, env });
  return { code: await one.ended, output: one.output() };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, output } = await command(...args, '--json');
  assert.equal(code, 0, output);
  return JSON.parse(output) as Record<string, unknown>;
}

async function completed(id: string): Promise<void> {
  await until(
    () => `${id} is not completed: ${worker.output()}`,
    AGAIN_MS,
    async () => {
      const { code, output } = await command('show', id, '--json');
      return code === 0 && (JSON.parse(output) as { state: string }).state === 'completed';
    },
  );
}

describe('signalbox run', () => {
  it('says in its first line which log, ledger, participant and worker', () => {
    const [first = ''] = worker.output().split('\n');
    assert.match(
      first,
      /log is embedded log .*ledger is embedded Postgres in .*\.signalbox; participant default http:\/\/127/,
    );
    assert.match(first, /worker worker-a/);
  });

  it('carries out what send put on the topic; show, why, locations and doctor read it', async () => {
    const sent = await json('send', 'ATM-1', 'withdraw', '{"amount":4000,"currency":"EUR"}', '--id', 'T-1');
    assert.equal(sent.id, 'T-1');
    await completed('T-1');
    const view = await json('show', 'T-1');
    assert.equal(view.location, 'ATM-1');
    const why = await json('why', 'ATM-1');
    assert.equal((why.last as { id: string }).id, 'T-1');
    const locations = (await json('locations')) as unknown as { location: string }[];
    assert.ok(locations.some(({ location }) => location === 'ATM-1'));
    const doctor = await json('doctor');
    assert.equal(doctor.ok, true, JSON.stringify(doctor));
    assert.equal((await json('migrate')).applied?.toString(), '');
    assert.equal((await command('show', 'T-nowhere')).code, 1);
  });

  it('asks for the generated token, and takes a transaction with it', async () => {
    const token = readFileSync(join(folder, '.signalbox', 'api-token'), 'utf8').trim();
    const submit = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/v1/transactions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          id: 'T-2',
          type: 'withdraw',
          location: 'ATM-2',
          data: { amount: 4_000, currency: 'EUR' },
        }),
      });
    assert.equal((await submit({})).status, 401);
    assert.equal((await submit({ authorization: `Bearer ${token}` })).status, 202);
    assert.equal((await submit({ authorization: `Bearer ${token}` })).status, 202);
    await completed('T-2');
    const status = await until(
      () => 'the duplicate is not counted',
      AGAIN_MS,
      async () => {
        const found = await getJson(`http://127.0.0.1:${port}/v1/status`);
        return found?.duplicates === 1 ? found : null;
      },
    );
    assert.equal(status.completed, 2);
    assert.equal(status.ledger, 'reachable');
  });

  it('outlives the death of its Postgres, says so meanwhile, and goes on', async () => {
    const postmaster = livingPostmaster(data);
    assert.ok(postmaster !== null);
    process.kill(postmaster.pid, 'SIGKILL');
    await until(
      () => worker.output(),
      AGAIN_MS,
      async () => (await getJson(`http://127.0.0.1:${port}/readyz`))?.ready === false,
    );
    await untilReady(worker, port, AGAIN_MS);
    await json('send', 'ATM-3', 'withdraw', '{"amount":4000,"currency":"EUR"}', '--id', 'T-3');
    await completed('T-3');
  });

  it('shares the embedded Postgres: the first to stop leaves it, the last one stops it', async () => {
    const otherPort = await freePort();
    const other = await ready('worker-b', otherPort);
    worker.child.kill('SIGTERM');
    assert.equal(await worker.ended, 0, worker.output());
    assert.match(worker.output(), /"msg":"drained, ends"/);
    assert.ok(livingPostmaster(data) !== null, 'worker-b still needs it');
    await until(
      () => other.output(),
      AGAIN_MS,
      async () => {
        const status = await getJson(`http://127.0.0.1:${otherPort}/v1/status`);
        const partitions = (status?.process as { worker?: { partitions: number[] } })?.worker?.partitions;
        const alive = (status?.workers as { alive: boolean }[] | undefined)?.filter((each) => each.alive);
        return partitions?.length === 8 && alive?.length === 1;
      },
    );
    other.child.kill('SIGTERM');
    assert.equal(await other.ended, 0, other.output());
    assert.equal(livingPostmaster(data), null);
    const { code, output } = await command('locations');
    assert.equal(code, 69);
    assert.match(output, /^SB-5007 /);
  });

  it('ends at once with 143 on a second signal', async () => {
    const one = await ready('worker-c', await freePort());
    await fetch(`http://127.0.0.1:${site.port}/site/faults`, { method: 'POST', body: '{"jam":["ATM-9"]}' });
    await json('send', 'ATM-9', 'withdraw', '{"amount":4000,"currency":"EUR"}', '--id', 'T-9');
    await until(
      () => one.output(),
      AGAIN_MS,
      async () => (await command('show', 'T-9', '--json')).output.includes('"executing"'),
    );
    one.child.kill('SIGTERM');
    await until(
      () => one.output(),
      AGAIN_MS,
      () => one.output().includes('"msg":"draining'),
    );
    one.child.kill('SIGTERM');
    const code = await one.ended;
    assert.equal(code, 143, one.output());
    assert.doesNotMatch(one.output(), /drained, ends/);
  });
});
