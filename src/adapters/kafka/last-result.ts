/** The last result of a source partition, read from the end of the results topic: what a ledger that lost history forgot. */
import { type Connection, listOffsetsV9 } from '@platformatic/kafka';
import { numberIn, RESULT_ID } from '../../core/result-id.ts';
import type { RecordBatch } from '../../engine/ports.ts';
import { AbortedFilter } from './aborted-filter.ts';
import type { Cluster } from './cluster.ts';
import { fetchApi } from './fetch-answer.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import { readPart } from './record-batches.ts';

/** The results topic, and the partition of the source whose results are looked for in one of its partitions. */
export interface LastResultPlace {
  readonly results: { readonly name: string; readonly id: string; readonly partition: number };
  readonly source: { readonly name: string; readonly partition: number };
  /** All: where the end holds no result of the partition, everything before it too. */
  readonly where: 'end' | 'all';
}

/** About 150 KB: as many as a publisher sends at once. */
const END_RECORDS = 500;
const WAIT_MS = 500;
const BYTES_MIN = 1;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const READ_COMMITTED = 1;
const NO_SESSION = 0;
const NO_EPOCH = -1;
const CONSUMER = -1;
const EARLIEST = -2n;
const LATEST = -1n;

/** 0 when there is none. */
export async function lastResult(cluster: Cluster, place: LastResultPlace): Promise<number> {
  const { results } = place;
  const connection = await cluster.toLeader(results.name, results.partition);
  const first = await offsetAt(connection, place, EARLIEST);
  const end = await offsetAt(connection, place, LATEST);
  const tail = Math.max(first, end - END_RECORDS);
  const found = await highestIn(connection, place, { from: tail, end });
  if (found > 0 || place.where === 'end') return found;
  return await highestIn(connection, place, { from: first, end: tail });
}

async function offsetAt(
  connection: Connection,
  { results: { name, partition } }: LastResultPlace,
  timestamp: bigint,
): Promise<number> {
  const partitions = [{ partitionIndex: partition, currentLeaderEpoch: NO_EPOCH, timestamp }];
  const request = listOffsetsV9.api.async(connection, CONSUMER, READ_COMMITTED, [{ name, partitions }]);
  const [found] = (await answerOf(request)).topics[0]?.partitions ?? [];
  if (found === undefined || found.errorCode !== KAFKA.NONE)
    throw new KafkaRefusal(
      `ListOffsets of ${name}/${partition}`,
      found?.errorCode ?? KAFKA.UNKNOWN_TOPIC_OR_PARTITION,
    );
  return Number(found.offset);
}

/** Positions in the partition of the results topic. */
interface Range {
  readonly from: number;
  readonly end: number;
}

async function highestIn(
  connection: Connection,
  place: LastResultPlace,
  { from, end }: Range,
): Promise<number> {
  const filter = new AbortedFilter();
  let highest = 0;
  for (let position = from; position < end; ) {
    const { part, bytes } = await fetchAt(connection, place, position);
    filter.named(part.aborted);
    const { batches, nextOffset } = readPart({ ...part, bytes, from: position, filter });
    for (const batch of batches) highest = Math.max(highest, highestOf(batch, place));
    if (nextOffset === position) break; // nothing more is given out
    position = nextOffset;
  }
  return highest;
}

function highestOf(batch: RecordBatch, { source: { name, partition } }: LastResultPlace): number {
  let highest = 0;
  for (let index = 0; index < batch.count; index += 1) {
    const id = batch.headers(index).find((header) => header.name === RESULT_ID);
    highest = Math.max(highest, numberIn(id?.value?.toString() ?? '', name, partition) ?? 0);
  }
  return highest;
}

async function fetchAt(connection: Connection, { results }: LastResultPlace, position: number) {
  const wanted = {
    partition: results.partition,
    currentLeaderEpoch: NO_EPOCH,
    fetchOffset: BigInt(position),
    lastFetchedEpoch: NO_EPOCH,
    partitionMaxBytes: ANSWER_BYTES_MAX,
  };
  const topics = [{ topicId: results.id, partitions: [wanted] }];
  const limits = [WAIT_MS, BYTES_MIN, ANSWER_BYTES_MAX, READ_COMMITTED, NO_SESSION, NO_EPOCH] as const;
  const answer = await fetchApi.async(connection, ...limits, topics, [], '');
  const [part] = answer.parts;
  const errorCode = answer.errorCode === KAFKA.NONE ? part?.errorCode : answer.errorCode;
  if (part === undefined || errorCode !== KAFKA.NONE)
    throw new KafkaRefusal(`Fetch of ${results.name}/${results.partition}`, errorCode ?? KAFKA.NONE);
  return { part, bytes: answer.bytes };
}
