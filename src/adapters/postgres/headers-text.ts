/**
 * Headers of a dead letter as the ledger keeps them: JSON text of `[[name, value or null], …]`, both in base64, which
 * keeps it free of what Postgres refuses in text. Null: it had none. They are few, and dead letters are rare.
 */
import type { RecordHeader } from '../../core/record-headers.ts';

export function headersText(headers: readonly RecordHeader[]): string | null {
  if (headers.length === 0) return null;
  const pairs = headers.map(({ name, value }) => [
    Buffer.from(name).toString('base64'),
    value === null ? null : value.toString('base64'),
  ]);
  return JSON.stringify(pairs);
}

export function headersIn(text: string | null): RecordHeader[] {
  if (text === null) return [];
  const pairs = JSON.parse(text) as [name: string, value: string | null][];
  return pairs.map(([name, value]) => ({
    name: Buffer.from(name, 'base64').toString(),
    value: value === null ? null : Buffer.from(value, 'base64'),
  }));
}
