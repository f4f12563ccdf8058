/** Signalbox's keyed consumer, all settings at their defaults. */
import { readFileSync } from 'node:fs';
import { createConsumer } from '../../src/index-consumer.ts';
import { type Consume, onNode, type Peer } from './peer.ts';

export const peer: Peer = {
  id: 'signalbox-consumer',
  title: 'Signalbox, createConsumer',
  settings: 'defaults',
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
