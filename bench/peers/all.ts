/** Every peer, in the order of the tables. Signalbox's own are the ones that the others are compared with. */
import { peer as aiokafkaSemaphore } from './aiokafka-semaphore.ts';
import { peer as decatonThreadPool } from './decaton-thread-pool.ts';
import { peer as decatonVirtualThreads } from './decaton-virtual-threads.ts';
import { peer as kafkajsEachBatch } from './kafkajs-each-batch.ts';
import { peer as kafkajsEachMessage } from './kafkajs-each-message.ts';
import { peer as naiveMap } from './naive-map.ts';
import { peer as parallelConsumerCore } from './parallel-consumer-core.ts';
import { peer as parallelConsumerReactor } from './parallel-consumer-reactor.ts';
import type { Peer } from './peer.ts';
import { peer as pgBoss } from './pg-boss.ts';
import { peer as restate } from './restate.ts';
import { peer as signalboxConsumer } from './signalbox-consumer.ts';
import { peer as signalboxDurable } from './signalbox-durable.ts';

export const PEERS: readonly Peer[] = [
  signalboxConsumer,
  signalboxDurable,
  naiveMap,
  kafkajsEachMessage,
  kafkajsEachBatch,
  aiokafkaSemaphore,
  decatonVirtualThreads,
  decatonThreadPool,
  parallelConsumerCore,
  parallelConsumerReactor,
  restate,
  pgBoss,
];

export function isOurs(peer: string): boolean {
  return peer.startsWith('signalbox');
}

/** `signalbox,naive-map`: an id, or the beginning of some. */
export function chosen(text: string | undefined): readonly Peer[] {
  if (text === undefined) return PEERS;
  return text.split(',').flatMap((wanted) => {
    const found = PEERS.filter(({ id }) => id.startsWith(wanted));
    if (found.length === 0)
      throw new Error(`no peer ${wanted}: there are ${PEERS.map(({ id }) => id).join(', ')}`);
    return found;
  });
}
