/** What the simulated ledger answers to reads. */
import type { FinalState } from '../core/states.ts';
import type { Ledger, ParkedRow, Row, StoredResult } from '../engine/ports-ledger.ts';
import type { SimRow } from './ledger-rows.ts';

/** What the port tells of a row. */
export function rowOf({ topic, detail, worker, expiresAtMs, recordTimeMs, ...row }: SimRow): Row {
  return row;
}

export function resultsOf(rows: readonly SimRow[], after: number, limit: number): StoredResult[] {
  return rows
    .filter((row) => (row.number ?? 0) > after)
    .sort(byNumber)
    .slice(0, limit)
    .map((row) => ({
      number: row.number ?? 0,
      id: row.id,
      location: row.location,
      type: row.type,
      state: row.state as FinalState,
      reason: row.reason,
      evidence: row.evidence,
      finishedAtMs: row.finishedAtMs ?? 0,
      traceparent: row.traceparent,
    }));
}

export function parkedOf(
  rows: readonly SimRow[],
  { location, after, limit }: Parameters<Ledger['parked']>[0],
): ParkedRow[] {
  return rows
    .filter((row) => row.state === 'received' && row.location === location && row.offset > after)
    .sort((a, b) => a.offset - b.offset)
    .slice(0, limit)
    .map(({ id, offset, type, plan, payload, expiresAtMs, traceparent, recordTimeMs }) => ({
      id,
      offset,
      type,
      plan,
      payload,
      expiresAtMs,
      traceparent,
      recordTimeMs,
    }));
}

/** The oldest published finals that finished before a time. */
export function prunableOf(
  rows: readonly SimRow[],
  { published, beforeMs, limit }: { published: number; beforeMs: number; limit: number },
): SimRow[] {
  return rows
    .filter(({ number }) => number !== null && number <= published)
    .filter(({ finishedAtMs }) => (finishedAtMs ?? beforeMs) < beforeMs)
    .sort(byNumber)
    .slice(0, limit);
}

function byNumber(a: SimRow, b: SimRow): number {
  return (a.number ?? 0) - (b.number ?? 0);
}
