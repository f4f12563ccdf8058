/** Rows of the ledger as the statements in sql/ return them, turned into the words of the ports. */
import type pg from 'pg';
import { byteString } from '../../core/byte-string.ts';
import type { CommandAction } from '../../core/commands.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { FinalState, State } from '../../core/states.ts';
import type {
  Command,
  ParkedLane,
  ParkedRow,
  PartitionState,
  Row,
  StoredResult,
} from '../../engine/ports-ledger.ts';

/** bigint and numeric arrive as text. */
type Integer = string | number;

export interface PartitionColumns extends pg.QueryResultRow {
  readonly partition?: number;
  readonly epoch: Integer;
  readonly watermark: Integer | null;
  readonly published: Integer;
  readonly last_number: Integer;
  readonly commits: Integer;
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
  readonly by_person: boolean;
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

/** Columns of sql/take-over-parked.sql. */
export interface LaneColumns extends pg.QueryResultRow {
  readonly location: string;
  readonly count: Integer;
}

/** Columns of sql/parked.sql. */
export interface ParkedColumns extends pg.QueryResultRow {
  readonly id: string;
  readonly offset: Integer;
  readonly type: string;
  readonly plan: string;
  readonly payload: Buffer;
  readonly traceparent: string | null;
  readonly expires_at_ms: Integer | null;
  readonly record_time_ms: Integer;
}

/** Columns of sql/commands.sql. */
export interface CommandColumns extends pg.QueryResultRow {
  readonly sequence: Integer;
  readonly partition: number;
  readonly id: string;
  readonly location: string;
  readonly action: CommandAction;
  readonly expected_state: State;
  readonly expected_token: string | null;
  readonly evidence: string | null;
  readonly reason: string;
  readonly actor: string;
}

export function partitionState(row: PartitionColumns): PartitionState {
  return {
    epoch: Number(row.epoch),
    watermark: integer(row.watermark),
    published: Number(row.published),
    lastNumber: Number(row.last_number),
    commits: Number(row.commits),
  };
}

/** A row that never began (parked, expired, cancelled) has slot 0, token 0 and no times of an attempt. */
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
    byPerson: row.by_person,
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

export function parkedLane({ location, count }: LaneColumns): ParkedLane {
  return { location, count: Number(count) };
}

export function parkedRow(row: ParkedColumns): ParkedRow {
  return {
    id: row.id,
    offset: Number(row.offset),
    type: row.type,
    plan: row.plan,
    payload: byteString(row.payload),
    expiresAtMs: integer(row.expires_at_ms),
    traceparent: row.traceparent,
    recordTimeMs: Number(row.record_time_ms),
  };
}

export function storedCommand(row: CommandColumns): Command {
  return {
    sequence: Number(row.sequence),
    partition: row.partition,
    id: row.id,
    location: row.location,
    action: row.action,
    expectedState: row.expected_state,
    expectedToken: row.expected_token,
    evidence: row.evidence,
    reason: row.reason,
    actor: row.actor,
  };
}

function integer(value: Integer | null): number | null {
  return value === null ? null : Number(value);
}
