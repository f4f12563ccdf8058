/** What every peer says of itself, and how its process is started. */
import { fileURLToPath } from 'node:url';
import type { Job } from './job.ts';
import type { Tracker } from './tracker.ts';
import type { WorkId } from './works.ts';

export interface Peer {
  /** As on the command line, and the name of its file. */
  readonly id: string;
  readonly title: string;
  /** Every setting that is not the default. */
  readonly settings: string;
  readonly works: readonly WorkId[];
  /** Only a handful of handlers at once: it gets smaller datasets. */
  readonly narrow?: boolean;
  /** It keeps its state in Postgres, whatever the work. */
  readonly onPostgres?: boolean;
  /** Time from the start of its process until it consumes, in ms: the producer of W4 waits for it. 6,000 by default. */
  readonly warmUpMs?: number;
  /**
   * Fetches it into the cache folder, when it is not there. Resolves to the versions of what runs; rejects with the reason
   * why it cannot be had here.
   */
  readonly install: () => Promise<Readonly<Record<string, string>>>;
  readonly command: (job: Job) => Command;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a peer on Node exports as `consume`: starts, and gives back how to stop. */
export type Consume = (place: {
  readonly job: Job;
  readonly tracker: Tracker;
  /** Makes the handler: parse, bookkeeping, the work. It returns a promise only when there is something to wait for. */
  readonly handler: () => Promise<(value: Buffer | string) => void | Promise<void>>;
}) => Promise<Stop>;

export interface Stop {
  readonly close: () => Promise<unknown>;
  /** A server of the peer's own. */
  readonly server?: () => { readonly serverCpuSeconds: number; readonly serverRssMb: number };
}

/** Runs `consume` of the peer's file in a process of its own, on the Node that runs this. */
export function onNode(job: Job): Command {
  const script = fileURLToPath(new URL('./node-process.ts', import.meta.url));
  return { program: process.execPath, args: [script, JSON.stringify(job)] };
}
