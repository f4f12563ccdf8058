/**
 * Appends records to one topic. What waits while a call is under way goes into the next one, so that many small
 * appends share a commit.
 *
 * A1 One call at a time, in the order of the appends: a partition's records get offsets in that order.
 * A2 An append resolves when its records are committed. When it throws they may have been or not.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { type Database, databaseProblem } from './database.ts';
import { APPEND } from './statements.ts';

export interface AppendRecord {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** `encodeHeaders` */
  readonly headers: Buffer | null;
}

export interface AppenderOptions {
  readonly database: Database;
  /** Number of the topic. */
  readonly topic: number;
}

/** One call locks its partitions for about 10 ms with this many … */
const CALL_RECORDS_MAX = 1_000;
/** … and is one message of this size, or of one record. */
const CALL_BYTES_MAX = 4 * 1024 * 1024;
/** A few seconds of work for the database, and 64 MiB; who comes then is refused instead of filling the memory. */
const WAITING_RECORDS_MAX = 20_000;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

interface Append {
  readonly records: readonly AppendRecord[];
  readonly size: number;
  readonly settle: (error: SignalboxError | null) => void;
}

export class Appender {
  readonly #options: AppenderOptions;
  readonly #waiting: Append[] = [];
  #waitingRecords = 0;
  #waitingBytes = 0;
  #running = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Any number of records, in one or several commits. Throws SB-2001 and the like; SB-3016 when too many wait. */
  async append(records: readonly AppendRecord[]): Promise<void> {
    for (const part of parts(records)) await this.#enqueue(part);
  }

  async #enqueue(records: readonly AppendRecord[]): Promise<void> {
    const size = records.reduce((sum, record) => sum + sizeOf(record), 0);
    const isFull =
      this.#waitingRecords + records.length > WAITING_RECORDS_MAX ||
      this.#waitingBytes + size > WAITING_BYTES_MAX;
    if (isFull && this.#waiting.length > 0) {
      throw new SignalboxError('SB-3016', `${this.#waitingRecords} wait`);
    }
    this.#waitingRecords += records.length;
    this.#waitingBytes += size;
    await new Promise<void>((resolve, reject) => {
      const settle = (error: SignalboxError | null): void => (error === null ? resolve() : reject(error));
      this.#waiting.push({ records, size, settle });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // The end of this turn: appends of the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const appends = this.#take();
      const failure = await this.#call(appends.flatMap(({ records }) => records));
      for (const { settle } of appends) settle(failure);
    }
    this.#running = false;
  }

  /** The first ones that fit into one call. */
  #take(): Append[] {
    let records = 0;
    let bytes = 0;
    const end = this.#waiting.findIndex((append, index) => {
      records += append.records.length;
      bytes += append.size;
      return index > 0 && (records > CALL_RECORDS_MAX || bytes > CALL_BYTES_MAX);
    });
    const taken = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    for (const append of taken) {
      this.#waitingRecords -= append.records.length;
      this.#waitingBytes -= append.size;
    }
    return taken;
  }

  async #call(records: readonly AppendRecord[]): Promise<SignalboxError | null> {
    const bytes: Buffer[] = [];
    const starts: number[] = [];
    let at = 0;
    for (const record of records) {
      starts.push(at);
      for (const part of [record.key, record.value, record.headers]) if (part !== null) bytes.push(part);
      at += sizeOf(record);
    }
    try {
      await this.#options.database.query(APPEND, [
        this.#options.topic,
        records.map(({ partition }) => partition),
        starts,
        records.map(({ key }) => key?.length ?? -1),
        records.map(({ value }) => value?.length ?? -1),
        records.map(({ headers }) => headers?.length ?? -1),
        Buffer.concat(bytes, at),
      ]);
      return null;
    } catch (error) {
      return databaseProblem(error);
    }
  }
}

function sizeOf({ key, value, headers }: AppendRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + (headers?.length ?? 0);
}

function* parts(records: readonly AppendRecord[]): Generator<readonly AppendRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    bytes += sizeOf(record);
    if (index > start && (index - start >= CALL_RECORDS_MAX || bytes > CALL_BYTES_MAX)) {
      yield records.slice(start, index);
      start = index;
      bytes = sizeOf(record);
    }
  }
  if (start < records.length) yield records.slice(start);
}
