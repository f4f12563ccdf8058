/** Expected numbers come from org.apache.kafka:kafka-clients 4.1.0, Utils.murmur2 and Utils.toPositive. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteString } from './byte-string.ts';
import { murmur2, partitionOf } from './murmur2.ts';

/** Key, hash, partition of 10, partition of 96. The first five are those of Kafka's own UtilsTest. */
const KEYS: readonly (readonly [string, number, number, number])[] = [
  ['21', -973932308, 0, 12],
  ['foobar', -790332482, 6, 30],
  ['a-little-bit-long-string', -985981536, 2, 32],
  ['a-little-bit-longer-string', -1486304829, 9, 35],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 7, 77],
  ['abc', 479470107, 7, 27],
  ['', 275646681, 1, 57],
  ['a', -1563381124, 4, 28],
  ['atm-001', -1663944237, 1, 83],
  ['atm-002', -2144001627, 1, 5],
  ['atm-0417', -1400039017, 1, 55],
  ['LOC.7~x_y', 1771359940, 0, 4],
  ['Zürich', -1551140815, 3, 49],
  ['東京', -1368386005, 3, 43],
  ['😀', 131881617, 7, 81],
];

test('the hash of the Java client', () => {
  for (const [key, hash] of KEYS) assert.equal(murmur2(byteString(Buffer.from(key))), hash, key);
});

test('bytes from 0x80 count without a sign', () => {
  assert.equal(murmur2(byteString(Uint8Array.from({ length: 256 }, (_, index) => index))), -1948347274);
  const hashes = [-311467685, -1642832928, 1548199422, 644171429, -363838622, 28450676, -71293549, 185950397];
  assert.deepEqual(
    hashes.map((_, index) => murmur2('\xff'.repeat(index + 1))),
    hashes,
  );
});

test('the partition of the Java client', () => {
  for (const [key, , of10, of96] of KEYS) {
    const bytes = byteString(Buffer.from(key));
    assert.equal(partitionOf(bytes, 10), of10, key);
    assert.equal(partitionOf(bytes, 96), of96, key);
    assert.equal(partitionOf(bytes, 1), 0);
  }
});

test('a topic without partitions is a defect', () => {
  assert.throws(() => partitionOf('a', 0), { code: 'SB-5006' });
});
