/**
 * A keyed consumer: the records of a meter in order, meters side by side, at least once.
 *
 *   KAFKA_BROKERS=localhost:9092 TOPIC=readings node examples/02-consumer/main.ts
 */
import { createConsumer } from 'signalbox/consumer';

interface Reading {
  readonly meter: string;
  readonly kwh: number;
}

const { KAFKA_BROKERS = 'localhost:9092', TOPIC = 'readings' } = process.env;
const totals = new Map<string, number>();

const consumer = createConsumer<string | null, Reading>({
  brokers: KAFKA_BROKERS.split(','),
  topic: TOPIC,
  group: 'totals',
  limit: 100,
  deserializers: { value: (bytes) => JSON.parse(String(bytes)) as Reading },
  handle: async ({ key, value, offset }, { signal }) => {
    signal.throwIfAborted();
    totals.set(value.meter, (totals.get(value.meter) ?? 0) + value.kwh);
    console.log(`${key} ${offset}: ${totals.get(value.meter)} kWh`);
  },
  onProblem: (error) => console.error(error.message),
});

process.once('SIGINT', () => void consumer.close());
process.once('SIGTERM', () => void consumer.close());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === 'assigned' || event.type === 'revoked') console.log(event.type, event.partition);
}
