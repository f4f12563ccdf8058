/**
 * A Fetch answer taken apart: one part a partition, with its records left as a range of one buffer. Errors of a
 * partition are data here; the client's own parser throws the good partitions away with the bad.
 *
 * Layout: Fetch Response version 17 of the Kafka protocol (KIP-482 flexible encoding).
 */
import { createAPI, fetchV17, type Reader } from '@platformatic/kafka';
import type { AbortedTransaction } from './aborted-filter.ts';
import { Bytes } from './bytes.ts';

export interface FetchPart {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Range of the record batches in `bytes`; the last one may be cut off. */
  readonly start: number;
  readonly end: number;
}

export interface FetchAnswer {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly bytes: Buffer;
  readonly parts: readonly FetchPart[];
}

/** Arguments as of `fetchV17.createRequest`. */
export const fetchApi = createAPI<Parameters<typeof fetchV17.createRequest>, FetchAnswer>(
  1,
  17,
  fetchV17.createRequest,
  (_correlationId, _apiKey, _apiVersion, reader) => parse(contiguous(reader)),
);

/** The rest of the answer in one piece: it arrives in chunks of the socket, slow to index one by one. */
function contiguous(reader: Reader): Buffer {
  return reader.buffer.slice(reader.position);
}

/** The body of the answer, behind the response header. Throws RangeError when it ends early. */
export function parse(bytes: Buffer): FetchAnswer {
  const body = new Bytes(bytes);
  const throttleTimeMs = body.int32();
  const errorCode = body.int16();
  body.int32(); // session id: we use none
  const parts: FetchPart[] = [];
  for (let topics = body.compactLength(); topics > 0; topics -= 1) {
    const topicId = body.uuid();
    for (let partitions = body.compactLength(); partitions > 0; partitions -= 1)
      parts.push(readPart(body, topicId));
    body.skipTags();
  }
  return { throttleTimeMs, errorCode, bytes, parts };
}

function readPart(body: Bytes, topicId: string): FetchPart {
  const partition = body.int32();
  const errorCode = body.int16();
  body.skip(24); // high watermark, last stable offset, log start offset
  const aborted: AbortedTransaction[] = [];
  for (let count = body.compactLength(); count > 0; count -= 1) {
    aborted.push({ producerId: body.int64(), firstOffset: body.int64() });
    body.skipTags();
  }
  body.skip(4); // preferred read replica
  const length = body.compactLength();
  const start = body.position;
  body.skip(length);
  body.skipTags();
  return { topicId, partition, errorCode, aborted, start, end: start + length };
}
