/**
 * Samples the offsets of all partitions a few times a second, through outages: the group's first, the ledger's
 * watermark after it, so that the first never passes the second unless a worker committed too much. And what the
 * workers say of their memory.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { OffsetSample, WorkerMemory } from '../../src/checkers/evidence.ts';
import type { BrokerClient, TopicFacts } from './broker-client.ts';
import type { LedgerClient } from './ledger-client.ts';

export interface SamplerSettings {
  /** Of its own: a sample must not wait behind another request. */
  readonly client: BrokerClient;
  readonly ledger: LedgerClient;
  readonly topic: TopicFacts;
  readonly group: string;
}

const INTERVAL_MS = 250;

const WATERMARKS =
  'select partition, watermark::float8 as watermark from signalbox.partitions where topic = $1';
const MEMORY = 'select worker, rss_bytes::float8 as bytes from signalbox.workers';

export class OffsetSampler {
  readonly #settings: SamplerSettings;
  readonly #samples: OffsetSample[] = [];
  readonly #memory = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #missed = 0;

  constructor(settings: SamplerSettings) {
    this.#settings = settings;
    this.#running = this.#run();
  }

  get samples(): readonly OffsetSample[] {
    return this.#samples;
  }

  /** The most that each worker has told. */
  get memory(): WorkerMemory[] {
    return [...this.#memory].map(([worker, rssBytesMax]) => ({ worker, rssBytesMax }));
  }

  /** How often broker or ledger did not answer. */
  get missed(): number {
    return this.#missed;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#sample().catch(() => {
        this.#missed += 1;
      });
      await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sample(): Promise<void> {
    const { client, ledger, topic, group } = this.#settings;
    const offsets = await client.groupOffsets(group, topic.name);
    const rows = await ledger.rows<{ partition: number; watermark: number | null }>(WATERMARKS, [topic.name]);
    const watermarks = new Map(rows.map(({ partition, watermark }) => [partition, watermark]));
    const atMs = Date.now();
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      const groupOffset = offsets.get(partition) ?? null;
      this.#samples.push({ atMs, partition, groupOffset, watermark: watermarks.get(partition) ?? null });
    }
    for (const { worker, bytes } of await ledger.rows<{ worker: string; bytes: number }>(MEMORY)) {
      this.#memory.set(worker, Math.max(bytes, this.#memory.get(worker) ?? 0));
    }
  }
}
