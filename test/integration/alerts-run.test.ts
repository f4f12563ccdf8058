/** `signalbox run` with a webhook in its configuration: a transaction that a person must decide is told by the process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { WebhookReceiver } from '../fixtures/webhook-receiver.ts';
import { type Started, signalbox, until } from './processes.ts';

const KEY = Buffer.alloc(32, 9).toString('base64');
const SECRET = `whsec_${KEY}`;
const PATH = '/hooks/path-secret';
const READY_MS = 60_000;
const TOLD_MS = 60_000;

test('a worker tells a held location, and never writes the secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-alerts-'));
  const receiver = new WebhookReceiver(SECRET);
  await receiver.start();
  // Without capabilities it is of grade G0: one attempt, and doubt is held.
  const participant = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => participant.listen(0, '127.0.0.1', resolve));
  const { port } = participant.address() as AddressInfo;
  writeFileSync(
    join(folder, 'signalbox.config.json'),
    JSON.stringify({
      participants: { default: { url: `http://127.0.0.1:${port}` } },
      alerts: { webhooks: { desk: { url: `${receiver.url}${PATH}`, kinds: ['location.held'] } } },
    }),
  );
  const env = { PORT: '0', SIGNALBOX_WEBHOOK_SECRET: SECRET, SIGNALBOX_LOG_LEVEL: 'debug' };
  const running: Started[] = [];
  try {
    const missing = signalbox(['run'], { folder, env: { ...env, SIGNALBOX_WEBHOOK_SECRET: 'whsec_short' } });
    assert.equal(await missing.ended, 78);
    assert.match(
      missing.output(),
      /SB-5002.*alerts\.webhooks\.desk\.secretEnv: found a value that is not shown/s,
    );
    const worker = signalbox(['run'], { folder, env });
    running.push(worker);
    await until(worker.output, READY_MS, () => /"msg":"ready"/.test(worker.output()));
    receiver.answers.push({ status: 500 });
    const sent = signalbox(['send', 'ATM-1', 'withdraw', '{}', '--id', 'T-1'], { folder, env });
    assert.equal(await sent.ended, 0, sent.output());
    const [told] = await until(worker.output, TOLD_MS, () => {
      const taken = receiver.taken('alert.opened', 'location.held/ATM-1');
      return taken.length > 0 && taken;
    });
    assert.equal(told?.data.transaction, 'T-1');
    assert.deepEqual(receiver.forged, []);
    assert.match(worker.output(), /SB-5012.*webhook desk: status 500/);
    worker.child.kill('SIGTERM');
    assert.equal(await worker.ended, 0);
    for (const text of [missing.output(), worker.output()]) {
      for (const secret of [KEY, 'whsec_', PATH])
        assert.ok(!text.replaceAll('whsec_ and', '').includes(secret), secret);
    }
  } finally {
    for (const { child, ended } of running) {
      child.kill('SIGKILL');
      await ended;
    }
    await receiver.stop();
    participant.close();
    await stopEmbedded(join(folder, '.signalbox'));
    rmSync(folder, { recursive: true, force: true });
  }
});
