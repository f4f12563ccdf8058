/** What both ways of kafkajs share: the package from the cache, connected and subscribed. */
import type { Consumer, Kafka, logLevel } from 'kafkajs';
import type { Job } from './job.ts';
import { npmImport } from './npm-packages.ts';

/** As many partitions as there are. */
export const AT_ONCE = 8;

export async function subscribed(job: Job): Promise<Consumer> {
  const { default: kafkajs } = await npmImport<{
    default: { Kafka: typeof Kafka; logLevel: typeof logLevel };
  }>('kafkajs');
  const kafka = new kafkajs.Kafka({
    clientId: 'bench',
    brokers: [job.broker],
    logLevel: kafkajs.logLevel.ERROR,
  });
  const consumer = kafka.consumer({
    groupId: job.group,
    ...(job.sessionTimeoutMs !== null && { sessionTimeout: job.sessionTimeoutMs }),
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [job.topic], fromBeginning: true });
  return consumer;
}
