/**
 * Fetch and parse alone: records a second from a real broker to columns in memory, without group, lanes or ledger.
 *
 *   npm run bench -- fetch [--records 200000] [--bytes 200] [--partitions 8] [--rounds 7] [--json]
 *
 * The broker runs on the same machine (SIGNALBOX_TEST_KAFKA names another). Everything is produced before; a round
 * reads it all from the beginning, timed from the first records to the last. What is reported is the median round; the first one, which warms up, is left out.
 */
import { parseArgs } from 'node:util';
import { Cluster } from '../src/adapters/kafka/cluster.ts';
import { Fetcher } from '../src/adapters/kafka/fetcher.ts';
import { KafkaSender } from '../src/adapters/kafka/kafka-sender.ts';
import { Reach } from '../src/adapters/kafka/reach.ts';
import { createTopic } from '../src/adapters/kafka/topics.ts';
import { realWorld } from '../src/adapters/node/world.ts';
import { testKafka, topicName } from '../test/fixtures/kafka.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    bytes: { type: 'string', default: '200' },
    partitions: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
});
const records = Number(values.records);
const bytes = Number(values.bytes);
const partitions = Number(values.partitions);
const rounds = Number(values.rounds);

const SEND_BATCH = 20_000;

const world = realWorld();
const kafka = await testKafka();
if ('skip' in kafka) throw new Error(kafka.skip);
// Timers of the World hold no process.
const hold = setInterval(() => undefined, 1_000);
const topic = topicName();
const settings = { brokers: [kafka.bootstrap], clientId: 'signalbox-bench' };
const cluster = new Cluster({ world, settings, topics: [topic] });
await createTopic(await cluster.any(), { name: topic, partitions });
await produce();
await cluster.refresh();

let left = 0;
let startedAt = 0;
let finished = (): void => undefined;
const fetcher = new Fetcher({
  world,
  settings,
  topic: { name: topic, id: cluster.topic(topic)?.id ?? '' },
  cluster,
  reach: new Reach({ world, tell: (error) => console.error(error.message) }),
  deliver: (batch) => {
    // The clock starts with the first records: before them an idle request may wait half a second for data.
    if (left === records) startedAt = performance.now();
    left -= batch.count;
    if (left === 0) finished();
  },
  problem: (error) => console.error(error.message),
  topicUnknown: () => undefined,
});

const results: { readonly perSecond: number; readonly cpuSeconds: number }[] = [];
for (let round = 0; round < rounds; round += 1) results.push(await readAll());
results.shift();
results.sort((one, other) => one.perSecond - other.perSecond);
const median = results[Math.floor(results.length / 2)];
const report = {
  bench: 'fetch',
  ...machine(),
  records,
  bytes,
  partitions,
  rounds: results.length,
  recordsPerSecond: Math.round(median?.perSecond ?? 0),
  slowest: Math.round(results[0]?.perSecond ?? 0),
  fastest: Math.round(results.at(-1)?.perSecond ?? 0),
  cpuSeconds: median?.cpuSeconds ?? 0,
};
console.log(values.json ? JSON.stringify(report) : report);

await fetcher.close();
await cluster.close();
await kafka.stop();
clearInterval(hold);

async function produce(): Promise<void> {
  const sender = new KafkaSender({ ...settings, topic, world });
  const value = Buffer.alloc(bytes, 'x');
  for (let sent = 0; sent < records; sent += SEND_BATCH) {
    const count = Math.min(SEND_BATCH, records - sent);
    await sender.send(
      Array.from({ length: count }, (_, index) => ({ key: `atm-${(sent + index) % 2_000}`, value })),
    );
  }
  await sender.close();
}

async function readAll(): Promise<{ readonly perSecond: number; readonly cpuSeconds: number }> {
  left = records;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const cpu = process.cpuUsage();
  for (let partition = 0; partition < partitions; partition += 1) fetcher.start(partition, 0);
  await done;
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: records / seconds, cpuSeconds: (user + system) / 1e6 };
}
