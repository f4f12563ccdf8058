/**
 * Records as one batch of the log format (magic 2, no compression, no producer id), written into one buffer. The client's own
 * encoder makes a dozen objects a record; the worker writes a result a transaction.
 *
 * Layout: RecordBatch and Record of the Kafka protocol (KIP-98), lengths as zigzag varints.
 */
import { crc32c } from '@platformatic/kafka';

export interface ProducerRecord {
  /** Text goes out as UTF-8. */
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers: readonly (readonly [name: string, value: string | Buffer])[];
}

const HEADER_BYTES = 61;
/** Of the header, what the length and the checksum do not count. */
const LENGTH_FROM = 12;
const CHECKSUM_AT = 17;
const CHECKSUM_FROM = 21;
const MAGIC = 2;
/** A 32-bit number takes at most so many bytes. */
const VARINT_BYTES_MAX = 5;
/** Attributes and timestamp of a record: it has none of its own, and that of the batch. */
const NO_ATTRIBUTES_SAME_TIME = 2;
/** Those, and five lengths and numbers. */
const RECORD_OVERHEAD_BYTES = NO_ATTRIBUTES_SAME_TIME + 5 * VARINT_BYTES_MAX;

/** All with this time, in Unix ms. At least one record. */
export function recordBatch(records: readonly ProducerRecord[], timeMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + recordBytes(record), HEADER_BYTES));
  let at = HEADER_BYTES;
  for (const [index, record] of records.entries()) at = writeRecord(bytes, at, index, record);
  const time = BigInt(timeMs);
  bytes.writeBigInt64BE(0n, 0); // offset
  bytes.writeInt32BE(at - LENGTH_FROM, 8);
  bytes.writeInt32BE(0, 12); // leader epoch: the broker's
  bytes.writeInt8(MAGIC, 16);
  bytes.writeInt16BE(0, 21); // attributes
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(time, 27); // of the first record …
  bytes.writeBigInt64BE(time, 35); // … and the latest one
  bytes.writeBigInt64BE(-1n, 43); // producer id
  bytes.writeInt16BE(0, 51); // its epoch
  bytes.writeInt32BE(0, 53); // sequence
  bytes.writeInt32BE(records.length, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(CHECKSUM_FROM, at)), CHECKSUM_AT);
  return bytes.subarray(0, at);
}

function writeRecord(bytes: Buffer, from: number, index: number, record: ProducerRecord): number {
  const { key, value, headers } = record;
  let size = NO_ATTRIBUTES_SAME_TIME + varintLength(index) + fieldLength(key) + fieldLength(value);
  size += varintLength(headers.length);
  for (const [name, text] of headers) size += fieldLength(name) + fieldLength(text);
  let at = writeVarint(bytes, from, size);
  bytes[at] = 0;
  bytes[at + 1] = 0;
  at = writeVarint(bytes, at + NO_ATTRIBUTES_SAME_TIME, index);
  at = writeField(bytes, at, key);
  at = writeField(bytes, at, value);
  at = writeVarint(bytes, at, headers.length);
  for (const [name, text] of headers) at = writeField(bytes, writeField(bytes, at, name), text);
  return at;
}

/** What a record takes in a batch, at most. */
export function recordBytes({ key, value, headers }: ProducerRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + lengthOf(key ?? '') + lengthOf(value ?? '');
  for (const [name, text] of headers) bytes += 2 * VARINT_BYTES_MAX + lengthOf(name) + lengthOf(text);
  return bytes;
}

function lengthOf(field: Buffer | string): number {
  return typeof field === 'string' ? Buffer.byteLength(field) : field.length;
}

function fieldLength(field: Buffer | string | null): number {
  if (field === null) return 1;
  const length = lengthOf(field);
  return varintLength(length) + length;
}

/** Null has length -1. */
function writeField(bytes: Buffer, at: number, field: Buffer | string | null): number {
  if (field === null) return writeVarint(bytes, at, -1);
  const length = lengthOf(field);
  const start = writeVarint(bytes, at, length);
  if (typeof field === 'string') bytes.write(field, start, length);
  else bytes.set(field, start);
  return start + length;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function varintLength(value: number): number {
  const rest = zigzag(value);
  if (rest < 0x80) return 1;
  if (rest < 0x4000) return 2;
  if (rest < 0x20_0000) return 3;
  return rest < 0x1000_0000 ? 4 : VARINT_BYTES_MAX;
}

function writeVarint(bytes: Buffer, from: number, value: number): number {
  let rest = zigzag(value);
  let at = from;
  while (rest >= 0x80) {
    bytes[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}
