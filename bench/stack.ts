/** Broker, Postgres with fsync, and a worker process for a bench, all of its own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Admin } from '@platformatic/kafka';
import pg from 'pg';
import { KafkaSender } from '../src/adapters/kafka/kafka-sender.ts';
import { realWorld } from '../src/adapters/node/world.ts';
import { EmbeddedPostgres, stopEmbedded } from '../src/adapters/postgres/embedded.ts';
import { LocalBroker } from '../src/demo/local-broker.ts';
import { cpuSecondsOf } from './cpu-seconds.ts';

const RECORD_BYTES = 200;
const PRODUCE_BATCH = 5_000;

/** A job of durable-worker.ts. */
export interface BenchJob {
  readonly topic: string;
  readonly connectionString: string;
  readonly transactions: number;
  readonly stepMs?: number;
  readonly stuck?: { readonly location: string; readonly transactions: number };
  /** Of a participant behind HTTP; without it, one in the worker's process. */
  readonly endpoint?: string;
}

export class BenchStack {
  readonly #directory: string;
  readonly #broker: LocalBroker;
  readonly #postgres: EmbeddedPostgres;

  private constructor(directory: string, broker: LocalBroker, postgres: EmbeddedPostgres) {
    this.#directory = directory;
    this.#broker = broker;
    this.#postgres = postgres;
  }

  static async start(): Promise<BenchStack> {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
    const broker = await LocalBroker.start({ directory: join(directory, 'kafka'), heapMb: 768 });
    return new BenchStack(directory, broker, await EmbeddedPostgres.start({ directory }));
  }

  get postgresVersion(): string {
    return this.#postgres.version;
  }

  /** CPU time that Postgres has had so far, in s. */
  get postgresCpuSeconds(): number {
    return cpuSecondsOf(this.#postgres.pid);
  }

  async stop(): Promise<void> {
    await this.#broker.stop();
    await stopEmbedded(this.#directory);
    await rm(this.#directory, { recursive: true, force: true });
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [this.#broker.bootstrap] });
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
    await admin.close();
  }

  /** Records 0 to `transactions` - 1, each at its location. */
  async produce(topic: string, transactions: number, locationOf: (number: number) => string): Promise<void> {
    const sender = new KafkaSender({
      brokers: [this.#broker.bootstrap],
      clientId: 'bench',
      topic,
      world: realWorld(),
    });
    for (let from = 0; from < transactions; from += PRODUCE_BATCH) {
      const size = Math.min(PRODUCE_BATCH, transactions - from);
      const numbers = Array.from({ length: size }, (_, index) => from + index);
      await sender.send(numbers.map((number) => record(number, locationOf(number))));
    }
    await sender.close();
  }

  async createDatabase(name: string): Promise<string> {
    const client = new pg.Client({ connectionString: this.#postgres.connectionString });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    const url = new URL(this.#postgres.connectionString);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** A process of http-site.ts. */
  async site(): Promise<{ endpoint: string; pid: number; stop(): void }> {
    const script = fileURLToPath(new URL('./http-site.ts', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const port of createInterface({ input: child.stdout })) {
      return {
        endpoint: `http://127.0.0.1:${port}`,
        pid: child.pid ?? 0,
        stop: () => child.stdin.end(),
      };
    }
    throw new Error('the site did not start');
  }

  /**
   * The worker's process; its last line says what it and the participant saw. With `profileDirectory` it writes a CPU
   * profile there.
   */
  async work<T>(job: BenchJob, profileDirectory?: string): Promise<T> {
    const script = fileURLToPath(new URL('./durable-worker.ts', import.meta.url));
    const input = JSON.stringify({ ...job, brokers: [this.#broker.bootstrap] });
    const profiling =
      profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
    const child = spawn(process.execPath, [...profiling, script, input], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = '';
    for await (const line of createInterface({ input: child.stdout })) last = line;
    return JSON.parse(last) as T;
  }
}

function record(number: number, key: string): { key: string; value: Buffer } {
  const head = `{"id":"t-${number}","type":"withdraw","data":{"sequence":${number},"amount":2000,"note":"`;
  return { key, value: Buffer.from(`${head.padEnd(RECORD_BYTES - 3, 'x')}"}}`) };
}
