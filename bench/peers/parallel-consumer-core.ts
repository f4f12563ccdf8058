/** Confluent Parallel Consumer, core, a thread a record. */
import { installParallelConsumer, javaVersion } from './installed.ts';
import { onJava, PARALLEL_CONSUMER } from './java.ts';
import type { Peer } from './peer.ts';

export const peer: Peer = {
  id: 'parallel-consumer-core',
  title: 'Parallel Consumer, core',
  settings: 'ordering KEY, maxConcurrency 1,000, commits every 5 s (default); -Xmx2g',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => {
    installParallelConsumer();
    return { 'parallel-consumer': PARALLEL_CONSUMER, java: javaVersion() };
  },
  command: (job) => onJava('ParallelConsumerPeer', installParallelConsumer(), job),
};
