/**
 * Writes what the engine tells to the log. Ordinary work is on level debug, so the log stays small under load.
 * O1 The same problem (code, partition, location) is written at most once in REPEAT_MS; the next line says how
 *    often it was left out.
 * O2 A line about a transaction with a trace names it by `trace_id`, as OpenTelemetry asks of JSON logs.
 */
import { CATALOGUE, type SignalboxError } from '../../core/errors/catalogue.ts';
import type { Observer } from '../../engine/options.ts';
import type { World } from '../../engine/ports.ts';
import type { Logger } from './logger.ts';
import { traceIdOf } from './trace-context.ts';

const REPEAT_MS = 10_000;
/** Different problems remembered at once; beyond that all are forgotten, and written anew. */
const REMEMBERED_MAX = 1_000;

interface Written {
  readonly at: number;
  leftOut: number;
}

export class LogObserver implements Observer {
  readonly #log: Logger;
  readonly #world: World;
  readonly #written = new Map<string, Written>();

  constructor(log: Logger, world: World) {
    this.#log = log;
    this.#world = world;
  }

  problem(error: SignalboxError, context: Parameters<Observer['problem']>[1]): void {
    const { traceparent = null, ...where } = context;
    const { partition, location } = where;
    const leftOut = this.#leftOut(`${error.code} ${partition ?? ''} ${location ?? ''}`);
    if (leftOut === null) return;
    const fields = {
      code: error.code,
      ...(error.detail === '' ? {} : { detail: error.detail }),
      ...where,
      ...traceOf(traceparent),
      ...(leftOut === 0 ? {} : { leftOut }),
      remedy: error.remedy,
    };
    const { cause, status } = CATALOGUE[error.code];
    if (error.final || status === 500) this.#log.error(fields, cause);
    else this.#log.warn(fields, cause);
  }

  handOver({ partition, what, epoch, holders, ms }: Parameters<Observer['handOver']>[0]): void {
    const fields = { partition, epoch, holders, ms: Math.round(ms) };
    const text = `partition ${partition} ${what.replace('-', ' ')}`;
    if (what === 'fenced' || what === 'refused') this.#log.warn(fields, text);
    else this.#log.info(fields, text);
  }

  committed(event: Parameters<Observer['committed']>[0]): void {
    this.#log.debug(event, 'committed');
  }

  called({ traceparent, ...event }: Parameters<Observer['called']>[0]): void {
    this.#log.debug({ ...event, ...traceOf(traceparent) }, 'called');
  }

  finished({ traceparent, ...event }: Parameters<Observer['finished']>[0]): void {
    this.#log.debug({ ...event, ...traceOf(traceparent) }, 'finished');
  }

  deadLetter({ partition, offset, code }: Parameters<Observer['deadLetter']>[0]): void {
    const leftOut = this.#leftOut(`dead letter ${code} ${partition}`);
    if (leftOut === null) return;
    this.#log.warn({ code, partition, offset, ...(leftOut === 0 ? {} : { leftOut }) }, 'dead letter');
  }

  /** How many like it were not written since the last one; null: leave this one out too. */
  #leftOut(key: string): number | null {
    const now = this.#world.monotonic();
    const last = this.#written.get(key);
    if (last !== undefined && now - last.at < REPEAT_MS) {
      last.leftOut += 1;
      return null;
    }
    if (this.#written.size >= REMEMBERED_MAX) this.#written.clear();
    this.#written.set(key, { at: now, leftOut: 0 });
    return last?.leftOut ?? 0;
  }
}

function traceOf(traceparent: string | null): { readonly trace_id?: string } {
  return traceparent === null ? {} : { trace_id: traceIdOf(traceparent) };
}
