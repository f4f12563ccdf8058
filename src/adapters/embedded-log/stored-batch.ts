/** Records of one partition as `sql/fetch.sql` answers them, in the columns of `RecordBatch`. */
import { assert } from '../../core/errors/catalogue.ts';
import type { LogHeader, RecordBatch } from '../../engine/ports.ts';
import { decodeHeaders, NO_HEADERS } from './headers.ts';

/** Offset and time as int8, lengths of key, value and headers as int4. */
const FRAME_BYTES = 28;

export class StoredBatch implements RecordBatch {
  readonly partition: number;
  readonly count: number;
  readonly bytes: Buffer;
  readonly offsets: Float64Array;
  readonly timestamps: Float64Array;
  readonly keys: Int32Array;
  readonly values: Int32Array;
  readonly nextOffset: number;
  /** Record i has headers bytes[#headers[2i], #headers[2i+1]); a start of -1: none. */
  readonly #headers: Int32Array;

  /** `frames` holds at least one record. */
  constructor(partition: number, frames: Buffer, bytes: Buffer) {
    const count = frames.length / FRAME_BYTES;
    assert(Number.isInteger(count) && count > 0, 'a batch has whole frames');
    this.partition = partition;
    this.count = count;
    this.bytes = bytes;
    this.offsets = new Float64Array(count);
    this.timestamps = new Float64Array(count);
    this.keys = new Int32Array(2 * count);
    this.values = new Int32Array(2 * count);
    this.#headers = new Int32Array(2 * count);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      const frame = index * FRAME_BYTES;
      this.offsets[index] = readInt64(frames, frame);
      this.timestamps[index] = readInt64(frames, frame + 8);
      at = range(this.keys, index, { at, length: frames.readInt32BE(frame + 16) });
      at = range(this.values, index, { at, length: frames.readInt32BE(frame + 20) });
      at = range(this.#headers, index, { at, length: frames.readInt32BE(frame + 24) });
    }
    assert(at === bytes.length, 'the frames of a batch describe its bytes');
    this.nextOffset = (this.offsets[count - 1] ?? 0) + 1;
  }

  headers(index: number): readonly LogHeader[] {
    const start = this.#headers[2 * index] ?? -1;
    return start === -1
      ? NO_HEADERS
      : decodeHeaders(this.bytes.subarray(start, this.#headers[2 * index + 1]));
  }
}

function range(ranges: Int32Array, index: number, { at, length }: { at: number; length: number }): number {
  const end = length < 0 ? at : at + length;
  ranges[2 * index] = length < 0 ? -1 : at;
  ranges[2 * index + 1] = length < 0 ? -1 : end;
  return end;
}

/** Safe below 2^53. */
function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
