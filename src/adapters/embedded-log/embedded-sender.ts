/**
 * Puts transactions on a topic of the embedded log.
 *
 * ES1 The partition is murmur2 of the key, as the Java client's; a record without a key goes to any.
 * ES2 When `send` throws, the records may have arrived or not; nothing is tried again behind the caller's back.
 */
import { byteString } from '../../core/byte-string.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { partitionOf } from '../../core/murmur2.ts';
import type { TransactionSender, World } from '../../engine/ports.ts';
import { Appender, type AppendRecord } from './appender.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { PARTITIONS_DEFAULT } from './embedded-log.ts';
import { encodeHeaders } from './headers.ts';
import { ensureTopic, migrate } from './schema.ts';

export interface EmbeddedSenderSettings {
  readonly connectionString: string;
  readonly ssl?: DatabaseOptions['ssl'];
  readonly topic: string;
  /** Partitions of the topic when it is made; one that exists keeps its own. Default 8. */
  readonly partitions?: number;
  readonly world: World;
}

interface Target {
  readonly appender: Appender;
  readonly partitions: number;
}

type SentRecord = Parameters<TransactionSender['send']>[0][number];

export class EmbeddedSender implements TransactionSender {
  readonly #settings: EmbeddedSenderSettings;
  readonly #database: Database;
  #target: Promise<Target> | null = null;
  #isClosed = false;

  constructor(settings: EmbeddedSenderSettings) {
    this.#settings = settings;
    const { connectionString, ssl } = settings;
    this.#database = new Database({ connectionString, ssl, name: 'signalbox sender' });
  }

  /** Throws SB-2001 and the like when the database does not answer, SB-3016 when too many records wait. */
  async send(records: readonly SentRecord[]): Promise<void> {
    if (this.#isClosed) throw new SignalboxError('SB-2001', 'the sender is closed');
    const { appender, partitions } = await this.#prepared();
    await appender.append(records.map((record) => this.#place(record, partitions)));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#database.close();
  }

  async #prepared(): Promise<Target> {
    this.#target ??= this.#prepare();
    try {
      return await this.#target;
    } catch (error) {
      this.#target = null; // the next send tries again
      throw error;
    }
  }

  async #prepare(): Promise<Target> {
    await migrate(this.#database);
    const { topic, partitions = PARTITIONS_DEFAULT } = this.#settings;
    const stored = await ensureTopic(this.#database, topic, partitions);
    const appender = new Appender({ database: this.#database, topic: stored.number });
    return { appender, partitions: stored.partitions };
  }

  #place(record: SentRecord, partitions: number): AppendRecord {
    const key = typeof record.key === 'string' ? Buffer.from(record.key, 'utf8') : record.key;
    const headers = Object.entries(record.headers ?? {}).map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value,
    }));
    return {
      partition:
        key === null
          ? Math.floor(this.#settings.world.random() * partitions)
          : partitionOf(byteString(key), partitions),
      key,
      value: record.value,
      headers: encodeHeaders(headers),
    };
  }
}
