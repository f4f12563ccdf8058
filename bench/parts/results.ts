/** A result put into a batch for the broker: by our own encoder, and by the client's. */
import { createRecordsBatch, type MessageRecord } from '@platformatic/kafka';
import { type ProducerRecord, recordBatch } from '../../src/adapters/kafka/batch-encoding.ts';
import { resultRecords } from '../../src/engine/result.ts';
import type { Parts } from './part.ts';

/** As the worker sends them. */
const IN_A_BATCH = 500;
const BATCHES = 100;

export async function resultsParts(): Promise<Parts> {
  const records = resultRecords(
    'transactions',
    3,
    Array.from({ length: IN_A_BATCH }, (_, number) => ({
      number,
      id: `t-${number}`,
      location: `L${number}`,
      type: 'withdraw',
      state: 'completed' as const,
      reason: null,
      evidence: '{"dispense":{"receipt":"0123456789"}}',
      finishedAtMs: 1_764_000_000_123,
      traceparent: null,
    })),
  );
  return {
    parts: [
      { name: 'own encoder', run: () => timed(() => recordBatch(records, 1)) },
      { name: "the client's encoder", run: () => timed(() => byClient(records)) },
    ],
    close: () => Promise.resolve(),
  };
}

function byClient(records: readonly ProducerRecord[]): unknown {
  const messages = records.map(({ key, value, headers }): MessageRecord => {
    const entries = headers.map(([name, text]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(text)]);
    const fields = { key: Buffer.from(key ?? ''), value: Buffer.from(value ?? '') };
    return { topic: 'results', partition: 3, ...fields, headers: new Map(entries) };
  });
  return createRecordsBatch(messages).buffer;
}

async function timed(batch: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < BATCHES; count += 1) batch();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (IN_A_BATCH * BATCHES);
}
