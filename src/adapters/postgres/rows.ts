/** Rows of the ledger as the statements in sql/ return them, turned into the words of the ports. */
import type pg from 'pg';
import { byteString } from '../../core/byte-string.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { FinalState, State } from '../../core/states.ts';
import type { PartitionState, Row, StoredResult } from '../../engine/ports-ledger.ts';

/** bigint and numeric arrive as text. */
type Integer = string | number;

export interface PartitionColumns extends pg.QueryResultRow {
  readonly partition?: number;
  readonly epoch: Integer;
  readonly watermark: Integer | null;
  readonly published: Integer;
  readonly last_number: Integer;
}

/** Columns of sql/read.sql and sql/take-over-holders.sql. */
export interface RowColumns extends pg.QueryResultRow {
  readonly id: string;
  readonly partition: number;
  readonly offset: Integer;
  readonly location: string;
  readonly slot: number | null;
  readonly state: State;
  readonly step: number;
  readonly token: string | null;
  readonly type: string;
  readonly plan: string;
  readonly payload: Buffer;
  readonly evidence: string | null;
  readonly reason: string | null;
  readonly code: ErrorCode | null;
  readonly attempts: number;
  readonly takeovers: number;
  readonly not_after_ms: Integer | null;
  readonly deadline_ms: Integer | null;
  readonly began_at_ms: Integer;
  readonly finished_at_ms: Integer | null;
  readonly number: Integer | null;
  readonly traceparent: string | null;
}

/** Columns of sql/results.sql. */
export interface ResultColumns extends pg.QueryResultRow {
  readonly number: Integer;
  readonly id: string;
  readonly location: string;
  readonly type: string;
  readonly state: FinalState;
  readonly reason: string | null;
  readonly evidence: string | null;
  readonly finished_at_ms: Integer;
  readonly traceparent: string | null;
}

export function partitionState(row: PartitionColumns): PartitionState {
  return {
    epoch: Number(row.epoch),
    watermark: integer(row.watermark),
    published: Number(row.published),
    lastNumber: Number(row.last_number),
  };
}

/** A row that never began (it expired) has slot 0, token 0 and no times of an attempt. */
export function ledgerRow(row: RowColumns): Row {
  return {
    id: row.id,
    partition: row.partition,
    offset: Number(row.offset),
    location: row.location,
    slot: row.slot ?? 0,
    state: row.state,
    step: row.step,
    token: row.token ?? '0',
    type: row.type,
    plan: row.plan,
    payload: byteString(row.payload),
    evidence: row.evidence,
    reason: row.reason,
    code: row.code,
    attempts: row.attempts,
    takeovers: row.takeovers,
    notAfterMs: integer(row.not_after_ms) ?? 0,
    deadlineMs: integer(row.deadline_ms) ?? 0,
    beganAtMs: Number(row.began_at_ms),
    finishedAtMs: integer(row.finished_at_ms),
    number: integer(row.number),
    traceparent: row.traceparent,
  };
}

export function storedResult(row: ResultColumns): StoredResult {
  return {
    number: Number(row.number),
    id: row.id,
    location: row.location,
    type: row.type,
    state: row.state,
    reason: row.reason,
    evidence: row.evidence,
    finishedAtMs: Number(row.finished_at_ms),
    traceparent: row.traceparent,
  };
}

function integer(value: Integer | null): number | null {
  return value === null ? null : Number(value);
}
