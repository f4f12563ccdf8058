/** LINE Decaton, a virtual thread a key. */
import { installDecaton, javaVersion } from './installed.ts';
import { onJava } from './java.ts';
import type { Peer } from './peer.ts';

export const peer: Peer = {
  id: 'decaton-virtual-threads',
  title: 'Decaton, virtual threads',
  settings: 'VIRTUAL_THREAD, max pending 10,000 a partition, commits every second (defaults); -Xmx2g',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => ({ decaton: installDecaton().from, java: javaVersion() }),
  command: (job) => onJava('DecatonPeer', installDecaton().classPath, job),
};
