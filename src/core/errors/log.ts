import type { ErrorEntry } from './entry.ts';

/** SB-3xxx: the transaction log (Kafka or the embedded log). */
export const logErrors = {
  'SB-3001': {
    cause: 'No Kafka broker can be reached.',
    remedy: 'Check KAFKA_BROKERS and the network; Signalbox retries by itself.',
    status: 503,
  },
  'SB-3002': {
    cause: 'The topic does not exist.',
    remedy: 'Create it with the number of partitions you need, or correct SIGNALBOX_TOPIC.',
    status: 503,
  },
  'SB-3003': {
    cause: 'The topic is compacted: Kafka would delete all but the newest transaction of a location.',
    remedy: 'Set cleanup.policy=delete on the topic.',
    status: 409,
  },
  'SB-3004': {
    cause: 'The broker refused the credentials.',
    remedy: 'Check the SASL and TLS settings.',
    status: 503,
  },
  'SB-3005': {
    cause: 'The broker does not allow this user to use the topic or the group.',
    remedy: 'Grant Read on topic and group, Write on the results topic.',
    status: 503,
  },
  'SB-3006': {
    cause: 'A consumer that is not Signalbox uses the same group id.',
    remedy: 'Give one of the two another group id (SIGNALBOX_GROUP).',
    status: 409,
  },
  'SB-3007': {
    cause: 'The broker does not offer a version of the protocol that Signalbox needs.',
    remedy: 'Use Apache Kafka 4.0 or newer.',
    status: 503,
  },
  'SB-3008': {
    cause: 'Records were deleted from the topic before they were read: the partition stops.',
    remedy:
      'Raise the retention; look up what was lost; then give it up with "signalbox move-watermark" and restart the worker.',
    status: 409,
  },
  'SB-3009': {
    cause: 'The topic was deleted and made again: the partition stops.',
    remedy: 'Find out what was lost with the old topic, then use a new name or a new ledger.',
    status: 409,
  },
  'SB-3010': {
    cause: 'A record is in another partition than murmur2 of its key says.',
    remedy: 'Use the default partitioner of the Java client (murmur2) in each producer.',
    status: 409,
  },
  'SB-3011': {
    cause: 'The number of partitions of the topic changed.',
    remedy:
      'Locations may have moved: drain first, then grow. Order per location across the change is not promised.',
    status: 409,
  },
  'SB-3012': {
    cause: 'The results topic does not exist and may not be created.',
    remedy: 'Create it with the partition count of the transactions topic, or allow creation.',
    status: 503,
  },
  'SB-3013': {
    cause: 'The topic has one replica, or min.insync.replicas is 1: a broken disk loses transactions.',
    remedy: 'Use three replicas and min.insync.replicas=2 in production.',
    status: 200,
  },
  'SB-3014': {
    cause: 'The local Kafka broker could not be started.',
    remedy: 'It needs Java 17 or newer and Maven on the PATH; run the demo without --kafka otherwise.',
    status: 503,
  },
  'SB-3015': {
    cause: 'Heartbeats of this worker fail: it begins nothing until one succeeds.',
    remedy: 'Nothing to do if broker or database are coming back; else check the connection.',
    status: 503,
  },
  'SB-3016': {
    cause: 'Too many records wait to be appended to the log.',
    remedy: 'Send slower: wait for an answer before sending more.',
    status: 503,
  },
  'SB-3017': {
    cause: 'A Kafka broker answered, but refuses for now.',
    remedy: 'Nothing if it passes, as when leaders move; else look up what the detail says at the broker.',
    status: 503,
  },
} as const satisfies Record<string, ErrorEntry>;
