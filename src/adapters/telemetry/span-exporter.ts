/**
 * Spans on their way to an OpenTelemetry collector: OTLP over HTTP, JSON, in batches. This file alone loads the SDK of
 * OpenTelemetry, and it is loaded only where traces are configured.
 *
 * SE1 Nothing here delays or ends the work of a worker: a span that finds the queue full is dropped.
 * SE2 A span is given when it has ended, with ids that were made before.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { SignalboxError } from '../../core/errors/catalogue.ts';

/** About 10 MB; five seconds of 3,000 spans a second. */
const QUEUE_MAX = 16_384;
const BATCH_MAX = 512;
const BATCH_MS = 1_000;
/** A collector that takes longer is away: the batch is dropped, and told. */
const EXPORT_MS = 5_000;
/** Below the time that a process has after its drain. */
const CLOSE_MS = 3_000;
const DETAIL_CHARACTERS = 200;

export interface EndedSpan {
  readonly name: string;
  readonly kind: 'consumer' | 'producer' | 'client' | 'internal';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  /** Unix time in ms, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** What went wrong; null: nothing. */
  readonly error: string | null;
}

export interface SpanSink {
  ended(span: EndedSpan): void;
}

export interface SpanExporterOptions {
  /** Of the collector, as OTEL_EXPORTER_OTLP_ENDPOINT: `/v1/traces` is appended. */
  readonly url: string;
  readonly serviceName: string;
  readonly worker: string;
  readonly version: string;
  readonly onProblem: (error: SignalboxError) => void;
}

const KINDS = {
  consumer: SpanKind.CONSUMER,
  producer: SpanKind.PRODUCER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

export class OtlpSpans implements SpanSink {
  readonly #ids = new GivenIds();
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider['getTracer']>;

  /** Further headers, such as a key, come from OTEL_EXPORTER_OTLP_HEADERS, which the SDK reads itself. */
  constructor({ url, serviceName, worker, version, onProblem }: SpanExporterOptions) {
    const exporter = new OTLPTraceExporter({
      url: `${url.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: EXPORT_MS,
    });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': serviceName,
        'service.version': version,
        'service.instance.id': worker,
      }),
      sampler: new AlwaysOnSampler(), // what comes here has been chosen
      idGenerator: this.#ids,
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: telling(exporter, onProblem),
          maxQueueSize: QUEUE_MAX,
          maxExportBatchSize: BATCH_MAX,
          scheduledDelayMillis: BATCH_MS,
          exportTimeoutMillis: EXPORT_MS,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('signalbox', version);
  }

  ended({ name, kind, traceId, spanId, parentId, startMs, endMs, attributes, error }: EndedSpan): void {
    this.#ids.next = { traceId, spanId };
    const parent = parentId === null ? null : { traceId, spanId: parentId, traceFlags: 1, isRemote: true };
    const context = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const span = this.#tracer.startSpan(
      name,
      { kind: KINDS[kind], startTime: clockTime(startMs), attributes: { ...attributes } },
      context,
    );
    if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(clockTime(Math.max(startMs, endMs)));
  }

  /** Sends what waits; a collector that does not answer costs a drain no more than CLOSE_MS. */
  async close(): Promise<void> {
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, CLOSE_MS);
    await Promise.race([this.#provider.shutdown().catch(() => undefined), enough.promise]);
    clearTimeout(timer);
  }
}

/** SE2: the SDK asks for ids when it makes a span, in the same turn. */
class GivenIds implements IdGenerator {
  next = { traceId: '', spanId: '' };

  generateTraceId(): string {
    return this.next.traceId;
  }

  generateSpanId(): string {
    return this.next.spanId;
  }
}

/** Seconds and nanoseconds: a plain number below the start of the process would be taken as counted from there. */
function clockTime(ms: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

/** The exporter, with its failures told: the SDK would only write them to its own log. */
function telling(exporter: SpanExporter, onProblem: (error: SignalboxError) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) {
          const why = (result.error?.message ?? 'no answer').slice(0, DETAIL_CHARACTERS);
          onProblem(new SignalboxError('SB-5011', `${spans.length} spans: ${why}`));
        }
        done(result);
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
