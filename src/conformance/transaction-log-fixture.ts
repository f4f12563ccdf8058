/** What an implementation of TransactionLog gives its contract suite. One fixture serves all tests. */
import type { TransactionLog } from '../engine/ports.ts';

export interface ProducedRecord {
  readonly partition: number;
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers?: readonly (readonly [name: string, value: string | Buffer | null])[];
}

export interface PublishedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface OpenLogOptions {
  readonly topic: string;
  readonly group: string;
  /** Default 6,000. Heartbeats go three times as often or more. */
  readonly sessionTimeoutMs?: number;
  /** Budget the log gives to `revoked` at a rebalance. Default: the implementation's. */
  readonly drainBudgetMs?: number;
}

export interface TransactionLogFixture {
  /** A new topic under a new name, with its results topic still to be made; resolves to the name. */
  createTopic(options: { readonly partitions: number }): Promise<string>;
  /** A new member, not yet open: the test calls `open` with its listener, and `close`. */
  openLog(options: OpenLogOptions): TransactionLog;
  /** Appends to the given partitions in the order given; resolves when all are stored. */
  produce(topic: string, records: readonly ProducedRecord[]): Promise<void>;
  /** Everything on the results topic of the topic, by partition and offset. */
  results(topic: string): Promise<PublishedRecord[]>;
  /** The group's committed offsets of the topic by partition, from outside of any member. */
  groupOffsets(topic: string, group: string): Promise<ReadonlyMap<number, number>>;
  /** The member vanishes without a word: no leave, no heartbeat, nothing it does arrives any more. */
  killLog?(log: TransactionLog): Promise<void>;
  /** The member cannot be reached and reaches nobody; resolves to the function that heals it. */
  cutOff?(log: TransactionLog): Promise<() => Promise<void>>;
  /** The server behind the log is killed and started again with what it had stored. */
  restartBroker?(): Promise<void>;
  close(): Promise<void>;
}
