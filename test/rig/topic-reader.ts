/** Reads a topic from its beginning to its end from outside, and turns records into what the checkers read. */
import { type Connection, fetchV17, type RecordsBatch } from '@platformatic/kafka';
import type { ResultTopicRecord, TopicRecord } from '../../src/checkers/evidence.ts';
import { byteString } from '../../src/core/byte-string.ts';
import type { BrokerClient, TopicFacts } from './broker-client.ts';

/** Bounds of one fetch: the largest record of a test is 256 KiB and comes whole whatever the bound. */
const PARTITION_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 500;
const COMMITTED = 1;
/** Bit of a batch of transaction markers. No test aborts a transaction, so nothing else is left out. */
const CONTROL = 0b10_0000;

export async function readTopic(client: BrokerClient, topic: TopicFacts): Promise<TopicRecord[]> {
  const ends = await client.endOffsets(topic);
  const records: TopicRecord[] = [];
  for (let partition = 0; partition < topic.partitions; partition += 1) {
    const connection = await client.connection();
    const part = { partition, end: ends.get(partition) ?? 0 };
    records.push(...(await readPartition(connection, topic, part)));
  }
  return records;
}

export async function readResults(client: BrokerClient, topic: TopicFacts): Promise<ResultTopicRecord[]> {
  const records = await readTopic(client, topic);
  return records.map(({ partition, offset, key, value, headers }) => ({
    partition,
    offset,
    key,
    value: Buffer.from(value ?? '', 'latin1').toString('utf8'),
    headers,
  }));
}

async function readPartition(
  connection: Connection,
  topic: TopicFacts,
  { partition, end }: { readonly partition: number; readonly end: number },
): Promise<TopicRecord[]> {
  const records: TopicRecord[] = [];
  for (let position = 0; position < end; ) {
    const batches = await fetchFrom(connection, topic, { partition, position });
    for (const batch of batches) {
      const next = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
      if (next > position && (batch.attributes & CONTROL) === 0) {
        records.push(...recordsOf(batch, partition).filter(({ offset }) => offset >= position));
      }
      position = Math.max(position, next);
    }
  }
  return records.filter(({ offset }) => offset < end);
}

async function fetchFrom(
  connection: Connection,
  topic: TopicFacts,
  { partition, position }: { readonly partition: number; readonly position: number },
): Promise<readonly RecordsBatch[]> {
  const wanted = {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(position),
    lastFetchedEpoch: -1,
    partitionMaxBytes: PARTITION_BYTES,
  };
  const topics = [{ topicId: topic.id, partitions: [wanted] }];
  const answer = await fetchV17.api.async(
    connection,
    WAIT_MS,
    1,
    PARTITION_BYTES,
    COMMITTED,
    0,
    -1,
    topics,
    [],
    '',
  );
  return answer.responses[0]?.partitions[0]?.records ?? [];
}

function recordsOf(batch: RecordsBatch, partition: number): TopicRecord[] {
  return batch.records.map((record) => ({
    partition,
    offset: Number(batch.firstOffset) + record.offsetDelta,
    key: record.key === null ? null : byteString(record.key),
    value: record.value === null ? null : byteString(record.value),
    headers: Object.fromEntries(
      record.headers.map(([name, value]) => [String(name), value === null ? '' : byteString(value)]),
    ),
    producedAtMs: Number(batch.firstTimestamp + record.timestampDelta),
  }));
}
