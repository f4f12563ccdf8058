/**
 * Names of spans in a trace (W3C Trace Context), computed from what the ledger keeps of a transaction: its traceparent
 * and its id. So every worker, and a worker that takes a transaction over, gives its span the same name without asking.
 *
 * TC1 The span of a transaction is the child of the producer's span. Where the record brought no trace, its traceparent
 *     is made here, and then names the span of the transaction itself, which is the root.
 */
import { hash, randomBytes } from 'node:crypto';

export interface TransactionSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it is the root of the trace. */
  readonly parentId: string | null;
}

/** Null when the trace is not sampled: nothing is recorded of it, and its traceparent is handed on as it is. */
export function transactionSpan(traceparent: string | null, id: string): TransactionSpan | null {
  if (traceparent === null || !isSampled(traceparent)) return null;
  const traceId = traceIdOf(traceparent);
  const named = traceparent.slice(36, 52);
  if (named === rootSpanId(traceId)) return { traceId, spanId: named, parentId: null };
  return { traceId, spanId: spanIdFrom(`${traceparent} ${id}`), parentId: named };
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The traceparent of a record that brought none, sampled (TC1). */
export function newTraceparent(): string {
  const traceId = randomBytes(16).toString('hex');
  return traceparentOf(traceId, rootSpanId(traceId));
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

function rootSpanId(traceId: string): string {
  return spanIdFrom(`root ${traceId}`);
}

/** Sixteen hexadecimal digits, all zero once in 2^64: then collectors drop that one span. */
function spanIdFrom(text: string): string {
  return hash('sha256', text).slice(0, 16);
}
