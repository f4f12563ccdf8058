/** The naive map: a promise chain a key over @platformatic/kafka, the client that Signalbox has, never awaited. */
import { Consumer, stringDeserializers } from '@platformatic/kafka';
import { chains } from './chains.ts';
import { type Consume, onNode, type Peer } from './peer.ts';
import { versionOf } from './signalbox-consumer.ts';

export const peer: Peer = {
  id: 'naive-map',
  title: 'naive map over @platformatic/kafka',
  settings: 'string deserializers, autocommit; one promise chain a key, never awaited',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => ({
    '@platformatic/kafka': versionOf('../../node_modules/@platformatic/kafka/package.json'),
  }),
  command: onNode,
};

export const consume: Consume = async ({ job, handler }) => {
  const handle = await handler();
  const session = job.sessionTimeoutMs === null ? {} : { sessionTimeout: job.sessionTimeoutMs };
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: job.group,
    bootstrapBrokers: [job.broker],
    deserializers: stringDeserializers,
    ...session,
  });
  const stream = await consumer.consume({
    topics: [job.topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: true,
    ...session,
  });
  const chain = chains();
  const read = async (): Promise<void> => {
    for await (const { key, value } of stream) void chain(key, () => handle(value));
  };
  read().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  return { close: () => consumer.close(true) };
};
