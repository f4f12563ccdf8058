/** What watches a worker from outside the engine: log, metrics, traces, each loaded where it is wanted. */
import type { Config } from '../config/config.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Participant, TransactionLog, World } from '../engine/ports.ts';
import type { Ledger } from '../engine/ports-ledger.ts';

/** Puts spans around the ports of a worker. */
export interface OpenTraces {
  log(log: TransactionLog): TransactionLog;
  ledger(ledger: Ledger): Ledger;
  participant(participant: Participant): Participant;
  /** Sends the spans that wait. */
  close(): Promise<void>;
}

export interface TracesParts {
  readonly world: World;
  readonly version: string;
  readonly onProblem: (error: SignalboxError) => void;
}

/** Null where no collector is configured: then nothing of it is loaded, and the ports stay as they are. */
export async function openTraces(config: Config, parts: TracesParts): Promise<OpenTraces | null> {
  const { otlpUrl, ratio, serviceName } = config.traces;
  if (otlpUrl === null) return null;
  const { world, version, onProblem } = parts;
  const { topic, worker } = config;
  const [{ OtlpSpans }, { Traces }, { tracedLog }, { tracedLedger }, { tracedParticipant }] =
    await Promise.all([
      import('../adapters/telemetry/span-exporter.ts'),
      import('../adapters/telemetry/traces.ts'),
      import('../adapters/telemetry/traced-log.ts'),
      import('../adapters/telemetry/traced-ledger.ts'),
      import('../adapters/telemetry/traced-participant.ts'),
    ]);
  const sink = new OtlpSpans({ url: otlpUrl, serviceName, worker, version, onProblem });
  const system = config.kafka === null ? 'signalbox' : 'kafka';
  const traces = new Traces({ sink, world, topic, system });
  return {
    log: (log) => tracedLog(log, traces, { world, ratio }),
    ledger: (ledger) => tracedLedger(ledger, traces, worker),
    participant: (participant) => tracedParticipant(participant, traces),
    close: () => sink.close(),
  };
}
