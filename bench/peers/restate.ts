/**
 * Restate: a server of its own with a fresh folder, a virtual object keyed by location in this process, its own
 * subscription to the topic. What the handler does is one `ctx.run`, whose result the server journals.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../src/demo/free-port.ts';
import { cpuSecondsOf } from '../cpu-seconds.ts';
import { installNpm, npmImport, npmRequire } from './npm-packages.ts';
import { type Consume, onNode, type Peer } from './peer.ts';
import { type Fields, largestRssMb } from './tracker.ts';

const READY_MS_MAX = 30_000;
const POLL_MS = 200;
/** The server commits its offsets by itself. */
const COMMIT_MS = 6_000;

interface Context {
  run(name: string, action: () => Promise<string>): Promise<string>;
}
interface Sdk {
  object(definition: {
    name: string;
    handlers: { handle: (context: Context, transaction: { data: Fields }) => Promise<void> };
  }): object;
  endpoint(): { bind(service: object): { listen(port: number): Promise<number> } };
}

export const peer: Peer = {
  id: 'restate',
  title: 'Restate, virtual objects',
  settings:
    'single node, default durability and retention, its Kafka subscription; one ctx.run a record; logs of the SDK off',
  works: ['W4', 'W6'],
  warmUpMs: 12_000,
  install: async () => {
    const versions = installNpm('@restatedev/restate-server', '@restatedev/restate-sdk');
    serverProgram();
    return versions;
  },
  command: (job) => ({ ...onNode(job), env: { RESTATE_LOGGING: 'ERROR' } }),
};

export const consume: Consume = async ({ job, tracker }) => {
  const sdk = await npmImport<Sdk>('@restatedev/restate-sdk');
  const location = sdk.object({
    name: 'location',
    handlers: {
      handle: async (context, { data }) => {
        tracker.start(data);
        await context.run('device', async () => {
          if (job.handlerMs > 0) await delay(job.handlerMs);
          return 'done';
        });
        tracker.end(data);
      },
    },
  });
  const [service = 0, admin = 0, ingress = 0, node = 0] = await freePorts(4);
  await sdk.endpoint().bind(location).listen(service);
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-restate-'));
  const config = join(directory, 'restate.toml');
  writeFileSync(config, configuration({ admin, ingress, broker: job.broker }));
  const args = ['--config-file', config, '--base-dir', join(directory, 'data')];
  const server = spawn(serverProgram(), [...args, '--bind-address', `127.0.0.1:${node}`], {
    stdio: 'ignore',
    env: { ...process.env, DO_NOT_TRACK: '1' },
  });
  process.once('exit', () => {
    server.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  await posted(admin, '/deployments', { uri: `http://127.0.0.1:${service}` });
  await posted(admin, '/subscriptions', {
    source: `kafka://bench/${job.topic}`,
    sink: 'service://location/handle',
    options: { 'group.id': job.group, 'auto.offset.reset': 'earliest' },
  });
  const pid = server.pid ?? -1;
  return {
    close: () => delay(COMMIT_MS),
    server: () => ({ serverCpuSeconds: cpuSecondsOf(pid), serverRssMb: largestRssMb(pid) }),
  };
};

/** The program of this platform. Throws when npm has none for it. */
function serverProgram(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  const folder = dirname(npmRequire().resolve(`${name}/package.json`));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin?: Record<string, string>;
  };
  return join(folder, bin?.['restate-server'] ?? 'bin/restate-server');
}

function configuration(of: { admin: number; ingress: number; broker: string }): string {
  return `log-filter = "error"
[admin]
bind-address = "127.0.0.1:${of.admin}"
[ingress]
bind-address = "127.0.0.1:${of.ingress}"
[[ingress.kafka-clusters]]
name = "bench"
brokers = ["PLAINTEXT://${of.broker}"]
`;
}

/** Asks again until the server is up. Throws what it says when it refuses for READY_MS_MAX. */
async function posted(admin: number, path: string, body: object): Promise<void> {
  const untilMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const problem = await fetch(`http://127.0.0.1:${admin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(
      async (response) => (response.ok ? null : `${response.status} ${await response.text()}`),
      (error: unknown) => String(error),
    );
    if (problem === null) return;
    if (performance.now() > untilMs) throw new Error(`restate ${path}: ${problem}`);
    await delay(POLL_MS);
  }
}
