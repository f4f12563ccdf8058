/** kafkajs eachBatch: a promise chain a key within a batch, the whole batch awaited, with heartbeats meanwhile. */
import { chains } from './chains.ts';
import { AT_ONCE, subscribed } from './kafkajs.ts';
import { installNpm } from './npm-packages.ts';
import { type Consume, onNode, type Peer } from './peer.ts';

const HEARTBEAT_MS = 3_000;

export const peer: Peer = {
  id: 'kafkajs-each-batch',
  title: 'kafkajs, eachBatch',
  settings: `partitionsConsumedConcurrently ${AT_ONCE}, auto commit; one promise chain a key, each batch awaited`,
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => installNpm('kafkajs'),
  command: onNode,
};

export const consume: Consume = async ({ job, handler }) => {
  const handle = await handler();
  const consumer = await subscribed(job);
  await consumer.run({
    partitionsConsumedConcurrently: AT_ONCE,
    eachBatch: async ({ batch, heartbeat }) => {
      const chain = chains();
      const beat = setInterval(() => heartbeat().catch(() => undefined), HEARTBEAT_MS);
      await Promise.all(
        batch.messages.map(({ key, value }) => chain(String(key), () => handle(value ?? ''))),
      );
      clearInterval(beat);
    },
  });
  return { close: () => consumer.disconnect() };
};
