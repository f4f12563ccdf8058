/** What all measurements share: one broker, one Postgres with fsync when it is asked for, topics filled once. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import pg from 'pg';
import { KafkaSender } from '../../src/adapters/kafka/kafka-sender.ts';
import { realWorld } from '../../src/adapters/node/world.ts';
import { EmbeddedPostgres, stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { LocalBroker } from '../../src/demo/local-broker.ts';
import { type Made, make, recordValue } from './dataset.ts';
import { type Dataset, PARTITIONS } from './works.ts';

const BROKER_HEAP_MB = 768;
const SEND_BATCH = 10_000;

export class Stand {
  readonly #directory: string;
  readonly #broker: LocalBroker;
  readonly #admin: Admin;
  readonly #topics = new Map<string, string>();
  #postgres: EmbeddedPostgres | null = null;

  private constructor(directory: string, broker: LocalBroker) {
    this.#directory = directory;
    this.#broker = broker;
    this.#admin = new Admin({ clientId: 'bench', bootstrapBrokers: [broker.bootstrap] });
  }

  static async start(): Promise<Stand> {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-peers-'));
    const broker = await LocalBroker.start({ directory: join(directory, 'kafka'), heapMb: BROKER_HEAP_MB });
    return new Stand(directory, broker);
  }

  get broker(): string {
    return this.#broker.bootstrap;
  }

  /** For example `18.4`; null when no work asked for it. */
  get postgresVersion(): string | null {
    return this.#postgres?.version ?? null;
  }

  async stop(): Promise<void> {
    await this.#admin.close();
    await this.#broker.stop();
    if (this.#postgres !== null) await stopEmbedded(this.#directory);
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The topic with the first `records` of the dataset, filled the first time. */
  async topicOf(dataset: Dataset, records: number): Promise<string> {
    const name = `${dataset.distribution}-${dataset.locations}-${records}`;
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const topic = await this.filledTopic(dataset, records);
    this.#topics.set(name, topic);
    return topic;
  }

  /** A topic of its own with the first `records` of the dataset. */
  async filledTopic(dataset: Dataset, records: number): Promise<string> {
    const topic = await this.emptyTopic();
    const sender = new KafkaSender({
      brokers: [this.broker],
      clientId: 'bench',
      topic,
      world: realWorld(),
    });
    let number = 0;
    let batch: { key: string; value: Buffer }[] = [];
    const keyed = (made: Made) => ({
      key: made.location,
      value: recordValue(number, made, Date.now() * 1_000),
    });
    for (const made of make(dataset, records)) {
      batch.push(keyed(made));
      number += 1;
      if (batch.length < SEND_BATCH && number < records) continue;
      await sender.send(batch);
      batch = [];
    }
    await sender.close();
    return topic;
  }

  async emptyTopic(): Promise<string> {
    const topic = `work-${randomUUID().slice(0, 8)}`;
    await this.#admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 });
    return topic;
  }

  /** A new database. */
  async database(): Promise<string> {
    this.#postgres ??= await EmbeddedPostgres.start({ directory: this.#directory });
    const name = `work_${randomUUID().slice(0, 8)}`;
    const client = new pg.Client({ connectionString: this.#postgres.connectionString });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    const url = new URL(this.#postgres.connectionString);
    url.pathname = `/${name}`;
    return url.href;
  }

  /** The committed offset of each partition; 0 where there is none. */
  async committed(group: string, topic: string): Promise<number[]> {
    const offsets = new Array<number>(PARTITIONS).fill(0);
    const groups = await this.#admin.listConsumerGroupOffsets({ groups: [group] });
    for (const { name, partitions } of groups.flatMap((one) => one.topics)) {
      if (name !== topic) continue;
      for (const { partitionIndex, committedOffset } of partitions)
        offsets[partitionIndex] = Math.max(0, Number(committedOffset));
    }
    return offsets;
  }
}
