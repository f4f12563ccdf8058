/** LINE Decaton, a pool of threads. */
import { installDecaton, javaVersion } from './installed.ts';
import { onJava } from './java.ts';
import type { Peer } from './peer.ts';

export const peer: Peer = {
  id: 'decaton-thread-pool',
  title: 'Decaton, thread pool',
  settings: 'THREAD_POOL, partition concurrency 125, the rest at its defaults; -Xmx2g',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => ({ decaton: installDecaton().from, java: javaVersion() }),
  command: (job) => onJava('DecatonPeer', installDecaton().classPath, job),
};
