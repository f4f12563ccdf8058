/** Dead letters as people deal with them: looked at, replayed, discarded. Reads and writes the ledger. */
import type { ByteString } from '../core/byte-string.ts';
import type { RecordHeader } from '../core/record-headers.ts';
import type { Who } from './ports-operate.ts';
import type { DeadLetterAt, DeadLetterView } from './ports-read.ts';

export interface StoredDeadLetter extends DeadLetterView {
  readonly topic: string;
  readonly key: ByteString | null;
  readonly value: ByteString | null;
  readonly headers: readonly RecordHeader[];
  /** Time of the record, RFC 3339. */
  readonly recordAt: string;
  /** Of the last thing that was done about it. */
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly resolvedReason: string | null;
}

/** Every method throws LedgerError when the ledger is away. */
export interface DeadLetterDesk {
  find(at: DeadLetterAt): Promise<StoredDeadLetter | null>;
  holdsTransaction(id: string): Promise<boolean>;
  /** Before the record is sent. False: it is replayed or discarded, or was begun to be replayed under another id. */
  replaying(at: DeadLetterAt, replayedAs: string, who: Who): Promise<boolean>;
  /** The record has been sent. */
  replayed(at: DeadLetterAt): Promise<void>;
  /** False: it is not open any more. */
  discard(at: DeadLetterAt, who: Who): Promise<boolean>;
  close(): Promise<void>;
}
