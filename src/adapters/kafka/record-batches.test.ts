import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompressionAlgorithmValue, createRecordsBatch, type MessageRecord } from '@platformatic/kafka';
import fc from 'fast-check';
import type { RecordBatch } from '../../engine/ports.ts';
import { AbortedFilter } from './aborted-filter.ts';
import { parse } from './fetch-answer.ts';
import { readPart } from './record-batches.ts';

interface Plain {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, Buffer | null])[];
  readonly timestamp: bigint;
}

interface BatchOptions {
  readonly compression?: CompressionAlgorithmValue;
  readonly baseOffset?: number;
  readonly producerId?: number;
  readonly transactional?: boolean;
  readonly control?: 'abort' | 'commit';
  readonly appendTime?: boolean;
}

/** A batch as the client's own encoder makes it, with the header fields of a broker put in. */
function batch(records: readonly Plain[], options: BatchOptions = {}): Buffer {
  const {
    compression = 'none',
    baseOffset = 0,
    producerId = -1,
    transactional,
    control,
    appendTime,
  } = options;
  const messages = records.map(({ key, value, headers, timestamp }): MessageRecord => {
    const entries = headers.map(([name, header]): [Buffer, Buffer] => [Buffer.from(name), header as Buffer]);
    return {
      topic: 't',
      partition: 0,
      key: key as Buffer,
      value: value as Buffer,
      headers: new Map(entries),
      timestamp,
    };
  });
  const bytes = Buffer.from(createRecordsBatch(messages, { compression }).buffer);
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  let attributes = bytes.readInt16BE(21);
  if (transactional === true || control !== undefined) attributes |= 1 << 4;
  if (control !== undefined) attributes |= 1 << 5;
  if (appendTime === true) attributes |= 1 << 3;
  bytes.writeInt16BE(attributes, 21);
  bytes.writeBigInt64BE(BigInt(producerId), 43);
  return bytes;
}

function marker(kind: 'abort' | 'commit', baseOffset: number, producerId: number): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]);
  const record = { key, value: Buffer.alloc(6), headers: [], timestamp: 5n };
  return batch([record], { baseOffset, producerId, control: kind });
}

function some(...values: string[]): Plain[] {
  return values.map((value) => ({
    key: Buffer.from('k'),
    value: Buffer.from(value),
    headers: [],
    timestamp: 1_000n,
  }));
}

function read(bytes: Buffer, from = 0, filter = new AbortedFilter()) {
  return readPart({ bytes, start: 0, end: bytes.length, partition: 3, from, filter });
}

function plainOf(
  one: RecordBatch,
  index: number,
): Omit<Plain, 'timestamp'> & { offset: number; timestamp: number } {
  const range = (column: Int32Array): Buffer | null => {
    const start = column[2 * index] ?? -1;
    return start === -1 ? null : Buffer.from(one.bytes.subarray(start, column[2 * index + 1]));
  };
  const headers = one.headers(index).map(({ name, value }) => [name, value && Buffer.from(value)] as const);
  return {
    key: range(one.keys),
    value: range(one.values),
    headers,
    offset: one.offsets[index] ?? -1,
    timestamp: one.timestamps[index] ?? -1,
  };
}

function all(batches: readonly RecordBatch[]) {
  return batches.flatMap((one) => Array.from({ length: one.count }, (_, index) => plainOf(one, index)));
}

const values = (batches: readonly RecordBatch[]): string[] => all(batches).map(({ value }) => String(value));

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const record = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), bytesOrNull), { maxLength: 3 }),
  // Within 24 days: the client's encoder is wrong for larger differences in a batch (varlong is tested by itself).
  timestamp: fc.bigInt({ min: 1_700_000_000_000n, max: 1_702_000_000_000n }),
});
const codec = fc.constantFrom<CompressionAlgorithmValue>('none', 'gzip', 'snappy', 'lz4', 'zstd');

describe('readPart', () => {
  it('gives back what the encoder was given: every codec, several batches, large offsets', () => {
    const list = fc.array(fc.tuple(codec, fc.array(record, { minLength: 1, maxLength: 12 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(list, fc.integer({ min: 0, max: 2 ** 52 }), (batches, firstOffset) => {
        const expected: unknown[] = [];
        let offset = firstOffset;
        const parts = batches.map(([compression, records]) => {
          const bytes = batch(records, { compression, baseOffset: offset });
          for (const { key, value, headers, timestamp } of records) {
            expected.push({ key, value, headers, offset, timestamp: Number(timestamp) });
            offset += 1;
          }
          offset += 3; // a hole
          return bytes;
        });
        const result = read(Buffer.concat(parts), firstOffset);
        assert.deepEqual(all(result.batches), expected);
        assert.equal(result.nextOffset, batches.length === 0 ? firstOffset : offset - 3);
      }),
      { numRuns: 300 },
    );
  });

  it('Q3 makes one of all batches that lie in the answer', () => {
    const bytes = Buffer.concat([batch(some('a', 'b')), batch(some('c'), { baseOffset: 7 })]);
    const { batches } = read(bytes);
    assert.equal(batches.length, 1);
    assert.deepEqual([...(batches[0]?.offsets ?? [])], [0, 1, 7]);
    assert.equal(batches[0]?.nextOffset, 8);
    assert.equal(batches[0]?.partition, 3);
    assert.equal(batches[0]?.bytes, bytes);
  });

  it('Q1 drops records below the asked offset', () => {
    const bytes = Buffer.concat([batch(some('a', 'b')), batch(some('c', 'd', 'e'), { baseOffset: 2 })]);
    const { batches, nextOffset } = read(bytes, 3);
    assert.deepEqual(values(batches), ['d', 'e']);
    assert.equal(batches[0]?.count, 2);
    assert.equal(nextOffset, 5);
  });

  it('Q2 leaves a batch that is cut off anywhere', () => {
    const first = batch(some('a'));
    const second = batch(some('b'), { baseOffset: 1 });
    for (let cut = 0; cut < second.length; cut += 1) {
      const result = read(Buffer.concat([first, second.subarray(0, cut)]));
      assert.deepEqual(values(result.batches), ['a']);
      assert.equal(result.nextOffset, 1);
    }
  });

  it('Q1 drops aborted transactions, gives out committed ones and those of other producers', () => {
    const bytes = Buffer.concat([
      batch(some('a1'), { baseOffset: 0, producerId: 7, transactional: true }),
      batch(some('b1'), { baseOffset: 1, producerId: 8, transactional: true }),
      batch(some('plain'), { baseOffset: 2 }),
      marker('abort', 3, 7),
      batch(some('a2'), { baseOffset: 4, producerId: 7, transactional: true }),
      marker('commit', 5, 7),
      marker('commit', 6, 8),
    ]);
    const filter = new AbortedFilter();
    filter.named([{ producerId: 7, firstOffset: 0 }]);
    const { batches, nextOffset } = read(bytes, 0, filter);
    assert.deepEqual(values(batches), ['b1', 'plain', 'a2']);
    assert.equal(nextOffset, 7, 'markers move the position');
  });

  it('an aborted transaction over several answers is dropped in each, named again or not', () => {
    const part = (value: string, baseOffset: number) =>
      batch(some(value), { baseOffset, producerId: 7, transactional: true });
    for (const namedAgain of [true, false]) {
      const filter = new AbortedFilter();
      filter.named([{ producerId: 7, firstOffset: 0 }]);
      assert.deepEqual(values(read(part('one', 0), 0, filter).batches), []);
      if (namedAgain) filter.named([{ producerId: 7, firstOffset: 0 }]);
      assert.deepEqual(values(read(part('two', 1), 1, filter).batches), []);
      if (namedAgain) filter.named([{ producerId: 7, firstOffset: 0 }]);
      const rest = Buffer.concat([marker('abort', 2, 7), part('three', 3)]);
      assert.deepEqual(values(read(rest, 2, filter).batches), ['three']);
      assert.deepEqual(values(read(part('four', 4), 4, filter).batches), ['four']);
    }
  });

  it('an aborted transaction that begins behind committed ones of the same producer drops only itself', () => {
    const part = (value: string, baseOffset: number) =>
      batch(some(value), { baseOffset, producerId: 7, transactional: true });
    const bytes = Buffer.concat([
      part('good', 0),
      marker('commit', 1, 7),
      part('bad', 2),
      marker('abort', 3, 7),
      part('bad too', 4),
      marker('abort', 5, 7),
      part('good too', 6),
    ]);
    const filter = new AbortedFilter();
    filter.named([
      { producerId: 7, firstOffset: 4 },
      { producerId: 7, firstOffset: 2 },
    ]);
    assert.deepEqual(values(read(bytes, 0, filter).batches), ['good', 'good too']);
  });

  it('takes the time of the append where the topic says so', () => {
    const bytes = batch(some('a', 'b'), { appendTime: true });
    bytes.writeBigInt64BE(777n, 35);
    assert.deepEqual(
      all(read(bytes).batches).map(({ timestamp }) => timestamp),
      [777, 777],
    );
  });

  it('refuses what is not record format 2, an unknown codec, and counts that cannot be', () => {
    const damaged = (damage: (bytes: Buffer) => void): Buffer => {
      const bytes = batch(some('a', 'b'));
      damage(bytes);
      return bytes;
    };
    for (const damage of [
      (bytes: Buffer) => bytes.writeInt8(1, 16),
      (bytes: Buffer) => bytes.writeInt16BE(7, 21),
      (bytes: Buffer) => bytes.writeInt32BE(1_000_000_000, 57),
      (bytes: Buffer) => bytes.writeInt32BE(-1, 57),
      (bytes: Buffer) => bytes.writeInt32BE(10, 8),
      (bytes: Buffer) => bytes.writeInt32BE(3, 57),
      (bytes: Buffer) => bytes.writeInt8(0x7f, 61),
    ]) {
      assert.throws(() => read(damaged(damage)), RangeError);
    }
  });

  it('never runs on or throws anything else, whatever the bytes', () => {
    const base = batch(some('aaa', 'bbb', 'ccc'));
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: base.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, byte) => {
          const bytes = Buffer.from(base);
          bytes[at] = byte;
          try {
            for (const one of read(bytes).batches) {
              for (let index = 0; index < one.count; index += 1) one.headers(index);
            }
          } catch (error) {
            assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('parse of a Fetch answer', () => {
  it('keeps good partitions beside one with an error', () => {
    const records = batch(some('x'));
    const part = (
      partition: number,
      errorCode: number,
      bytes: Buffer,
      aborted: [bigint, bigint][],
    ): Buffer => {
      const head = Buffer.alloc(6 + 24);
      head.writeInt32BE(partition, 0);
      head.writeInt16BE(errorCode, 4);
      const list = aborted.map(([producerId, firstOffset]) => {
        const entry = Buffer.alloc(17);
        entry.writeBigInt64BE(producerId, 0);
        entry.writeBigInt64BE(firstOffset, 8);
        return entry;
      });
      const tags = Buffer.from([1, 1, 8, 0, 0, 0, 1, 0, 0, 0, 2]); // one known tag: the current leader
      return Buffer.concat([
        head,
        Buffer.from([aborted.length + 1]),
        ...list,
        Buffer.from([255, 255, 255, 255]),
        Buffer.from([bytes.length + 1]),
        bytes,
        tags,
      ]);
    };
    const topic = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const bytes = Buffer.concat([
      Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0, 0]),
      Buffer.from([2]),
      topic,
      Buffer.from([3]),
      part(4, 6, Buffer.alloc(0), []),
      part(5, 0, records, [[7n, 2n ** 40n]]),
      Buffer.from([0]),
      Buffer.from([0]),
    ]);
    const answer = parse(bytes);
    assert.equal(answer.throttleTimeMs, 9);
    assert.deepEqual(
      answer.parts.map(({ topicId, partition, errorCode, aborted }) => ({
        topicId,
        partition,
        errorCode,
        aborted,
      })),
      [
        { topicId: '00112233-4455-6677-8899-aabbccddeeff', partition: 4, errorCode: 6, aborted: [] },
        {
          topicId: '00112233-4455-6677-8899-aabbccddeeff',
          partition: 5,
          errorCode: 0,
          aborted: [{ producerId: 7, firstOffset: 2 ** 40 }],
        },
      ],
    );
    const [bad, good] = answer.parts;
    assert.equal(bad?.start, bad?.end);
    assert.ok(bytes.subarray(good?.start, good?.end).equals(records));
    for (let end = 0; end < bytes.length - 1; end += 1)
      assert.throws(() => parse(bytes.subarray(0, end)), RangeError);
  });
});
