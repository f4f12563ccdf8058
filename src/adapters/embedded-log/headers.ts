/**
 * Headers of a record as one column of bytes: per header the length and bytes of the name, then the length
 * (-1: null) and bytes of the value; lengths are big-endian int32. Names are UTF-8, values any bytes; order and
 * repetitions are kept.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { LogHeader } from '../../engine/ports.ts';

const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** The same empty array for every record without headers. */
export const NO_HEADERS: readonly LogHeader[] = [];

export function encodeHeaders(headers: readonly LogHeader[]): Buffer | null {
  if (headers.length === 0) return null;
  const parts: Buffer[] = [];
  for (const { name, value } of headers) {
    const text = Buffer.from(name, 'utf8');
    parts.push(lengthBytes(text.length), text, lengthBytes(value?.length ?? NULL_LENGTH));
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

/** Throws SB-2008 for bytes that `encodeHeaders` did not make. */
export function decodeHeaders(bytes: Buffer): readonly LogHeader[] {
  const headers: LogHeader[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    if (length < 0 || at + length > bytes.length) {
      throw new SignalboxError('SB-2008', 'the headers of a record are damaged');
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const name = take(take(LENGTH_BYTES).readInt32BE()).toString('utf8');
    const length = take(LENGTH_BYTES).readInt32BE();
    headers.push({ name, value: length === NULL_LENGTH ? null : take(length) });
  }
  return headers;
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES);
  bytes.writeInt32BE(length);
  return bytes;
}
