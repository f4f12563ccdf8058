/**
 * Nothing to do with machines: orders of a customer one after the other, in batches where several wait, customers side by
 * side; an important customer has three at once.
 *
 *   KAFKA_BROKERS=localhost:9092 TOPIC=orders node examples/08-orders-by-customer/main.ts
 */
import { createConsumer } from 'signalbox/consumer';

interface Order {
  readonly customer: string;
  readonly item: string;
}

const { KAFKA_BROKERS = 'localhost:9092', TOPIC = 'orders' } = process.env;

const consumer = createConsumer<string | null, Order>({
  brokers: KAFKA_BROKERS.split(','),
  topic: TOPIC,
  group: 'warehouse',
  keyOf: ({ key }) => key ?? 'nobody',
  concurrency: (customer) => (customer === 'important' ? 3 : 1),
  batchMax: 10,
  deserializers: { value: (bytes) => JSON.parse(String(bytes)) as Order },
  handleBatch: async (orders) => {
    const [first] = orders;
    await new Promise((resolve) => setTimeout(resolve, 20)); // one parcel, whatever is in it
    console.log(`${first?.value.customer}: ${orders.map(({ value }) => value.item).join(', ')}`);
  },
});

process.once('SIGTERM', () => void consumer.close());
await consumer.start();
