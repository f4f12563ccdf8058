/** What the API of one process is built from. */
import type { JsonValue } from '../core/answer.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Types, WorkerSurface } from '../engine/options.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import type { Access } from './guard.ts';

export interface ApiDoors {
  readonly world: World;
  readonly read: ReadModel;
  readonly sender: TransactionSender;
  readonly types: Types;
  readonly dedupeWindowMs: number;
  /** The worker of this process; null when it has none (the demo's status page). */
  readonly worker: Pick<WorkerSurface, 'health' | 'snapshot'> | null;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly access: Access;
  /** Name of this process: the worker's. */
  readonly name: string;
  readonly version: string;
  readonly topic: string;
  readonly group: string;
  /** Further fields of /v1/status: the demo's proof counters. */
  readonly more: () => Readonly<Record<string, JsonValue>>;
  /** Told of every answer 500. */
  readonly onDefect: (error: SignalboxError) => void;
}
