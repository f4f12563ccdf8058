/**
 * What this worker finished, in spans of ten seconds, for the curves of the page: counted as it happens, written with
 * the heartbeat, never by scanning transactions.
 * SE1 A span is written again with its whole count until the ledger has it, so writing twice changes nothing.
 */
import { LATENCY_BUCKETS, latencyBucket } from '../core/latency.ts';
import type { FinalState } from '../core/states.ts';
import type { Observer } from './options.ts';
import type { SeriesSpan } from './ports-ledger.ts';

export const SPAN_MS = 10_000;
/** Spans kept while the ledger is away: ten minutes of them. */
const SPANS_MAX = 60;

interface Counted {
  completed: number;
  rolledBack: number;
  readonly latency: number[];
}

export class Series {
  readonly #spans = new Map<number, Counted>();

  finished({ state, ms }: { readonly state: FinalState; readonly ms: number }, nowMs: number): void {
    const span = this.#at(spanOf(nowMs));
    if (state === 'completed') span.completed += 1;
    else span.rolledBack += 1;
    const bucket = latencyBucket(ms);
    span.latency[bucket] = (span.latency[bucket] ?? 0) + 1;
  }

  /** The span of now, and the earlier ones that the ledger may not have whole; the oldest first. */
  spans(nowMs: number): SeriesSpan[] {
    this.#at(spanOf(nowMs));
    return [...this.#spans].map(([atMs, counted]) => ({ atMs, ...counted, latency: [...counted.latency] }));
  }

  /** The ledger has what `spans` gave at that time: earlier spans grow no more. */
  written(spans: readonly SeriesSpan[]): void {
    for (const { atMs } of spans.slice(0, -1)) this.#spans.delete(atMs);
  }

  #at(atMs: number): Counted {
    const known = this.#spans.get(atMs);
    if (known !== undefined) return known;
    const made: Counted = {
      completed: 0,
      rolledBack: 0,
      latency: new Array<number>(LATENCY_BUCKETS).fill(0),
    };
    this.#spans.set(atMs, made);
    const [oldest] = this.#spans.keys();
    if (this.#spans.size > SPANS_MAX && oldest !== undefined) this.#spans.delete(oldest);
    return made;
  }
}

/** The observer, with each outcome counted before it is told. */
export function countedBy(series: Series, observer: Observer, now: () => number): Observer {
  return {
    problem: (error, context) => observer.problem(error, context),
    handOver: (event) => observer.handOver(event),
    committed: (event) => observer.committed(event),
    called: (event) => observer.called(event),
    finished: (event) => {
      series.finished(event, now());
      observer.finished(event);
    },
    deadLetter: (event) => observer.deadLetter(event),
  };
}

function spanOf(nowMs: number): number {
  return Math.floor(nowMs / SPAN_MS) * SPAN_MS;
}
