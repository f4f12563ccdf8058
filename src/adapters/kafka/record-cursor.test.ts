import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RecordCursor } from './record-cursor.ts';

/** As the protocol guide says: zigzag, then groups of seven bits, lowest first. */
function encoded(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

describe('RecordCursor', () => {
  it('reads every 32-bit integer and stands behind it', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (first, second) => {
        const bytes = Buffer.concat([encoded(BigInt(first)), encoded(BigInt(second))]);
        const cursor = new RecordCursor(bytes, 0);
        assert.deepEqual([cursor.varint(), cursor.varint(), cursor.position], [first, second, bytes.length]);
      }),
    );
  });

  it('reads every safe integer and stands behind it', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (first, second) => {
        const bytes = Buffer.concat([encoded(BigInt(first)), encoded(BigInt(second))]);
        const cursor = new RecordCursor(bytes, 0);
        assert.deepEqual(
          [cursor.varlong(), cursor.varlong(), cursor.position],
          [first, second, bytes.length],
        );
      }),
    );
  });

  it('ends on bytes that never end, and past the end', () => {
    const endless = new RecordCursor(Buffer.alloc(20, 0xff), 0);
    endless.varint();
    assert.equal(endless.position, 5);
    endless.varlong();
    assert.equal(endless.position, 15);
    const past = new RecordCursor(Buffer.alloc(0), 3);
    assert.equal(past.varint(), 0);
    assert.equal(past.varlong(), 0);
  });
});
