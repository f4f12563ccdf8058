/**
 * Signalbox's keyed consumer. Its limit of handlers at once is out of the way, because those of the naive map and of Decaton's
 * virtual threads have none: with 1,000 of 2 ms at once, and as many ends to see to in a turn of the event loop, it would decide.
 */
import { readFileSync } from 'node:fs';
import { createConsumer } from '../../src/index-consumer.ts';
import { type Consume, onNode, type Peer } from './peer.ts';

const LIMIT = 10_000;

export const peer: Peer = {
  id: 'signalbox-consumer',
  title: 'Signalbox, createConsumer',
  settings: 'limit 10,000, the rest at its defaults',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'crash'],
  install: async () => ({ signalbox: versionOf('../../package.json') }),
  command: onNode,
};

export const consume: Consume = async ({ job, handler }) => {
  const handle = await handler();
  const consumer = createConsumer({
    brokers: [job.broker],
    topic: job.topic,
    group: job.group,
    limit: LIMIT,
    ...(job.sessionTimeoutMs !== null && { sessionTimeoutMs: job.sessionTimeoutMs }),
    onProblem: (error) => console.error(error.message),
    handle: (record) => handle(record.value ?? ''),
  });
  await consumer.start();
  return { close: () => consumer.close() };
};

export function versionOf(packageJson: string): string {
  const text = readFileSync(new URL(packageJson, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
