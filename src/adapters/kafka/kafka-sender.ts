/** Puts transactions on the topic in the partition that murmur2 of the key names, as the Java client does. */
import { byteString } from '../../core/byte-string.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { partitionOf } from '../../core/murmur2.ts';
import type { TransactionSender, World } from '../../engine/ports.ts';
import type { ProducerRecord } from './batch-encoding.ts';
import { Cluster } from './cluster.ts';
import { KAFKA, KafkaRefusal, problemOf } from './kafka-errors.ts';
import { PartitionQueue } from './partition-queue.ts';
import { Producer } from './producer.ts';
import type { KafkaConnectionSettings } from './settings.ts';
import { BackOff, pause } from './waiting.ts';

export interface KafkaSenderSettings extends KafkaConnectionSettings {
  readonly topic: string;
  /** A call that is not acknowledged within this time rejects. Default 30,000. */
  readonly sendTimeoutMs?: number;
  readonly world: World;
}

type Sent = Parameters<TransactionSender['send']>[0][number];

export class KafkaSender implements TransactionSender {
  readonly #settings: KafkaSenderSettings;
  readonly #timeoutMs: number;
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  readonly #queues = new Map<number, PartitionQueue>();

  constructor(settings: KafkaSenderSettings) {
    const { world, topic } = settings;
    this.#settings = settings;
    this.#timeoutMs = settings.sendTimeoutMs ?? 30_000;
    this.#cluster = new Cluster({ world, settings, topics: [topic] });
    this.#producer = new Producer({ world, settings, cluster: this.#cluster, topic });
  }

  /** Throws SB-3001, SB-3002, SB-3004, SB-3005, SB-3016 or SB-3017: some records may have arrived. */
  async send(records: readonly Sent[]): Promise<void> {
    const count = await this.#partitionCount();
    const byPartition = new Map<number, ProducerRecord[]>();
    for (const record of records) {
      const key = record.key === null ? null : Buffer.from(record.key);
      const partition = this.#partitionOf(key, count);
      const list = byPartition.get(partition) ?? [];
      list.push({ key, value: record.value, headers: Object.entries(record.headers ?? {}) });
      byPartition.set(partition, list);
    }
    await Promise.all([...byPartition].map(([partition, list]) => this.#queue(partition).send(list)));
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.close(), this.#cluster.close()]);
  }

  /** A record without a key is a dead letter wherever it is. */
  #partitionOf(key: Buffer | null, count: number): number {
    return key === null
      ? Math.floor(this.#settings.world.random() * count)
      : partitionOf(byteString(key), count);
  }

  #queue(partition: number): PartitionQueue {
    const { world } = this.#settings;
    const known = this.#queues.get(partition);
    if (known !== undefined) return known;
    const queue = new PartitionQueue({
      world,
      producer: this.#producer,
      partition,
      timeoutMs: this.#timeoutMs,
    });
    this.#queues.set(partition, queue);
    return queue;
  }

  /** Looked up once: a topic that grows while we run is announced, drained and restarted (SB-3011). */
  async #partitionCount(): Promise<number> {
    const { world, topic } = this.#settings;
    const backOff = new BackOff(world);
    const giveUpAtMs = world.monotonic() + this.#timeoutMs;
    for (;;) {
      const facts = this.#cluster.topic(topic);
      if (facts !== null && facts.errorCode === KAFKA.NONE && facts.leaders.length > 0)
        return facts.leaders.length;
      try {
        await this.#cluster.refresh();
        this.#requireTopic();
      } catch (error) {
        const waitMs = backOff.next();
        const problem = problemOf(error, `looking up ${topic}`);
        if (problem.final || world.monotonic() + waitMs > giveUpAtMs) throw problem;
        await pause(world, waitMs);
      }
    }
  }

  #requireTopic(): void {
    const { topic } = this.#settings;
    const errorCode = this.#cluster.topic(topic)?.errorCode ?? KAFKA.UNKNOWN_TOPIC_OR_PARTITION;
    if (errorCode === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) throw new SignalboxError('SB-3002', topic);
    if (errorCode !== KAFKA.NONE) throw new KafkaRefusal(`topic ${topic}`, errorCode);
  }
}
