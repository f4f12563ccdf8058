import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHeaders, encodeHeaders, NO_HEADERS } from './headers.ts';
import { StoredBatch } from './stored-batch.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const header = fc.record(
  { name: fc.string({ unit: 'binary' }), value: fc.option(bytes) },
  { noNullPrototype: true },
);
const headers = fc.array(header, { maxLength: 4 });
const record = fc.record({
  gap: fc.integer({ min: 1, max: 2 ** 33 }),
  time: fc.integer({ min: 0, max: 2 ** 45 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers,
});

test('headers come back as they were', () => {
  fc.assert(
    fc.property(headers, (list) => {
      const encoded = encodeHeaders(list);
      const decoded = encoded === null ? NO_HEADERS : decodeHeaders(encoded);
      assert.deepEqual([...decoded], list);
    }),
  );
});

test('damaged headers are refused with a code', () => {
  const encoded = encodeHeaders([{ name: 'traceparent', value: Buffer.from('00-1') }]);
  assert.ok(encoded !== null);
  for (let length = 1; length < encoded.length; length += 1) {
    assert.throws(() => decodeHeaders(encoded.subarray(0, length)), { code: 'SB-2008' });
  }
});

test('a batch has the columns of its records', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
      const parts: Buffer[] = [];
      const frames = records.map(({ time, ...fields }, index) => {
        const offset = records.slice(0, index + 1).reduce((sum, { gap }) => sum + gap, 0);
        const encoded = encodeHeaders(fields.headers);
        const frame = Buffer.alloc(28);
        frame.writeBigInt64BE(BigInt(offset), 0);
        frame.writeBigInt64BE(BigInt(time), 8);
        for (const [place, part] of [fields.key, fields.value, encoded].entries()) {
          frame.writeInt32BE(part?.length ?? -1, 16 + 4 * place);
          if (part !== null) parts.push(part);
        }
        return frame;
      });
      const batch = new StoredBatch(3, Buffer.concat(frames), Buffer.concat(parts));
      assert.equal(batch.partition, 3);
      assert.equal(batch.count, records.length);
      let offset = 0;
      for (const [index, { gap, time, key, value, headers: list }] of records.entries()) {
        offset += gap;
        assert.equal(batch.offsets[index], offset);
        assert.equal(batch.timestamps[index], time);
        assert.deepEqual(part(batch, batch.keys, index), key);
        assert.deepEqual(part(batch, batch.values, index), value);
        assert.deepEqual([...batch.headers(index)], list);
      }
      assert.equal(batch.nextOffset, offset + 1);
    }),
  );
});

test('records without headers share one empty array', () => {
  const batch = new StoredBatch(0, Buffer.concat([frame(0, -1), frame(1, -1)]), Buffer.alloc(0));
  assert.equal(batch.headers(0), batch.headers(1));
});

test('frames that do not describe the bytes are a defect', () => {
  assert.throws(() => new StoredBatch(0, frame(0, 5), Buffer.alloc(4)), { code: 'SB-5006' });
  assert.throws(() => new StoredBatch(0, Buffer.alloc(27), Buffer.alloc(0)), { code: 'SB-5006' });
});

function part(batch: StoredBatch, ranges: Int32Array, index: number): Buffer | null {
  const start = ranges[2 * index] ?? -1;
  return start === -1 ? null : batch.bytes.subarray(start, ranges[2 * index + 1]);
}

function frame(offset: number, keyLength: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  bytes.writeInt32BE(keyLength, 16);
  bytes.writeInt32BE(-1, 20);
  bytes.writeInt32BE(-1, 24);
  return bytes;
}
