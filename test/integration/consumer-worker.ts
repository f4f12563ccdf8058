/** A process with a consumer, for consumer.test.ts: a line before and after each record, SIGTERM drains. */
import { appendFileSync } from 'node:fs';
import { createConsumer } from '../../src/index-consumer.ts';

const { KAFKA_BROKERS = '', TOPIC = '', JOURNAL = '', LIMIT = '20', SESSION_MS = '6000' } = process.env;

const consumer = createConsumer({
  brokers: KAFKA_BROKERS.split(','),
  topic: TOPIC,
  group: 'consumers',
  limit: Number(LIMIT),
  sessionTimeoutMs: Number(SESSION_MS),
  handle: async ({ key, value }) => {
    const line = (what: string) =>
      appendFileSync(
        JOURNAL,
        `${JSON.stringify({ what, key, number: Number(String(value)), pid: process.pid })}\n`,
      );
    line('start');
    await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 20));
    line('end');
  },
  onProblem: (error) => console.error(`${process.pid} ${error.message}`),
});
process.once('SIGTERM', () => void consumer.close().then(() => process.exit(0)));
await consumer.start();
