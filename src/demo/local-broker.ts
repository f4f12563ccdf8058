/**
 * A real Apache Kafka broker on this machine, for the demo and the tests: one KRaft node with Java and Maven, no
 * Docker. Ready when it answers Metadata: its jars have no logger binding, so its log says little.
 *
 * States: running (after `start` and `restart`), stopped (after `stop` and `kill`).
 * B1 `restart` keeps port and data, so clients find what was stored.
 * B2 Nothing is left: when this process dies without `stop`, a guard process ends the broker.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool, metadataV12 } from '@platformatic/kafka';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { freePorts } from './free-port.ts';
import {
  type Commands,
  defaultCacheDirectory,
  defaultCommands,
  ensureJars,
  lastLines,
  requireJava,
  run,
} from './local-broker-jars.ts';

export interface LocalBrokerOptions {
  /** Holds configuration, data and log of the broker; made if missing. */
  readonly directory: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Default: ~/.cache/signalbox/kafka-4.1.0 */
  readonly cacheDirectory?: string;
  readonly onProgress?: (message: string) => void;
  /** Java heap in MB. Default 512. */
  readonly heapMb?: number;
  /** More listeners beside the plain one, such as one with TLS or SASL … */
  readonly listeners?: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
  /** … and the lines of server.properties they need, or others over ours. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly commands?: Commands;
}

interface Layout {
  readonly java: string;
  readonly classPath: string;
  readonly properties: string;
  readonly logFile: string;
  readonly heapMb: number;
  readonly port: number;
}

/** Any 16 bytes: the cluster is this one node. */
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';
/** Start takes 4 s on an idle machine; a test machine with two cores under load needs a multiple. */
const READY_MS_MAX = 120_000;
const READY_POLL_MS = 50;
/** A clean stop takes 1 to 3 s. */
const STOP_MS_MAX = 20_000;
/** A free port may be taken between the question and the start. */
const PORT_TRIES = 3;

export class LocalBroker {
  readonly directory: string;
  readonly #layout: Layout;
  #child: ChildProcess;

  private constructor(directory: string, layout: Layout, child: ChildProcess) {
    this.directory = directory;
    this.#layout = layout;
    this.#child = child;
  }

  /** Resolves when the broker answers. Throws SB-3014: no Java 17, no Maven, or it does not come up. */
  static async start(options: LocalBrokerOptions): Promise<LocalBroker> {
    const commands = options.commands ?? defaultCommands();
    const onProgress = options.onProgress ?? (() => undefined);
    await requireJava(commands.java);
    const cacheDirectory = options.cacheDirectory ?? defaultCacheDirectory();
    const jars = await ensureJars({ cacheDirectory, maven: commands.maven, onProgress });
    await mkdir(options.directory, { recursive: true });
    onProgress('Starting the Kafka broker …');
    for (let attempt = 1; ; attempt += 1) {
      const layout = await prepare(options, commands.java, jars);
      const child = await launch(layout);
      try {
        await untilReady(layout, child);
        return new LocalBroker(options.directory, layout, child);
      } catch (error) {
        await end(child, 'SIGKILL');
        if (attempt === PORT_TRIES || options.port !== undefined) throw error;
      }
    }
  }

  get port(): number {
    return this.#layout.port;
  }

  /** Address for clients. */
  get bootstrap(): string {
    return `127.0.0.1:${this.#layout.port}`;
  }

  get logFile(): string {
    return this.#layout.logFile;
  }

  /** Class path of Kafka's own tools, such as org.apache.kafka.tools.TopicCommand. */
  get classPath(): string {
    return this.#layout.classPath;
  }

  /** Process id of the broker as it runs now, or ran last. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** SIGTERM, and SIGKILL when it does not end in time. */
  async stop(): Promise<void> {
    await end(this.#child, 'SIGTERM');
  }

  /** SIGKILL: as a crash. */
  async kill(): Promise<void> {
    await end(this.#child, 'SIGKILL');
  }

  /** Starts it again on the same port with its data; stops it first when it runs. */
  async restart(): Promise<void> {
    await this.stop();
    this.#child = await launch(this.#layout);
    await untilReady(this.#layout, this.#child);
  }
}

async function prepare(options: LocalBrokerOptions, java: string, jars: string): Promise<Layout> {
  const { directory } = options;
  const [free = 0, controllerPort = 0] = await freePorts(2);
  const port = options.port ?? free;
  const properties = join(directory, 'server.properties');
  const data = join(directory, 'data');
  const classPath = join(jars, '*');
  await writeFile(properties, serverProperties(options, { port, controllerPort, data }));
  const formatted = await access(join(data, 'meta.properties')).then(
    () => true,
    () => false,
  );
  if (!formatted) {
    const format = [
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      CLUSTER_ID,
      '-c',
      properties,
    ];
    const { code, output } = await run(java, ['-XX:TieredStopAtLevel=1', ...format], {
      timeoutMs: READY_MS_MAX,
    });
    if (code !== 0) throw new SignalboxError('SB-3014', `formatting ${data} failed: ${lastLines(output)}`);
  }
  return {
    java,
    classPath,
    properties,
    logFile: join(directory, 'broker.log'),
    heapMb: options.heapMb ?? 512,
    port,
  };
}

/** Everything of a cluster that a single node cannot have is set to one; buffers are small. */
function serverProperties(
  options: Pick<LocalBrokerOptions, 'listeners' | 'properties'>,
  place: { readonly port: number; readonly controllerPort: number; readonly data: string },
): string {
  const { port, controllerPort, data } = place;
  const plain = { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port };
  const controller = { name: 'CONTROLLER', protocol: 'PLAINTEXT', port: controllerPort };
  const forClients = [plain, ...(options.listeners ?? [])];
  const addresses = (listeners: typeof forClients): string =>
    listeners.map((listener) => `${listener.name}://127.0.0.1:${listener.port}`).join(',');
  const protocols = [...forClients, controller].map(({ name, protocol }) => `${name}:${protocol}`);
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: addresses([...forClients, controller]),
    'advertised.listeners': addresses(forClients),
    'controller.listener.names': controller.name,
    'inter.broker.listener.name': plain.name,
    'listener.security.protocol.map': protocols.join(','),
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'log.index.size.max.bytes': '1048576',
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...options.properties,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

async function launch(layout: Layout): Promise<ChildProcess> {
  const log = await open(layout.logFile, 'a');
  try {
    const memory = [`-Xmx${layout.heapMb}m`, '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
    const child = spawn(layout.java, [...memory, '-cp', layout.classPath, 'kafka.Kafka', layout.properties], {
      stdio: ['ignore', log.fd, log.fd],
      // A group of its own: Ctrl-C in the terminal is for the one who stops it in order.
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(new SignalboxError('SB-3014', cause.message, { cause })));
    });
    child.unref();
    guard(child);
    return child;
  } finally {
    await log.close();
  }
}

/** A shell that waits for our end of its input to close, which happens however this process dies. */
function guard(child: ChildProcess): void {
  const script = 'cat > /dev/null; kill -KILL "$1" 2> /dev/null';
  const shell = spawn('sh', ['-c', script, 'sh', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.once('error', () => undefined);
  shell.unref();
  // The pipe is a socket underneath; the type of `stdin` does not say so.
  const { stdin } = shell as unknown as { readonly stdin: { unref(): void } };
  stdin.unref();
  child.once('exit', () => endGroup(shell.pid));
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Polls Metadata until a broker is listed. Throws SB-3014 with the end of the log. */
async function untilReady(layout: Layout, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (performance.now() < deadline) {
    if (hasEnded(child)) {
      throw new SignalboxError('SB-3014', `it ended at once: ${await endOfLog(layout)}`);
    }
    if (await answers(layout.port)) return;
    await delay(READY_POLL_MS);
  }
  throw new SignalboxError('SB-3014', `no answer within ${READY_MS_MAX / 1000} s: ${await endOfLog(layout)}`);
}

async function answers(port: number): Promise<boolean> {
  const pool = new ConnectionPool('signalbox-local-broker', { connectTimeout: 1_000, requestTimeout: 2_000 });
  pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
  try {
    const connection = await pool.get({ host: '127.0.0.1', port });
    const { brokers } = await metadataV12.api.async(connection, [], false, false);
    return brokers.length > 0;
  } catch {
    return false;
  } finally {
    await pool.close();
  }
}

async function endOfLog(layout: Layout): Promise<string> {
  return `${lastLines(await readFile(layout.logFile, 'utf8'))} (${layout.logFile})`;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  // Holds the event loop, which the unref'd child does not.
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(force);
}
