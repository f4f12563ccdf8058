/**
 * A failing record is tried again while its key waits; after five attempts it goes to a dead-letter topic and its key goes
 * on. One that cannot be read is poison, and goes there at once.
 *
 *   KAFKA_BROKERS=localhost:9092 TOPIC=payments DEAD_TOPIC=payments.dead node examples/03-retry-and-dead-letters/main.ts
 */
import { createConsumer } from 'signalbox/consumer';

const {
  KAFKA_BROKERS = 'localhost:9092',
  TOPIC = 'payments',
  DEAD_TOPIC = 'payments.dead',
  BANK = '',
} = process.env;

const consumer = createConsumer<string | null, { readonly amount: number }>({
  brokers: KAFKA_BROKERS.split(','),
  topic: TOPIC,
  group: 'payments',
  deadLetterTopic: DEAD_TOPIC,
  retry: { firstMs: 50, maxMs: 2_000, attemptsMax: 5 },
  timeoutMs: 10_000,
  deserializers: {
    value: (bytes) => {
      const value = JSON.parse(String(bytes)) as { amount?: unknown };
      if (!Number.isSafeInteger(value.amount)) throw new TypeError('amount is no whole number');
      return { amount: value.amount as number };
    },
  },
  handle: async ({ key, value }, { signal }) => {
    const answer = await fetch(`${BANK}/accounts/${key}`, {
      method: 'POST',
      body: JSON.stringify(value),
      signal,
    });
    if (!answer.ok) throw new Error(`the bank answers ${answer.status}`);
  },
});

process.once('SIGTERM', () => void consumer.close());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === 'failed')
    console.log(`${event.key} attempt ${event.attempt}: ${event.error}, again in ${event.againMs} ms`);
  if (event.type === 'dead-letter') console.log(`${event.key} ${event.offset}: dead letter`);
}
