/** Limits and decisions of people through the command line, on a worker of its own with the embedded stack. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EmbeddedSender } from '../../src/adapters/embedded-log/embedded-sender.ts';
import { realWorld } from '../../src/adapters/node/world.ts';
import { EmbeddedPostgres, stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { Site } from '../../src/site/site.ts';
import { getJson, type Started, signalbox, until } from './processes.ts';

const READY_MS = 60_000;
const SOON_MS = 60_000;
const WHY = ['--reason', 'a test', '--actor', 'ops'];

const folder = mkdtempSync(join(tmpdir(), 'signalbox-operate-'));
let site: Site;
let worker: Started;

before(async () => {
  const base = { directory: join(folder, 'site'), port: 0, seed: 'operate' };
  site = await Site.start({ ...base, delayMs: [5, 20] } as Parameters<typeof Site.start>[0]);
  const port = await freePort();
  const env = { PORT: `${port}`, SIGNALBOX_STEP_TIMEOUT_MS: '1000', SIGNALBOX_PARTICIPANT_URL: siteUrl() };
  worker = signalbox(['run'], { folder, env });
  await until(
    () => worker.output(),
    READY_MS,
    async () => (await getJson(`http://127.0.0.1:${port}/readyz`))?.ready === true,
  );
});

after(async () => {
  worker.child.kill('SIGKILL');
  await worker.ended;
  await site.stop();
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
});

function siteUrl(): string {
  return `http://127.0.0.1:${site.port}`;
}

async function command(...args: readonly string[]): Promise<{ code: number | string; output: string }> {
  const one = signalbox(args, { folder, env: { SIGNALBOX_PARTICIPANT_URL: siteUrl() } });
  return { code: await one.ended, output: one.output() };
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, output } = await command(...args);
  assert.equal(code, 0, output);
  return output;
}

async function send(location: string, id: string): Promise<void> {
  await done('send', location, 'withdraw', '{"amount":2000,"currency":"EUR"}', '--id', id);
}

/** What `show` says once the transaction is in this state. */
async function shown(id: string, state: string): Promise<Record<string, unknown>> {
  let last = '';
  return await until(
    () => `${id} is not ${state}: ${last}\n${worker.output()}`,
    SOON_MS,
    async () => {
      const { code, output } = await command('show', id, '--json');
      last = output;
      const view = code === 0 ? (JSON.parse(output) as Record<string, unknown>) : null;
      return view?.state === state ? view : null;
    },
  );
}

describe('people', () => {
  it('pause a location: what waits there is parked, can be cancelled, and begins after resume', async () => {
    await done('pause', 'ATM-91', ...WHY);
    await send('ATM-91', 'P-1');
    await send('ATM-91', 'P-2');
    await shown('P-1', 'received');
    await shown('P-2', 'received');
    assert.match(await done('cancel', 'P-1', ...WHY), /applied/);
    await done('resume', 'ATM-91', ...WHY);
    await shown('P-2', 'completed');
    assert.equal((await shown('P-1', 'rolled_back')).reason, 'cancelled');
  });

  it('roll a transaction back that is in doubt: the participant is asked, then it is reversed', async () => {
    site.change({ jam: ['ATM-7'] });
    await send('ATM-7', 'D-1');
    await shown('D-1', 'in_doubt');
    assert.match(await done('attention'), /D-1/);
    await done('decide', 'D-1', 'roll-back', '--wait-ms', '30000', ...WHY);
    site.change({ release: ['ATM-7'] });
    assert.equal((await shown('D-1', 'rolled_back')).reason, 'a test');
  });

  it('replay a dead letter, mended; discard another', async () => {
    const running = await EmbeddedPostgres.find(join(folder, '.signalbox'));
    assert.ok(running !== null);
    const { connectionString } = running;
    const sender = new EmbeddedSender({ connectionString, topic: 'transactions', world: realWorld() });
    await sender.send([
      { key: 'ATM-5', value: Buffer.from('{"id":"L-1","type":"withdraw"') },
      { key: 'ATM-5', value: Buffer.from('not for us') },
    ]);
    await sender.close();
    const letters = await until(
      () => worker.output(),
      SOON_MS,
      async () => {
        const list = JSON.parse(await done('dead-letters', '--json')) as {
          partition: number;
          offset: number;
        }[];
        return list.length === 2 && list;
      },
    );
    const [second, first] = letters.map(({ partition, offset }) => `${partition}/${offset}`);
    assert.match(await done('dead-letters', 'show', `${first}`), /SB-1106[\s\S]*"id":"L-1"/);
    const asItIs = await command('dead-letters', 'replay', `${first}`, ...WHY);
    assert.match(asItIs.output, /SB-1106/);
    const value = '{"id":"L-1","type":"withdraw","data":{"amount":2000,"currency":"EUR"}}';
    assert.match(
      await done('dead-letters', 'replay', `${first}`, '--value', value, ...WHY),
      /replayed as L-1/,
    );
    assert.equal((await shown('L-1', 'completed')).replayOf, `transactions/${first}`);
    assert.match(await done('dead-letters', 'discard', '--code', 'SB-1106', ...WHY), /discarded/);
    assert.match(await done('dead-letters', 'show', `${second}`), /discarded/);
    assert.match(await done('dead-letters'), /no dead letter is open/);
  });

  it('are told what makes no sense, and every act is in an audit that holds', async () => {
    const late = await command('decide', 'P-2', 'complete', ...WHY);
    assert.notEqual(late.code, 0);
    assert.match(late.output, /SB-6008/);
    assert.match((await command('ask', 'nobody', ...WHY)).output, /SB-6007/);
    assert.match(await done('audit', 'verify'), /audit: \d+ rows, each fits the one before/);
    assert.match(
      await done('audit', 'list', '--target', 'location ATM-91'),
      /ops +limit +location ATM-91 +a test +concurrency as configured[\s\S]*paused/,
    );
  });

  it('find at the command line what the page lists', async () => {
    await done('limit', 'ATM-9*', '3', ...WHY);
    assert.match(await done('limits'), /ATM-9\* +3 +no +ops +a test/);
    assert.match(
      await done('status'),
      /topic +transactions[\s\S]*workers +1 alive of 1[\s\S]*partition +owner/,
    );
    const found = await done('transactions', '--location', 'ATM-91', '--state', 'rolled-back');
    assert.match(found, /P-1 +ATM-91 +withdraw +rolled back/);
    assert.doesNotMatch(found, /P-2/);
    assert.match(await done('commands'), /P-1 +ATM-91 +cancel +applied +ops +a test/);
    assert.match(await done('commands', '--open'), /no decision is open/);
    assert.equal((await command('transactions', '--state', 'lost')).code, 64);
  });
});
