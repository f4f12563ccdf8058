/** A record on its way to its handler, and what a partition asks of its consumer. */
import type { RecordBatch, World } from '../engine/ports.ts';
import type { ConsumerRecord, HandlerContext } from './options.ts';

export interface Work {
  readonly ticket: number;
  /** The line it stands in. */
  readonly line: string;
  readonly record: ConsumerRecord<string | null, Buffer | null>;
}

export interface ConsumerHost {
  readonly world: World;
  readonly batchMax: number;
  readonly retry: { readonly firstMs: number; readonly maxMs: number; readonly attemptsMax: number };
  slotsOf(line: string): number;
  workOf(batch: RecordBatch, index: number, ticket: number): Work;
  /** Whether one more may start now; a line that may not is started later. */
  mayStart(line: string): boolean;
  started(): void;
  ended(partition: number): void;
  /** The handlers of this process have room for more. */
  roomAgain(): void;
  call(works: readonly Work[], context: HandlerContext): unknown;
  /** A record that no attempt will mend. */
  isPoison(error: unknown): boolean;
  tellFailed(works: readonly Work[], attempt: number, error: unknown, againMs: number | null): void;
  /** True when they are on the dead-letter topic; false when there is none. Tries while `wanted`. */
  deadLetter(works: readonly Work[], error: unknown, wanted: () => boolean): Promise<boolean>;
}
