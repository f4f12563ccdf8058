/** kafkajs eachMessage: a partition is one line. */
import { AT_ONCE, subscribed } from './kafkajs.ts';
import { installNpm } from './npm-packages.ts';
import { type Consume, onNode, type Peer } from './peer.ts';

export const peer: Peer = {
  id: 'kafkajs-each-message',
  title: 'kafkajs, eachMessage',
  settings: `partitionsConsumedConcurrently ${AT_ONCE}, auto commit`,
  works: ['W1', 'W2', 'W4', 'W5', 'W6', 'crash'],
  narrow: true,
  install: async () => installNpm('kafkajs'),
  command: onNode,
};

export const consume: Consume = async ({ job, handler }) => {
  const handle = await handler();
  const consumer = await subscribed(job);
  await consumer.run({
    partitionsConsumedConcurrently: AT_ONCE,
    eachMessage: async ({ message }) => handle(message.value ?? ''),
  });
  return { close: () => consumer.disconnect() };
};
