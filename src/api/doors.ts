/** What the API of one process is built from. */
import type { JsonValue } from '../core/answer.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Types, WorkerSurface } from '../engine/options.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { StoredDeadLetter } from '../engine/ports-dead-letters.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { Operations, Who } from '../engine/ports-operate.ts';
import type { DeadLetterAt, ReadModel } from '../engine/ports-read.ts';
import type { Access } from './guard.ts';
import type { Lab } from './lab.ts';
import type { SignIn } from './sign-in.ts';
import type { DisplayOf } from './views.ts';

/** Dead letters as people deal with them; the errors are those of engine/replay-dead-letter.ts. */
export interface DeadLetters {
  find(at: DeadLetterAt): Promise<StoredDeadLetter>;
  /** The id of the transaction that it brings. Key and value where they are mended. */
  replay(replay: DeadLetterAt & Who & { readonly key?: string; readonly value?: Buffer }): Promise<string>;
  discard(discarded: DeadLetterAt & Who): Promise<void>;
}

export interface ApiDoors {
  readonly world: World;
  readonly read: ReadModel;
  readonly lists: Lists;
  readonly operations: Operations;
  readonly deadLetters: DeadLetters;
  readonly sender: TransactionSender;
  readonly types: Types;
  readonly displayOf: DisplayOf;
  readonly dedupeWindowMs: number;
  /** The worker of this process; null when it has none (the demo's page). */
  readonly worker: Pick<WorkerSurface, 'health' | 'snapshot'> | null;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly access: Access;
  /** By OpenID Connect; null: by token only. */
  readonly signIn: SignIn | null;
  /** A second person has to approve a decision about a held transaction within this time, in ms; null: nobody. */
  readonly approvalMs: number | null;
  /** The demo's levers; null: none. */
  readonly lab: Lab | null;
  /** Name of this process: the worker's. */
  readonly name: string;
  readonly version: string;
  readonly topic: string;
  readonly group: string;
  /** Further fields of /v1/status: the demo's proof counters. */
  readonly more: () => Readonly<Record<string, JsonValue>>;
  /** Told of every answer 500. */
  readonly onDefect: (error: SignalboxError) => void;
  /** Compares each answer with its schema, for tests. */
  readonly checkAnswers?: boolean;
}
