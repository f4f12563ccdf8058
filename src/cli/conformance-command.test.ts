/** The command against the simulated site, which keeps the rules, and against an endpoint that answers anything. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { signalbox } from '../../test/integration/processes.ts';
import { Site } from '../site/site.ts';

const DATA = '{"amount":2000,"currency":"EUR"}';

test('a participant that keeps the rules is grade G3; one that does not hears which it breaks', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'));
  const base = { directory: join(folder, 'site'), port: 0, seed: 'c' };
  const site = await Site.start({ ...base, delayMs: [5, 20] } as Parameters<typeof Site.start>[0]);
  const careless = createServer((_, response) => response.end('{"outcome":"done","evidence":{}}'));
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve));
  context.after(async () => {
    careless.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = async (port: number): Promise<{ code: number | string; output: string }> => {
    const args = ['conformance', `http://127.0.0.1:${port}`, '--data', DATA];
    const one = signalbox(args, { folder });
    return { code: await one.ended, output: one.output() };
  };
  const kept = await run(site.port);
  assert.equal(kept.code, 0, kept.output);
  assert.match(kept.output, /every rule holds: grade G3/);
  const address = careless.address();
  assert.ok(address !== null && typeof address === 'object');
  const broken = await run(address.port);
  assert.equal(broken.code, 1, broken.output);
  assert.match(broken.output, /fail contract 6 says what it keeps to/);
  assert.match(broken.output, /fail \(5\) never has raised the mark/);
  assert.match(broken.output, /\d+ of \d+ rules are broken: not grade G3/);
});
