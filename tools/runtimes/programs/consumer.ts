/** What a user of `signalbox/consumer` relies on, tried on whatever runtime this is. Throws when it is not so. */
import assert from 'node:assert/strict';
import { createConsumer } from 'signalbox/consumer';

const { BROKERS = '', TOPIC = '', DEAD_TOPIC = '', GROUP = '', RECORDS = '' } = process.env;
const records = Number(RECORDS);
const last = new Map<string, number>();
const running = new Set<string>();
/** A handler that throws is tried again, so what is wrong is kept for the end. */
const broken: string[] = [];
const finished = Promise.withResolvers<void>();
let done = 0;
let failed = 0;

const consumer = createConsumer<string | null, { readonly number: number }>({
  brokers: [BROKERS],
  topic: TOPIC,
  group: GROUP,
  deadLetterTopic: DEAD_TOPIC,
  retry: { firstMs: 5, maxMs: 50 },
  deserializers: { value: (bytes) => JSON.parse(String(bytes)) as { readonly number: number } },
  handle: async ({ key, value: { number } }, { attempt }) => {
    const name = `${key}`;
    if (running.has(name)) broken.push(`two of ${name} at once`);
    if ((last.get(name) ?? -1) >= number) broken.push(`${name}: ${number} after ${last.get(name)}`);
    running.add(name);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running.delete(name);
    if (number % 100 === 50 && attempt === 1) {
      failed += 1;
      throw new Error('the first attempt fails');
    }
    last.set(name, number);
    done += 1;
    if (done === records) finished.resolve();
  },
});
const events = consumer.events();
await consumer.start();
for await (const event of events) if (event.type === 'dead-letter') break;
await finished.promise;
assert.ok(consumer.health().ready);
await consumer.close();
assert.equal(done, records);
assert.deepEqual(broken, []);
console.log(`${done} records of ${last.size} keys in order, ${failed} tried again, 1 dead letter`);
