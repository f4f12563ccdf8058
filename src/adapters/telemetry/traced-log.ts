/**
 * A log whose records are traced: when each came here, a trace for some that brought none, and the span of each result
 * that was published.
 */
import { readHeaders } from '../../core/record-headers.ts';
import { RESULT_ID } from '../../core/result-id.ts';
import type {
  LogHeader,
  LogListener,
  RecordBatch,
  ResultRecord,
  TransactionLog,
  World,
} from '../../engine/ports.ts';
import { newTraceparent, transactionSpan } from './trace-context.ts';
import type { Traces } from './traces.ts';

export interface TracedLogOptions {
  readonly world: World;
  /** Share of the records without a trace that get one, 0 to 1. */
  readonly ratio: number;
}

const TRACEPARENT = 'traceparent';

export function tracedLog(log: TransactionLog, traces: Traces, options: TracedLogOptions): TransactionLog {
  return {
    get topic() {
      return log.topic;
    },
    open: (listener) => log.open(tracedListener(listener, traces, options)),
    start: (partition, offset) => log.start(partition, offset),
    pause: (partition) => log.pause(partition),
    resume: (partition) => log.resume(partition),
    mayBegin: () => log.mayBegin(),
    commit: (partition, offset, metadata) => log.commit(partition, offset, metadata),
    publish: async (partition, results) => {
      const startMs = traces.nowMs();
      try {
        await log.publish(partition, results);
      } catch (error) {
        published(traces, results, { startMs, error: 'not known to have arrived' });
        throw error;
      }
      published(traces, results, { startMs, error: null });
    },
    lastPublished: (partition, where) => log.lastPublished(partition, where),
    endOffsets: () => log.endOffsets(),
    health: () => log.health(),
    close: (budgetMs) => log.close(budgetMs),
  };
}

function tracedListener(listener: LogListener, traces: Traces, options: TracedLogOptions): LogListener {
  return {
    assigned: (partition, groupOffset, metadata) => listener.assigned(partition, groupOffset, metadata),
    records: (batch) => listener.records(new TracedBatch(batch, traces, options)),
    revoked: (partition, budgetMs) => listener.revoked(partition, budgetMs),
    lost: (partition) => listener.lost(partition),
    resumed: () => listener.resumed(),
    problem: (error, partition) => listener.problem(error, partition),
  };
}

/** The same columns; the headers of a record are asked for once, when it is taken out of the batch. */
class TracedBatch implements RecordBatch {
  readonly partition: number;
  readonly count: number;
  readonly bytes: Buffer;
  readonly offsets: Float64Array;
  readonly timestamps: Float64Array;
  readonly keys: Int32Array;
  readonly values: Int32Array;
  readonly nextOffset: number;
  readonly #batch: RecordBatch;
  readonly #traces: Traces;
  readonly #options: TracedLogOptions;

  constructor(batch: RecordBatch, traces: Traces, options: TracedLogOptions) {
    this.partition = batch.partition;
    this.count = batch.count;
    this.bytes = batch.bytes;
    this.offsets = batch.offsets;
    this.timestamps = batch.timestamps;
    this.keys = batch.keys;
    this.values = batch.values;
    this.nextOffset = batch.nextOffset;
    this.#batch = batch;
    this.#traces = traces;
    this.#options = options;
  }

  headers(index: number): readonly LogHeader[] {
    const headers = this.#batch.headers(index);
    const { world, ratio } = this.#options;
    const { traceparent } = readHeaders(headers);
    const arrived = () => this.#traces.arrived(this.partition, this.offsets[index] ?? 0);
    if (traceparent !== null) {
      if (transactionSpan(traceparent, '') !== null) arrived();
      return headers;
    }
    if (world.random() >= ratio) return headers;
    arrived();
    return [...headers, this.#traces.added({ name: TRACEPARENT, value: Buffer.from(newTraceparent()) })];
  }
}

function published(
  traces: Traces,
  results: readonly ResultRecord[],
  { startMs, error }: { readonly startMs: number; readonly error: string | null },
): void {
  const endMs = traces.nowMs();
  for (const { headers, value } of results) {
    const traceparent = headers.find(([name]) => name === TRACEPARENT)?.[1];
    if (traceparent === undefined) continue;
    const { id } = JSON.parse(value) as { id: string };
    const span = transactionSpan(traceparent, id);
    if (span === null) continue;
    const number = headers.find(([name]) => name === RESULT_ID)?.[1] ?? '';
    const attributes = { 'signalbox.result': number };
    traces.child({ ...span, id }, { name: 'result', kind: 'producer', startMs, endMs, attributes, error });
  }
}
