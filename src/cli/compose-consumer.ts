/** A consumer on a real Kafka broker: the same adapter as the service's, without a results topic. */
import { hostname } from 'node:os';
import { KafkaLog } from '../adapters/kafka/kafka-log.ts';
import { KafkaSender } from '../adapters/kafka/kafka-sender.ts';
import type { KafkaConnectionSettings } from '../adapters/kafka/settings.ts';
import { realWorld } from '../adapters/node/world.ts';
import { Consumer } from '../consumer/consumer.ts';
import type { ConsumerOptions } from '../consumer/options.ts';
import { keepAlive } from './keep-alive.ts';

export interface KafkaOptions extends Omit<KafkaConnectionSettings, 'clientId'> {
  /** What operators see as CLIENT-ID; the host and the process by default. */
  readonly clientId?: string;
  /** 45,000 by default: a consumer that is silent for this long loses its partitions. */
  readonly sessionTimeoutMs?: number;
  /** How long a hand-over may wait for handlers; 60,000 by default. */
  readonly drainBudgetMs?: number;
}

/**
 * A consumer, not started yet. Throws nothing; `start` rejects for a configuration that cannot work.
 *
 *   const consumer = createConsumer({ brokers: ['localhost:9092'], topic: 'orders', group: 'billing',
 *     handle: async (record) => { … } });
 *   await consumer.start();
 */
export function createConsumer<Key = string | null, Value = Buffer | null>(
  options: ConsumerOptions<Key, Value> & KafkaOptions,
): Consumer<Key, Value> {
  const { topic, group, deadLetterTopic } = options;
  const world = realWorld();
  const settings = { ...options, world, clientId: options.clientId ?? `${hostname()}-${process.pid}` };
  return new Consumer<Key, Value>(options, {
    world,
    log: new KafkaLog({ ...settings, topic, group, resultsTopic: null, createResultsTopic: false }),
    keepAlive,
    deadLetters:
      deadLetterTopic === undefined ? null : new KafkaSender({ ...settings, topic: deadLetterTopic }),
  });
}
