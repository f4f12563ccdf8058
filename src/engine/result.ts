/**
 * The records of results, each made from the final row alone, so that a new owner republishes the same bytes
 * (contract 12).
 */
import { RESULT_ID, resultId } from '../core/result-id.ts';
import type { ResultRecord } from './ports.ts';
import type { StoredResult } from './ports-ledger.ts';

export function resultRecords(
  topic: string,
  partition: number,
  results: readonly StoredResult[],
): ResultRecord[] {
  // Those of one commit ended at the same time, and its text is the dearest part of a record.
  let timeMs = Number.NaN;
  let time = '';
  return results.map((result) => {
    if (result.finishedAtMs !== timeMs) {
      timeMs = result.finishedAtMs;
      time = new Date(timeMs).toISOString();
    }
    return recordOf(topic, partition, { result, finishedAt: time });
  });
}

function recordOf(
  topic: string,
  partition: number,
  { result, finishedAt }: { readonly result: StoredResult; readonly finishedAt: string },
): ResultRecord {
  const { id, location, type, state, reason, evidence, number } = result;
  // Written by hand: the evidence is JSON text already, and id, location and type hold nothing that JSON escapes.
  const reasonField = reason === null ? '' : `,"reason":${JSON.stringify(reason)}`;
  const evidenceField = evidence === null ? '' : `,"evidence":${evidence}`;
  const head = `{"id":"${id}","location":"${location}","type":"${type}","outcome":"${state}"`;
  const tail = `,"partition":${partition},"number":${number},"finishedAt":"${finishedAt}"}`;
  const headers: [string, string][] = [[RESULT_ID, resultId(topic, partition, number)]];
  if (result.traceparent !== null) headers.push(['traceparent', result.traceparent]);
  return { key: location, value: `${head}${reasonField}${evidenceField}${tail}`, headers };
}
