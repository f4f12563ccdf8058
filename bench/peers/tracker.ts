/**
 * The bookkeeping inside every handler of a peer on Node: parse, order and overlap by location, doubles, latency.
 * java/Tracker.java and python/tracker.py do the same in the same steps.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import type { Job, Result } from './job.ts';

const LOCATIONS_MAX = 10_000;

/** Of a record, what the bookkeeping needs. */
export interface Fields {
  readonly number: number;
  readonly location: string;
  readonly sequence: number;
  readonly amount: number;
  /** Unix time in µs. */
  readonly ts: number;
}

export class Tracker {
  /** Resolves when every expected record has ended. */
  readonly all: Promise<void>;
  readonly #job: Job;
  readonly #resolve: () => void;
  readonly #running = new Int32Array(LOCATIONS_MAX);
  readonly #last = new Int32Array(LOCATIONS_MAX).fill(-1);
  readonly #ended: Uint8Array;
  readonly #latencyMicros: Float64Array;
  readonly #doneLog: number | null;
  readonly #counts = { done: 0, doubled: 0, outOfOrder: 0, overlapping: 0, inFlight: 0, inFlightMax: 0 };
  #firstMs = 0;
  #lastMs = 0;

  constructor(job: Job) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.all = promise;
    this.#resolve = resolve;
    this.#job = job;
    this.#ended = new Uint8Array(job.records);
    this.#latencyMicros = new Float64Array(job.records);
    this.#doneLog = job.doneLog === null ? null : openSync(job.doneLog, 'a');
  }

  static parse(value: Buffer | string): Fields {
    return (JSON.parse(value as string) as { data: Fields }).data;
  }

  start({ number, location, sequence }: Fields): void {
    const counts = this.#counts;
    if (this.#firstMs === 0) this.#firstMs = performance.now();
    const place = Number(location.slice(1));
    const running = (this.#running[place] ?? 0) + 1;
    this.#running[place] = running;
    if (running > 1) counts.overlapping += 1;
    const before = this.#last[place] ?? -1;
    this.#last[place] = sequence;
    if (sequence !== before + 1) {
      if (sequence <= before && this.#ended[number] === 1) counts.doubled += 1;
      else counts.outOfOrder += 1;
    }
    counts.inFlight += 1;
    if (counts.inFlight > counts.inFlightMax) counts.inFlightMax = counts.inFlight;
  }

  end(fields: Fields): void {
    this.leave(fields);
    this.finish(fields);
  }

  /** The next of the location may start: for a peer that lets it before `finish`. */
  leave({ number, location, sequence }: Fields): void {
    const place = Number(location.slice(1));
    if (this.#doneLog !== null) writeSync(this.#doneLog, `${number} ${place} ${sequence}\n`);
    this.#running[place] = (this.#running[place] ?? 0) - 1;
    this.#counts.inFlight -= 1;
  }

  finish({ number, ts }: Fields): void {
    const nowMs = performance.now();
    this.#latencyMicros[number] = (performance.timeOrigin + nowMs) * 1_000 - ts;
    if (this.#ended[number] === 1) return;
    this.#ended[number] = 1;
    this.#lastMs = nowMs;
    this.#counts.done += 1;
    if (this.#counts.done === this.#job.expected) this.#resolve();
  }

  result(): Result {
    const { inFlight: _, done, ...counts } = this.#counts;
    const { user, system } = process.cpuUsage();
    const ms = this.#lastMs - this.#firstMs;
    return {
      done,
      complete: done >= this.#job.expected,
      ms: round(ms),
      perSecond: round((1_000 * done) / ms),
      cpuSeconds: round((user + system) / 1e6),
      rssMb: largestRssMb('self'),
      ...counts,
      ...this.#latencies(),
    };
  }

  #latencies(): { p50Ms: number; p99Ms: number; maxMs: number } {
    const counted = this.#latencyMicros.filter(
      (_, number) => number >= this.#job.warmUp && this.#ended[number] === 1,
    );
    counted.sort();
    const at = (share: number): number =>
      round((counted[Math.min(counted.length - 1, Math.floor(counted.length * share))] ?? 0) / 1_000);
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

export function largestRssMb(pid: number | 'self'): number {
  const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1_024);
}

function round(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : 0;
}
