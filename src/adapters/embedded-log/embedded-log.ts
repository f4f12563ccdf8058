/**
 * A TransactionLog as tables in Postgres, for starts without Kafka: topic, consumer group and results topic in
 * schema `signalbox_log`, which it makes itself. Any number of workers on one database form the group.
 *
 * States: new → opening → open → closing → closed.
 * L1 The listener is called from loops of its own, never from inside a call.
 * L2 Records reach the listener only for a partition that is assigned, started and not on its way elsewhere.
 * L3 The database being away ends nothing: it waits, says so and goes on.
 */

import { assert, SignalboxError } from '../../core/errors/catalogue.ts';
import { numberIn, RESULT_ID } from '../../core/result-id.ts';
import type {
  LogHealth,
  LogListener,
  ResultRecord,
  Topic,
  TransactionLog,
  World,
} from '../../engine/ports.ts';
import { Appender } from './appender.ts';
import { retryAfterMs } from './back-off.ts';
import { Bell } from './bell.ts';
import { Database, type DatabaseOptions, databaseProblem } from './database.ts';
import { Fetcher } from './fetcher.ts';
import { decodeHeaders, encodeHeaders } from './headers.ts';
import { Member } from './member.ts';
import { Notifications } from './notifications.ts';
import { Retention } from './retention.ts';
import { ensureTopic, migrate, type StoredTopic } from './schema.ts';
import { END_OFFSETS, LAST_HEADERS } from './statements.ts';
import { Trouble } from './trouble.ts';

export interface EmbeddedLogSettings {
  readonly connectionString: string;
  readonly ssl?: DatabaseOptions['ssl'];
  readonly topic: string;
  readonly group: string;
  /** Name of this worker, unique among those that run. A new start under the name replaces the old at once. */
  readonly worker: string;
  /** Partitions of the topic when it is made; one that exists keeps its own. Default 8. */
  readonly partitions?: number;
  /** A worker that was silent for this long is dead, in ms. */
  readonly sessionTimeoutMs: number;
  /** Time a partition has to drain before it is handed over, in ms. Default 20,000. */
  readonly drainBudgetMs?: number;
  /** Records that every group has accounted are kept this long, in ms. Default one day. */
  readonly retentionMs?: number;
  readonly world: World;
}

/** Enough for a few workers; as many as the local Kafka of the demo. */
export const PARTITIONS_DEFAULT = 8;
const DRAIN_BUDGET_MS = 20_000;
const RETENTION_MS = 24 * 3600 * 1000;
const RETENTION_EVERY_MS = 60_000;
const END_OFFSETS_MS = 1_000;
/** Beyond the budget, `close` waits this long for the database. */
const CLOSE_GRACE_MS = 2_500;

/** With these the configuration cannot work; later on they may be an operator at work, so it tries again. */
const FINAL_AT_OPEN = new Set(['SB-2002', 'SB-2004', 'SB-2009', 'SB-2010']);

interface Parts {
  readonly topic: StoredTopic;
  readonly resultsTopic: StoredTopic;
  readonly results: Appender;
  readonly member: Member;
  readonly fetcher: Fetcher;
  readonly notifications: Notifications;
  readonly retention: Retention;
}

export class EmbeddedLog implements TransactionLog {
  readonly #settings: EmbeddedLogSettings;
  readonly #connection: DatabaseOptions;
  readonly #database: Database;
  readonly #bell: Bell;
  #trouble: Trouble | null = null;
  #parts: Parts | null = null;
  #closed: Promise<void> | null = null;
  #isClosed = false;
  #ends: { readonly atMs: number; readonly offsets: Promise<ReadonlyMap<number, number>> } | null = null;

  constructor(settings: EmbeddedLogSettings) {
    this.#settings = settings;
    this.#connection = {
      connectionString: settings.connectionString,
      ssl: settings.ssl,
      name: `signalbox log ${settings.worker}`,
    };
    this.#database = new Database(this.#connection);
    this.#bell = new Bell(settings.world);
  }

  get topic(): Topic {
    const { name, id, partitions } = this.#opened().topic;
    return { name, id, partitions, retentionMs: this.#settings.retentionMs ?? RETENTION_MS };
  }

  /** Waits for the database for ever. Throws SB-2002, SB-2004, SB-2009, SB-2010 as final. */
  async open(listener: LogListener): Promise<void> {
    assert(this.#trouble === null, 'a log is opened once');
    const tell = (error: SignalboxError): void => {
      if (this.#closed === null) listener.problem(error, null);
    };
    const trouble = new Trouble({ world: this.#settings.world, tell });
    this.#trouble = trouble;
    const { topic, results } = await this.#prepare(trouble);
    if (this.#closed !== null) throw new SignalboxError('SB-2001', 'closed while it opened');
    this.#parts = this.#assemble(listener, { trouble, topic, results });
  }

  start(partition: number, offset: number | null): void {
    const { member, fetcher } = this.#opened();
    if (member.isOwned(partition)) fetcher.start(partition, offset);
  }

  pause(partition: number): void {
    this.#opened().fetcher.pause(partition);
  }

  resume(partition: number): void {
    this.#opened().fetcher.resume(partition);
  }

  mayBegin(): boolean {
    return this.#parts?.member.mayBegin() ?? false;
  }

  commit(partition: number, offset: number): void {
    this.#opened().member.note(partition, offset);
  }

  async publish(partition: number, results: readonly ResultRecord[]): Promise<void> {
    const appender = this.#opened().results;
    await appender.append(
      results.map(({ key, value, headers }) => ({
        partition,
        key: Buffer.from(key, 'utf8'),
        value: Buffer.from(value, 'utf8'),
        headers: encodeHeaders(headers.map(([name, text]) => ({ name, value: Buffer.from(text, 'utf8') }))),
      })),
    );
  }

  /** A partition of its results topic is of one source partition: its end is enough. */
  async lastPublished(partition: number): Promise<number> {
    const { resultsTopic } = this.#opened();
    const rows = await this.#database.query<{ headers: Buffer }>(LAST_HEADERS, [
      resultsTopic.number,
      partition,
    ]);
    const ids = rows.map(({ headers }) => decodeHeaders(headers).find(({ name }) => name === RESULT_ID));
    const numbers = ids.map((id) => numberIn(id?.value?.toString() ?? '', this.topic.name, partition) ?? 0);
    return Math.max(0, ...numbers);
  }

  async endOffsets(): Promise<ReadonlyMap<number, number>> {
    const nowMs = this.#settings.world.monotonic();
    if (this.#ends === null || nowMs - this.#ends.atMs >= END_OFFSETS_MS) {
      this.#ends = { atMs: nowMs, offsets: this.#readEnds() };
    }
    return await this.#ends.offsets;
  }

  health(): LogHealth {
    const problem = this.#trouble?.problem ?? null;
    const connected = this.#parts !== null && problem === null && !this.#isClosed;
    return { connected, joined: this.#parts?.member.joined ?? false, problem };
  }

  async close(budgetMs: number): Promise<void> {
    this.#closed ??= this.#close(budgetMs);
    await this.#closed;
  }

  // ------------------------------------------------------------------------------------- inside

  async #close(budgetMs: number): Promise<void> {
    this.#bell.ring();
    const parts = this.#parts;
    if (parts !== null) {
      parts.retention.close();
      await this.#atMost(budgetMs + CLOSE_GRACE_MS, parts.member.close(budgetMs));
      parts.fetcher.close();
      parts.notifications.close();
    }
    this.#isClosed = true;
    await this.#database.close();
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = this.#settings.world.after(ms, resolve);
      work.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  #opened(): Parts {
    if (this.#parts === null) throw new SignalboxError('SB-5006', 'the log is not open');
    return this.#parts;
  }

  /** Schema and topics, tried until the database answers. */
  async #prepare(trouble: Trouble): Promise<{ topic: StoredTopic; results: StoredTopic }> {
    const { topic: name, partitions = PARTITIONS_DEFAULT, world } = this.#settings;
    for (let failures = 1; this.#closed === null; failures += 1) {
      try {
        await migrate(this.#database);
        const topic = await ensureTopic(this.#database, name, partitions);
        const results = await ensureTopic(this.#database, `${name}.results`, topic.partitions);
        trouble.healed('open');
        return { topic, results };
      } catch (error) {
        const problem = databaseProblem(error);
        if (FINAL_AT_OPEN.has(problem.code)) {
          throw new SignalboxError(problem.code, problem.detail, { cause: problem, final: true });
        }
        trouble.failed('open', problem);
      }
      await this.#bell.wait(retryAfterMs(world, failures));
    }
    throw new SignalboxError('SB-2001', 'closed before the database answered', { cause: trouble.problem });
  }

  #assemble(
    listener: LogListener,
    made: { trouble: Trouble; topic: StoredTopic; results: StoredTopic },
  ): Parts {
    const { trouble, topic, results } = made;
    const { group, worker, sessionTimeoutMs, world } = this.#settings;
    const database = this.#database;
    const fetcher = new Fetcher({
      ...{ database, world, trouble, topic: topic.number },
      deliver: (batch) => listener.records(batch),
      problem: (error, partition) => listener.problem(error, partition),
    });
    const member = new Member({
      ...{ database, world, trouble, topic: topic.number, group, worker, sessionTimeoutMs },
      drainBudgetMs: this.#settings.drainBudgetMs ?? DRAIN_BUDGET_MS,
      events: {
        assigned: (partition, groupOffset) => listener.assigned(partition, groupOffset),
        revoked: async (partition, budgetMs) => {
          fetcher.stop(partition);
          await listener.revoked(partition, budgetMs);
        },
        lost: (partition) => {
          fetcher.stop(partition);
          listener.lost(partition);
        },
        resumed: () => listener.resumed(),
        problem: (error) => listener.problem(error, null),
      },
    });
    const notifications = new Notifications({
      ...{ database: this.#connection, world, topic: topic.number, group },
      records: (partitions) => fetcher.appended(partitions),
      groupChanged: () => member.groupChanged(),
    });
    const retention = new Retention({
      ...{ database, world, topics: [topic.number, results.number], owned: () => member.owned() },
      keepMs: this.#settings.retentionMs ?? RETENTION_MS,
      everyMs: RETENTION_EVERY_MS,
    });
    const appender = new Appender({ database, topic: results.number });
    return { topic, resultsTopic: results, results: appender, member, fetcher, notifications, retention };
  }

  async #readEnds(): Promise<ReadonlyMap<number, number>> {
    try {
      const rows = await this.#database.query<{ partition: number; next_offset: string }>(END_OFFSETS, [
        this.#opened().topic.number,
      ]);
      return new Map(rows.map(({ partition, next_offset }) => [partition, Number(next_offset)]));
    } catch (error) {
      this.#ends = null;
      throw error;
    }
  }
}
