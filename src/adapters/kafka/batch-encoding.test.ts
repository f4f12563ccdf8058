import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRecordsBatch, type MessageRecord } from '@platformatic/kafka';
import fc from 'fast-check';
import { type ProducerRecord, recordBatch, recordBytes } from './batch-encoding.ts';

const TIME_MS = 1_700_000_000_123;

/** What the client's own encoder makes of them. */
function byClient(records: readonly ProducerRecord[]): Buffer {
  const messages = records.map(({ key, value, headers }): MessageRecord => {
    const entries = headers.map(([name, text]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(text)]);
    const bytes = (field: Buffer | string | null) => (field === null ? null : Buffer.from(field)) as Buffer;
    const fields = { key: bytes(key), value: bytes(value), headers: new Map(entries) };
    return { topic: 't', partition: 0, ...fields, timestamp: BigInt(TIME_MS) };
  });
  return Buffer.from(createRecordsBatch(messages).buffer);
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 20_000 }));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const field = fc.oneof(text, bytes, fc.constant(null));
const records = fc.array(
  fc.record({
    key: field,
    value: field,
    headers: fc.array(fc.tuple(text, fc.oneof(text, bytes)), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 150 },
);

describe('a batch of records', () => {
  it('is byte by byte that of the client', () => {
    fc.assert(
      fc.property(records, (some) => {
        assert.ok(recordBatch(some, TIME_MS).equals(byClient(some)));
      }),
      { numRuns: 200 },
    );
  });

  it('has lengths of one to four bytes', () => {
    for (const length of [0, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576]) {
      const one = [{ key: 'k', value: 'x'.repeat(length), headers: [] }];
      assert.ok(recordBatch(one, TIME_MS).equals(byClient(one)), `${length} characters`);
    }
  });

  it('is never longer than counted beforehand', () => {
    fc.assert(
      fc.property(records, (some) => {
        const counted = some.reduce((sum, record) => sum + recordBytes(record), 0);
        assert.ok(recordBatch(some, TIME_MS).length - 61 <= counted);
      }),
    );
  });
});
