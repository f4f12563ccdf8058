/**
 * What one worker knows of the transactions that are traced, and the spans it makes of them. Put around the ports of
 * the engine once (traced-log.ts, traced-ledger.ts, traced-participant.ts); the engine knows nothing of it.
 *
 *   producer ─ transaction ┬ lane      from the fetch to the commit that begins it
 *                          ├ begin     the commit of the intent
 *                          ├ execute, status, reverse   a call; its traceparent goes to the participant
 *                          ├ change    a commit that does not end it
 *                          ├ take over another worker goes on with it
 *                          ├ finish    the commit of the outcome
 *                          └ result    until the brokers have the result
 *
 * TR1 The trace is in the ledger, as the traceparent of the row: a worker that takes a transaction over goes on in the
 *     same trace, and the span of the transaction is told by the one that ends it.
 * TR2 Both maps are bounded; what is forgotten loses spans, nothing else.
 */

import type { LogHeader, World } from '../../engine/ports.ts';
import type { Row } from '../../engine/ports-ledger.ts';
import type { EndedSpan, SpanSink } from './span-exporter.ts';
import { newSpanId, type TransactionSpan, transactionSpan } from './trace-context.ts';

/** Records that wait in memory, as many as a worker holds (`waitingRecordsMax`), with some room. */
const ARRIVALS_MAX = 65_536;
/** Traced transactions that are open at this worker, at some 300 bytes each. */
const OPEN_MAX = 50_000;
/** A clock that was set is followed when it is this far from the one that only grows, in ms. */
const CLOCK_STEP_MS = 50;

export interface OpenTransaction extends TransactionSpan {
  readonly id: string;
  readonly location: string;
  readonly type: string | null;
  readonly partition: number;
  /** Unix time in ms from which it is told: its arrival here, or its begin elsewhere. */
  readonly sinceMs: number;
}

export interface ChildSpan {
  readonly name: string;
  readonly kind?: EndedSpan['kind'];
  readonly spanId?: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: EndedSpan['attributes'];
  readonly error?: string | null;
}

export interface TracesOptions {
  readonly sink: SpanSink;
  readonly world: World;
  readonly topic: string;
  /** Kafka, or the embedded log. */
  readonly system: 'kafka' | 'signalbox';
}

export class Traces {
  readonly #options: TracesOptions;
  readonly #arrivals = new Map<string, number>();
  readonly #open = new Map<string, OpenTransaction>();
  /** Headers that no producer wrote. */
  readonly #added = new WeakSet<LogHeader>();
  #clockMs: number;

  constructor(options: TracesOptions) {
    this.#options = options;
    this.#clockMs = options.world.now() - options.world.monotonic();
  }

  /** Unix time in ms with fractions, so that what takes less than a millisecond has a length. */
  nowMs(): number {
    const { world } = this.#options;
    const ms = this.#clockMs + world.monotonic();
    const off = world.now() - ms;
    if (Math.abs(off) < CLOCK_STEP_MS) return ms;
    this.#clockMs += off;
    return ms + off;
  }

  arrived(partition: number, offset: number): void {
    put(this.#arrivals, `${partition}/${offset}`, this.nowMs(), ARRIVALS_MAX);
  }

  added(header: LogHeader): LogHeader {
    this.#added.add(header);
    return header;
  }

  /** As they were on the topic: what is kept of a bad record must be its own. */
  withoutAdded(headers: readonly LogHeader[]): readonly LogHeader[] {
    return headers.filter((header) => !this.#added.has(header));
  }

  /** When the record came here; null: not known. Forgotten with `forget`. */
  arrivalOf(partition: number, offset: number, { forget }: { readonly forget: boolean }): number | null {
    const key = `${partition}/${offset}`;
    const ms = this.#arrivals.get(key) ?? null;
    if (forget) this.#arrivals.delete(key);
    return ms;
  }

  /** Null when it is not traced. */
  opened(of: {
    readonly id: string;
    readonly traceparent: string | null;
    readonly location: string;
    readonly type: string | null;
    readonly partition: number;
    readonly sinceMs: number;
  }): OpenTransaction | null {
    const span = transactionSpan(of.traceparent, of.id);
    if (span === null) return null;
    const { id, location, type, partition, sinceMs } = of;
    const transaction = { ...span, id, location, type, partition, sinceMs };
    put(this.#open, id, transaction, OPEN_MAX);
    return transaction;
  }

  /** A row that was read from the ledger. */
  openedRow(row: Row): OpenTransaction | null {
    return this.#open.get(row.id) ?? this.opened({ ...row, sinceMs: row.beganAtMs });
  }

  get(id: string): OpenTransaction | undefined {
    return this.#open.get(id);
  }

  /** A part of what happens to the transaction. */
  child(of: Pick<OpenTransaction, 'traceId' | 'spanId' | 'id'>, part: ChildSpan): void {
    const { name, kind = 'internal', startMs, endMs, attributes, error = null } = part;
    this.#options.sink.ended({
      name,
      kind,
      traceId: of.traceId,
      spanId: part.spanId ?? newSpanId(),
      parentId: of.spanId,
      startMs,
      endMs,
      attributes: { 'signalbox.transaction': of.id, ...attributes },
      error,
    });
  }

  /** The transaction has its outcome: its own span, which all parts hang on. */
  finished(
    of: OpenTransaction,
    end: { readonly state: string; readonly reason: string | null; readonly endMs: number },
  ): void {
    this.#open.delete(of.id);
    const { topic, system, sink } = this.#options;
    const { traceId, spanId, parentId, sinceMs, id, location, type, partition } = of;
    sink.ended({
      name: `process ${topic}`,
      kind: 'consumer',
      traceId,
      spanId,
      parentId,
      startMs: sinceMs,
      endMs: end.endMs,
      attributes: {
        'messaging.system': system,
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'signalbox.transaction': id,
        'signalbox.location': location,
        'signalbox.outcome': end.state,
        ...(type === null ? {} : { 'signalbox.type': type }),
        ...(end.reason === null ? {} : { 'signalbox.reason': end.reason }),
      },
      error: null,
    });
  }
}

/** The oldest entry makes room. */
function put<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  const [oldest] = map.size >= max ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
