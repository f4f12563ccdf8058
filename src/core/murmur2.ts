/**
 * The hash by which the Java client's default partitioner places a key, so that we can tell whether a record lies
 * where the next record of its location will lie too (design 3). From org.apache.kafka.common.utils.Utils.
 */
import type { ByteString } from './byte-string.ts';
import { assert } from './errors/catalogue.ts';

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** A signed 32-bit integer, as in Java. */
export function murmur2(key: ByteString): number {
  const { length } = key;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let word = littleEndian(key, at, 4);
    word = Math.imul(word, M);
    word ^= word >>> R;
    word = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ word;
  }
  if (whole < length) hash = Math.imul(hash ^ littleEndian(key, whole, length - whole), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** The partition, 0 to `partitions` - 1, in which the Java client puts a record with this key. */
export function partitionOf(key: ByteString, partitions: number): number {
  assert(Number.isInteger(partitions) && partitions > 0, 'a topic has at least one partition');
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function littleEndian(key: ByteString, at: number, bytes: number): number {
  let word = 0;
  for (let index = 0; index < bytes; index += 1) word |= key.charCodeAt(at + index) << (8 * index);
  return word;
}
