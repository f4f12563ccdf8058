/** What a peer's process is told, as JSON in its first argument, and what it says in its line `RESULT {…}`. */
import type { WorkId } from './works.ts';

export interface Job {
  readonly peer: string;
  readonly work: WorkId;
  /** host:port */
  readonly broker: string;
  readonly topic: string;
  readonly group: string;
  /** Records carry the numbers 0 to `records` - 1. */
  readonly records: number;
  /** Records that end: all but those of a stuck location. */
  readonly expected: number;
  /** Records whose latency does not count, from number 0 on. */
  readonly warmUp: number;
  readonly handlerMs: number;
  readonly stuckLocation: string | null;
  /** W6 only. */
  readonly postgresUrl: string | null;
  /** After this time it reports what it has. */
  readonly timeoutMs: number;
  /** Stays a member for so long after the result, so that offsets are committed. */
  readonly lingerMs: number;
  /** Crash only: the broker notices a killed member after so long; every peer gets the same. */
  readonly sessionTimeoutMs: number | null;
  /** Crash only: a file to which each record that has ended adds `number location sequence`. */
  readonly doneLog: string | null;
}

/** As every peer's bookkeeping counts it, whatever its language. */
export interface Result {
  readonly done: number;
  /** All expected records ended in time. */
  readonly complete: boolean;
  /** From the start of the first handler to the end of the last. */
  readonly ms: number;
  readonly perSecond: number;
  /** User and system time of the process from its start, in s. */
  readonly cpuSeconds: number;
  /** Largest resident set, in MiB. */
  readonly rssMb: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly overlapping: number;
  /** Handlers that ran at once, at most. */
  readonly inFlightMax: number;
  /** From the time in the record to the end of its handler, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** A server that belongs to the peer. */
  readonly serverCpuSeconds?: number;
  readonly serverRssMb?: number;
}
