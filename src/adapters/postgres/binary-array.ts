/**
 * Arrays in Postgres' binary form, written by hand: the parameters of a commit are columns of a thousand values,
 * and this is several times cheaper on both sides than text that has to be quoted and parsed.
 *
 * The form (array_recv): dimensions, has-nulls, element oid, length, lower bound; then for each element its
 * length in bytes (-1: null) and the bytes, all big-endian.
 */
import type { ByteString } from '../../core/byte-string.ts';

const OID = { bool: 16, bytea: 17, int8: 20, int4: 23, text: 25, timestamptz: 1184 } as const;

const HEADER = 20;
/** 2000-01-01, from where Postgres counts, in Unix ms. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_TO_32 = 0x1_0000_0000;

type Column<T> = readonly (T | null)[];

export function int4Array(values: Column<number>): Buffer {
  const bytes = fixedArray(OID.int4, values.length, 4);
  let at = HEADER;
  for (const value of values) {
    if (value === null) at = bytes.writeInt32BE(-1, at);
    else at = bytes.writeInt32BE(value, bytes.writeInt32BE(4, at));
  }
  return bytes.subarray(0, at);
}

/** Safe integers. */
export function int8Array(values: Column<number>): Buffer {
  const bytes = fixedArray(OID.int8, values.length, 8);
  let at = HEADER;
  for (const value of values) {
    if (value === null) at = bytes.writeInt32BE(-1, at);
    else at = writeInt8(bytes, value, bytes.writeInt32BE(8, at));
  }
  return bytes.subarray(0, at);
}

/** Decimal text below 2^63. */
export function tokenArray(values: Column<string>): Buffer {
  const bytes = fixedArray(OID.int8, values.length, 8);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = bytes.writeInt32BE(-1, at);
      continue;
    }
    at = bytes.writeInt32BE(8, at);
    // 15 digits are a safe integer; longer ones are rare.
    at = value.length <= 15 ? writeInt8(bytes, Number(value), at) : bytes.writeBigInt64BE(BigInt(value), at);
  }
  return bytes.subarray(0, at);
}

export function boolArray(values: Column<boolean>): Buffer {
  const bytes = fixedArray(OID.bool, values.length, 1);
  let at = HEADER;
  for (const value of values) {
    if (value === null) at = bytes.writeInt32BE(-1, at);
    else at = bytes.writeUInt8(value ? 1 : 0, bytes.writeInt32BE(1, at));
  }
  return bytes.subarray(0, at);
}

/** Unix time in ms. */
export function timeArray(values: Column<number>): Buffer {
  const bytes = fixedArray(OID.timestamptz, values.length, 8);
  let at = HEADER;
  for (const value of values) {
    if (value === null) {
      at = bytes.writeInt32BE(-1, at);
      continue;
    }
    at = bytes.writeInt32BE(8, at);
    const sinceMs = Math.round(value) - POSTGRES_EPOCH_MS;
    // Beyond 285 years microseconds are not safe integers.
    if (Number.isSafeInteger(sinceMs * 1000)) at = writeInt8(bytes, sinceMs * 1000, at);
    else at = bytes.writeBigInt64BE(BigInt(sinceMs) * 1000n, at);
  }
  return bytes.subarray(0, at);
}

/** Null when no value is there at all: Postgres need not read a column without values. */
export function textArray(values: Column<string>): Buffer | null {
  return bytesArray(UTF8_TEXT, values);
}

/** Ids, locations and the like: ASCII text. */
export function asciiArray(values: Column<string>): Buffer | null {
  return bytesArray(ASCII_TEXT, values);
}

export function byteaArray(values: Column<ByteString>): Buffer | null {
  return bytesArray(BYTES, values);
}

interface BytesKind {
  readonly oid: number;
  readonly encoding: 'utf8' | 'latin1';
  readonly lengthOf: (value: string) => number;
}

const UTF8_TEXT: BytesKind = {
  oid: OID.text,
  encoding: 'utf8',
  lengthOf: (value) => Buffer.byteLength(value),
};
const ASCII_TEXT: BytesKind = { oid: OID.text, encoding: 'latin1', lengthOf: (value) => value.length };
const BYTES: BytesKind = { oid: OID.bytea, encoding: 'latin1', lengthOf: (value) => value.length };

function bytesArray({ oid, encoding, lengthOf }: BytesKind, values: Column<string>): Buffer | null {
  let size = 0;
  let some = false;
  for (const value of values) {
    size += 4;
    if (value === null) continue;
    some = true;
    size += lengthOf(value);
  }
  if (!some && values.length > 0) return null;
  const bytes = Buffer.allocUnsafe(HEADER + size);
  let at = writeHeader(bytes, oid, values.length);
  for (const value of values) {
    if (value === null) {
      at = bytes.writeInt32BE(-1, at);
      continue;
    }
    const length = bytes.write(value, at + 4, encoding);
    bytes.writeInt32BE(length, at);
    at += 4 + length;
  }
  return bytes;
}

function fixedArray(oid: number, count: number, width: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER + count * (4 + width));
  writeHeader(bytes, oid, count);
  return bytes;
}

function writeHeader(bytes: Buffer, oid: number, count: number): number {
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(1, 4); // there may be nulls
  bytes.writeInt32BE(oid, 8);
  bytes.writeInt32BE(count, 12);
  return bytes.writeInt32BE(1, 16);
}

function writeInt8(bytes: Buffer, value: number, at: number): number {
  const high = Math.floor(value / TWO_TO_32);
  bytes.writeInt32BE(high, at);
  return bytes.writeUInt32BE(value - high * TWO_TO_32, at + 4);
}
