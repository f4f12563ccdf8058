/** What the slots of a partition work on: records that wait, transactions that hold. */
import type { JsonObject, Token } from '../core/answer.ts';
import { type ByteString, byteString } from '../core/byte-string.ts';
import { dataOf } from '../core/content.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { type Plan, standInPlan } from '../core/plan.ts';
import type { HoldingState } from '../core/states.ts';
import type { Types } from './options.ts';
import type { LogHeader, RecordBatch } from './ports.ts';
import type { ParkedRow, Row } from './ports-ledger.ts';

/** What waits in a lane. */
export type Waiting = WaitingRecord | ParkedRecord;

/** A parked record that was read back: the ledger holds it, whatever becomes of this copy. */
export interface ParkedRecord {
  readonly offset: number;
  readonly parked: ParkedRow;
}

/** A record in memory that is not accounted yet. */
export interface WaitingRecord {
  readonly parked: null;
  readonly offset: number;
  /** Its place in the watermark. */
  readonly ticket: number;
  readonly timestampMs: number;
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers: readonly LogHeader[];
}

/** A transaction that holds a slot. Replaced, never changed, when the ledger has committed a change. */
export interface Holder {
  readonly id: string;
  readonly type: string;
  readonly plan: Plan;
  /** This version knows the plan; else it is a stand-in made of the stored text, and only a person goes on with it. */
  readonly planKnown: boolean;
  readonly data: JsonObject;
  readonly state: HoldingState;
  readonly step: number;
  readonly token: Token;
  /** Evidence of the steps done, by name. */
  readonly evidence: JsonObject;
  /** The same as the ledger has it: what is published must be what a new owner would read. */
  readonly evidenceText: string | null;
  /** Of the rollback under way. */
  readonly reason: string | null;
  /** Of the last change: why it is held. */
  readonly code: ErrorCode | null;
  /** A person has decided to roll back. */
  readonly byPerson: boolean;
  readonly notAfterMs: number;
  readonly traceparent: string | null;
  readonly beganAtMs: number;
  /** Calls in this state so far: the back-off grows with them. */
  readonly asked: number;
  /** Wait this long before the next call. */
  readonly waitMs: number;
}

/** Copies record `index` out of the batch, whose buffer is not kept alive by it. */
export function waitingRecord(batch: RecordBatch, index: number, ticket: number): WaitingRecord {
  return {
    parked: null,
    offset: batch.offsets[index] ?? 0,
    ticket,
    timestampMs: batch.timestamps[index] ?? 0,
    key: cell(batch, batch.keys, index),
    value: cell(batch, batch.values, index),
    headers: batch.headers(index),
  };
}

function cell(batch: RecordBatch, ranges: Int32Array, index: number): ByteString | null {
  const start = ranges[2 * index] ?? -1;
  if (start < 0) return null;
  return byteString(batch.bytes.subarray(start, ranges[2 * index + 1]));
}

/** The holder of a row that a take-over brought. The caller knows that it holds. */
export function holderOfRow(row: Row, state: HoldingState, types: Types): Holder {
  const known = types.storedPlan(row.type, row.plan);
  const plan = known ?? standInPlan(row.type, row.plan);
  return {
    id: row.id,
    type: row.type,
    plan,
    planKnown: known !== null && known.steps[row.step] !== undefined,
    data: dataOf(row.payload),
    state,
    step: row.step,
    token: row.token,
    evidence: row.evidence === null ? {} : (JSON.parse(row.evidence) as JsonObject),
    evidenceText: row.evidence,
    reason: row.reason,
    code: row.code,
    byPerson: row.byPerson,
    notAfterMs: row.notAfterMs,
    traceparent: row.traceparent,
    beganAtMs: row.beganAtMs,
    asked: 0,
    waitMs: 0,
  };
}
