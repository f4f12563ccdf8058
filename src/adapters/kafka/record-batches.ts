/**
 * Record batches (format 2) of one partition as columns over one buffer. Nothing is copied or decoded but the
 * offsets and times; keys and values stay ranges.
 *
 * Q1 Records below the asked offset, of aborted transactions, and control records are never given out.
 * Q2 The last batch may be cut off: it is left for the next answer.
 * Q3 Batches that lie in the answer itself become one; each compressed one has its own decompressed buffer.
 */
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import type { LogHeader, RecordBatch } from '../../engine/ports.ts';
import type { AbortedFilter } from './aborted-filter.ts';
import { int64At } from './bytes.ts';
import { RecordCursor } from './record-cursor.ts';

const HEADER_BYTES = 61;
/** Bytes before the field `batchLength` counts from. */
const LENGTH_FROM = 12;
/** Six empty fields and a length: no record is shorter. */
const RECORD_BYTES_MIN = 7;
const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
const ABORT_MARKER = 0;

export interface PartToRead {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly partition: number;
  /** The offset that was asked for: batches are sent whole and may begin before it. */
  readonly from: number;
  readonly filter: AbortedFilter;
}

export interface ReadPart {
  readonly batches: readonly RecordBatch[];
  /** Position after the last whole batch, past holes and markers; `from` when there was none. */
  readonly nextOffset: number;
}

interface Section {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** Time of the append where the topic counts that way, else null. */
  readonly appendTimestamp: number | null;
  readonly nextOffset: number;
}

/** Throws RangeError when the bytes are not record batches of format 2. */
export function readPart(part: PartToRead): ReadPart {
  const { bytes, end, from } = part;
  const batches: RecordBatch[] = [];
  let plain: Section[] = [];
  let nextOffset = from;
  const flush = (): void => {
    if (plain.length > 0) batches.push(toColumns(part, bytes, plain));
    plain = [];
  };
  let position = part.start;
  while (end - position >= HEADER_BYTES) {
    const batchEnd = position + LENGTH_FROM + bytes.readInt32BE(position + 8);
    if (batchEnd > end) break;
    if (batchEnd < position + HEADER_BYTES) throw new RangeError(`a batch of no length at ${position}`);
    const section = sectionAt(bytes, position, batchEnd);
    nextOffset = Math.max(nextOffset, section.nextOffset);
    const attributes = bytes.readInt16BE(position + 21);
    if (isGivenOut(part, position, section, attributes)) {
      const compression = attributes & COMPRESSION;
      if (compression === 0) plain.push(section);
      else {
        flush();
        const own = decompress(compression, bytes.subarray(section.start, section.end));
        batches.push(toColumns(part, own, [{ ...section, start: 0, end: own.length }]));
      }
    }
    position = batchEnd;
  }
  flush();
  return { batches, nextOffset };
}

function sectionAt(bytes: Buffer, position: number, end: number): Section {
  const magic = bytes.readInt8(position + 16);
  if (magic !== 2) throw new RangeError(`record format ${magic} at ${position}`);
  const baseOffset = int64At(bytes, position);
  const appendTime = (bytes.readInt16BE(position + 21) & LOG_APPEND_TIME) !== 0;
  return {
    start: position + HEADER_BYTES,
    end,
    count: bytes.readInt32BE(position + 57),
    baseOffset,
    baseTimestamp: int64At(bytes, position + 27),
    appendTimestamp: appendTime ? int64At(bytes, position + 35) : null,
    nextOffset: baseOffset + bytes.readInt32BE(position + 23) + 1,
  };
}

function isGivenOut(part: PartToRead, position: number, section: Section, attributes: number): boolean {
  if (section.nextOffset <= part.from) return false;
  const producerId = int64At(part.bytes, position + 43);
  if ((attributes & CONTROL) !== 0) {
    if (markerType(part.bytes, section.start) === ABORT_MARKER)
      part.filter.aborted(producerId, section.baseOffset);
    return false;
  }
  return (attributes & TRANSACTIONAL) === 0 || !part.filter.drops(producerId, section.nextOffset - 1);
}

/** Bytes 2 and 3 of the key of a control record. */
function markerType(bytes: Buffer, start: number): number {
  const cursor = new RecordCursor(bytes, start);
  cursor.varint(); // length
  cursor.position += 1; // attributes
  cursor.varlong(); // timestamp
  cursor.varint(); // offset
  cursor.varint(); // length of the key
  return bytes.readInt16BE(cursor.position + 2);
}

function decompress(compression: number, bytes: Buffer): Buffer {
  const algorithms: Record<number, { decompressSync(data: Buffer): Buffer } | undefined> =
    compressionsAlgorithmsByBitmask;
  const algorithm = algorithms[compression];
  if (algorithm === undefined) throw new RangeError(`compression ${compression} is unknown`);
  return algorithm.decompressSync(bytes);
}

function toColumns(part: PartToRead, bytes: Buffer, sections: readonly Section[]): RecordBatch {
  let countMax = 0;
  for (const { start, end, count } of sections) {
    if (count < 0 || count * RECORD_BYTES_MIN > end - start)
      throw new RangeError(`${count} records in ${end - start} bytes`);
    countMax += count;
  }
  const columns = new Columns(part.partition, bytes, countMax, part.from);
  for (const section of sections) columns.append(section);
  return columns;
}

const NO_HEADERS: readonly LogHeader[] = Object.freeze([]);

class Columns implements RecordBatch {
  readonly partition: number;
  readonly bytes: Buffer;
  readonly offsets: Float64Array;
  readonly timestamps: Float64Array;
  readonly keys: Int32Array;
  readonly values: Int32Array;
  /** Where the header count of each record stands. */
  readonly #headers: Int32Array;
  readonly #from: number;
  #count = 0;
  #nextOffset: number;

  constructor(partition: number, bytes: Buffer, countMax: number, from: number) {
    this.partition = partition;
    this.bytes = bytes;
    this.offsets = new Float64Array(countMax);
    this.timestamps = new Float64Array(countMax);
    this.keys = new Int32Array(2 * countMax);
    this.values = new Int32Array(2 * countMax);
    this.#headers = new Int32Array(countMax);
    this.#from = from;
    this.#nextOffset = from;
  }

  get count(): number {
    return this.#count;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  append(section: Section): void {
    const { end, baseOffset, baseTimestamp, appendTimestamp } = section;
    const { offsets, timestamps, keys, values } = this;
    const headers = this.#headers;
    const cursor = new RecordCursor(this.bytes, section.start);
    let at = this.#count;
    for (let left = section.count; left > 0; left -= 1) {
      const length = cursor.varint();
      const recordEnd = cursor.position + length;
      cursor.position += 1; // attributes of a record: unused
      const timestampDelta = cursor.varlong();
      const offset = baseOffset + cursor.varint();
      const keyLength = cursor.varint();
      const key = cursor.position;
      if (keyLength > 0) cursor.position += keyLength;
      const valueLength = cursor.varint();
      const value = cursor.position;
      if (valueLength > 0) cursor.position += valueLength;
      if (length < 0 || recordEnd > end || cursor.position > recordEnd)
        throw new RangeError(`no record at ${key}`);
      if (offset >= this.#from) {
        offsets[at] = offset;
        timestamps[at] = appendTimestamp ?? baseTimestamp + timestampDelta;
        keys[2 * at] = keyLength < 0 ? -1 : key;
        keys[2 * at + 1] = keyLength < 0 ? -1 : key + keyLength;
        values[2 * at] = valueLength < 0 ? -1 : value;
        values[2 * at + 1] = valueLength < 0 ? -1 : value + valueLength;
        headers[at] = cursor.position;
        at += 1;
      }
      cursor.position = recordEnd;
    }
    this.#count = at;
    this.#nextOffset = section.nextOffset;
  }

  headers(index: number): readonly LogHeader[] {
    const cursor = new RecordCursor(this.bytes, this.#headers[index] ?? 0);
    const count = cursor.varint();
    if (count <= 0) return NO_HEADERS;
    const headers: LogHeader[] = [];
    for (let left = count; left > 0; left -= 1) {
      const name = this.#range(cursor);
      headers.push({ name: name?.toString() ?? '', value: this.#range(cursor) });
    }
    return headers;
  }

  #range(cursor: RecordCursor): Buffer | null {
    const length = cursor.varint();
    if (length < 0) return null;
    cursor.position += length;
    if (cursor.position > this.bytes.length) throw new RangeError('a header is cut off');
    return this.bytes.subarray(cursor.position - length, cursor.position);
  }
}
