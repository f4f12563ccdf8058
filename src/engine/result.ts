/**
 * The record of a result, made from the final row alone, so that a new owner republishes the same bytes
 * (contract 12).
 */
import type { JsonObject } from '../core/answer.ts';
import type { ResultRecord } from './ports.ts';
import type { StoredResult } from './ports-ledger.ts';

export function resultRecord(topic: string, partition: number, result: StoredResult): ResultRecord {
  const value = {
    id: result.id,
    location: result.location,
    type: result.type,
    outcome: result.state,
    ...(result.reason === null ? {} : { reason: result.reason }),
    ...(result.evidence === null ? {} : { evidence: JSON.parse(result.evidence) as JsonObject }),
    partition,
    number: result.number,
    finishedAt: new Date(result.finishedAtMs).toISOString(),
  };
  const headers: [string, string][] = [['signalbox-result-id', `${topic}/${partition}/${result.number}`]];
  if (result.traceparent !== null) headers.push(['traceparent', result.traceparent]);
  return { key: result.location, value: JSON.stringify(value), headers };
}
