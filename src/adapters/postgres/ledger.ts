/**
 * The ledger on Postgres (src/engine/ports-ledger.ts says what it promises). It connects when it is first used and
 * again after each failure; what a failure means is in errors.ts.
 *
 * PL1 Partition p always commits on connection p mod ledgerConnections, one commit at a time.
 * PL2 Raising, reading, taking over and heartbeats run on other connections: never on one that lost an answer.
 * PL3 A commit of which one partition is fenced is sent again without it: the call that noticed wrote nothing.
 */
import type pg from 'pg';
import { assert } from '../../core/errors/catalogue.ts';
import {
  type Command,
  type Commit,
  type CommitAnswer,
  type EntryAnswer,
  type Heartbeat,
  type Ledger,
  LedgerError,
  type LedgerIdentity,
  type LocationLimit,
  type ParkedRow,
  type RaisedPartition,
  type Row,
  type SeriesSpan,
  type StoredResult,
  type TakeOver,
} from '../../engine/ports-ledger.ts';
import { type CommitRow, decodeAnswers, parseIntegers } from './commit-decoding.ts';
import { type EncodedCommit, encodeCommit } from './commit-encoding.ts';
import { ConnectionPool } from './connection.ts';
import { sqlState } from './errors.ts';
import { checkSchema } from './migrate.ts';
import {
  type CommandColumns,
  type LaneColumns,
  ledgerRow,
  type ParkedColumns,
  type PartitionColumns,
  parkedLane,
  parkedRow,
  partitionState,
  type ResultColumns,
  type RowColumns,
  storedCommand,
  storedResult,
} from './rows.ts';
import { SQL } from './sql-files.ts';

export interface PostgresLedgerOptions {
  /** TLS by sslmode, sslrootcert, sslcert and sslkey in it, or by `ssl`. */
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  readonly identity: LedgerIdentity;
  /** Connections that commit side by side, at least 1. */
  readonly ledgerConnections: number;
  /** Whether `open` may migrate the schema; else it throws SB-2003 when that is needed. */
  readonly allowMigrate: boolean;
}

/** Take-overs of several partitions, results and heartbeats side by side; Postgres has 100 connections by default. */
const OTHER_CONNECTIONS_MAX = 4;
/** The third attempt in a row that ends by a take-over is the last: it may be the step that kills the workers. */
const TAKE_OVERS_MAX = 3;
/** Commands of one answer: people are slow, and the rest is asked for a second later. */
const COMMANDS_MAX = 100;
/**
 * After a commit whose begins did not all find id and slot free, so many are prepared for that, which is slower but
 * never done twice: duplicates come in crowds, when a partition is fetched again after a take-over.
 */
const CAREFUL_COMMITS = 8;
/** SQLSTATEs of migrations/0004_commit.sql. */
const CHANGE_NOT_AS_EXPECTED = 'SB001';
const BEGIN_NOT_AS_EXPECTED = 'SB003';
const UNIQUE_VIOLATION = '23505';

const asText = { getTypeParser: () => (value: string) => value };

export class PostgresLedger implements Ledger {
  readonly #identity: LedgerIdentity;
  readonly #committing: readonly CommitConnection[];
  readonly #others: ConnectionPool;

  /** Checks the schema, and migrates it if allowed. Throws SignalboxError SB-2001 to SB-2004, SB-2009, SB-2010. */
  static async open(options: PostgresLedgerOptions): Promise<PostgresLedger> {
    const { connectionString, ssl, allowMigrate } = options;
    await checkSchema({ connectionString, ...(ssl === undefined ? {} : { ssl }) }, allowMigrate);
    return new PostgresLedger(options);
  }

  /** Connects at the first call; the schema is taken for granted. */
  constructor({ connectionString, ssl, identity, ledgerConnections }: PostgresLedgerOptions) {
    assert(
      Number.isInteger(ledgerConnections) && ledgerConnections > 0,
      'a ledger has at least one commit connection',
    );
    this.#identity = identity;
    const connection = {
      connectionString,
      ...(ssl === undefined ? {} : { ssl }),
      applicationName: `signalbox ${identity.worker}`,
    };
    this.#committing = Array.from({ length: ledgerConnections }, () => {
      const pool = new ConnectionPool({ ...connection, connectionsMax: 1 });
      return { pool, busy: false, carefulCommits: 0 };
    });
    this.#others = new ConnectionPool({ ...connection, connectionsMax: OTHER_CONNECTIONS_MAX });
  }

  async commit(commit: Commit): Promise<CommitAnswer> {
    const connection = this.#connectionOf(commit);
    assert(!connection.busy, 'two commits at once on one connection');
    connection.busy = true;
    try {
      return await this.#commitOn(connection, commit);
    } finally {
      connection.busy = false;
    }
  }

  #connectionOf({ heads }: Commit): CommitConnection {
    const numbers = new Set(heads.map(({ partition }) => partition % this.#committing.length));
    assert(numbers.size === 1, 'a commit has heads, all of one connection');
    const [number = 0] = numbers;
    const connection = this.#committing[number];
    assert(connection !== undefined, `there is no connection ${number}`);
    return connection;
  }

  /**
   * Each turn of the loop but the last leaves out a partition or a shortcut: at most heads + 3 turns. A turn that
   * is not the last wrote nothing.
   */
  async #commitOn(connection: CommitConnection, commit: Commit): Promise<CommitAnswer> {
    const fenced = new Set<number>();
    let rest = commit;
    let plainRuns = true;
    let beginsTogether = connection.carefulCommits === 0;
    if (!beginsTogether) connection.carefulCommits -= 1;
    for (;;) {
      const encoded = encodeCommit(rest, { identity: this.#identity, plainRuns, beginsTogether });
      const sent = await this.#send(connection, encoded);
      if (sent === 'changes one by one') {
        plainRuns = false;
      } else if (sent === 'begins carefully') {
        beginsTogether = false;
        connection.carefulCommits = CAREFUL_COMMITS;
      } else if (sent[1] === null) {
        return answerOf(commit, { row: sent, fenced, applied: decodeAnswers(sent, encoded, rest.entries) });
      } else {
        for (const partition of parseIntegers(sent[1])) fenced.add(Number(partition));
        rest = without(commit, fenced);
        if (rest.heads.length === 0) return answerOf(commit, { row: sent, fenced, applied: [] });
      }
    }
  }

  async #send(
    { pool }: CommitConnection,
    { values, plain, beginsTogether }: EncodedCommit,
  ): Promise<CommitRow | 'changes one by one' | 'begins carefully'> {
    const query = { name: 'commit', text: SQL.commit, values, rowMode: 'array' as const, types: asText };
    try {
      const { rows } = await pool.run((client) => client.query<string[]>(query));
      const [row] = rows;
      assert(row !== undefined, 'the commit function returned no row');
      return row as unknown as CommitRow;
    } catch (error) {
      const state = error instanceof LedgerError ? sqlState(error.cause) : null;
      if (state === CHANGE_NOT_AS_EXPECTED && plain.includes(true)) return 'changes one by one';
      const begin = state === BEGIN_NOT_AS_EXPECTED || state === UNIQUE_VIOLATION;
      if (begin && beginsTogether) return 'begins carefully';
      throw error;
    }
  }

  async takeOver(partition: number): Promise<TakeOver> {
    const { topic, topicId, group, worker } = this.#identity;
    const taken = await this.#others.transaction(async (client) => {
      const known = await client.query<{ worker: string | null }>(SQL.takeOverKnow, [
        topic,
        partition,
        topicId,
        group,
      ]);
      const before = known.rows[0]?.worker ?? null;
      const raised = await client.query<PartitionColumns>(SQL.takeOverRaise, [
        topic,
        partition,
        topicId,
        group,
        worker,
      ]);
      const [state] = raised.rows;
      if (state === undefined) {
        return (await client.query<OwnerColumns>(SQL.takeOverOwner, [topic, partition])).rows;
      }
      const doubt = [topic, partition, worker, state.epoch, TAKE_OVERS_MAX];
      await client.query(SQL.takeOverHistory, doubt);
      await client.query(SQL.takeOverDoubt, doubt);
      const holders = await client.query<RowColumns>(SQL.takeOverHolders, [topic, partition]);
      const parked = await client.query<LaneColumns>(SQL.takeOverParked, [topic, partition]);
      await client.query(SQL.takeOverEvent, [topic, partition, worker, state.epoch, before]);
      return { state, holders: holders.rows, parked: parked.rows };
    });
    if (Array.isArray(taken)) return this.#refusal(taken[0]);
    return {
      outcome: 'owned',
      ...partitionState(taken.state),
      holders: taken.holders.map(ledgerRow),
      parked: taken.parked.map(parkedLane),
    };
  }

  #refusal(owner: OwnerColumns | undefined): TakeOver {
    const { topicId, group } = this.#identity;
    assert(owner !== undefined, 'a partition that was just made known is not there');
    if (owner.group !== group) {
      return {
        outcome: 'refused',
        code: 'SB-2005',
        detail: `it belongs to group ${owner.group}, not ${group}`,
      };
    }
    return {
      outcome: 'refused',
      code: 'SB-2006',
      detail: `the ledger knows topic id ${owner.topic_id}, not ${topicId}`,
    };
  }

  async raise(
    owned: readonly { readonly partition: number; readonly epoch: number }[],
  ): Promise<RaisedPartition[]> {
    const ordered = owned.toSorted((a, b) => a.partition - b.partition);
    const partitions = ordered.map(({ partition }) => partition);
    const epochs = ordered.map(({ epoch }) => epoch);
    const { rows } = await this.#others.run((client) =>
      client.query<PartitionColumns & { partition: number }>(SQL.raise, [
        this.#identity.topic,
        partitions,
        epochs,
      ]),
    );
    return rows.map((row) => ({ partition: row.partition, ...partitionState(row) }));
  }

  async read(ids: readonly string[]): Promise<Row[]> {
    const { rows } = await this.#others.run((client) => client.query<RowColumns>(SQL.read, [ids]));
    return rows.map(ledgerRow);
  }

  async results(partition: number, after: number, limit: number): Promise<StoredResult[]> {
    const values = [this.#identity.topic, partition, after, limit];
    const { rows } = await this.#others.run((client) => client.query<ResultColumns>(SQL.results, values));
    return rows.map(storedResult);
  }

  async commits(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const values = [this.#identity.topic, partitions];
    const { rows } = await this.#others.run((client) =>
      client.query<{ partition: number; commits: string }>(SQL.commits, values),
    );
    return new Map(rows.map(({ partition, commits }) => [partition, Number(commits)]));
  }

  async skipNumbers(partition: number, epoch: number, number: number): Promise<boolean> {
    const values = [this.#identity.topic, partition, epoch, number];
    const { rowCount } = await this.#others.run((client) => client.query(SQL.skipNumbers, values));
    return rowCount === 1;
  }

  async parked(lane: {
    readonly partition: number;
    readonly location: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<ParkedRow[]> {
    const values = [this.#identity.topic, lane.partition, lane.location, lane.after, lane.limit];
    const { rows } = await this.#others.run((client) => client.query<ParkedColumns>(SQL.parked, values));
    return rows.map(parkedRow);
  }

  async commands(partitions: readonly number[]): Promise<Command[]> {
    const values = [this.#identity.topic, partitions, COMMANDS_MAX];
    const { rows } = await this.#others.run((client) => client.query<CommandColumns>(SQL.commands, values));
    return rows.map(storedCommand);
  }

  async limits(sinceMs: number | null): Promise<{ readonly atMs: number; readonly limits: LocationLimit[] }> {
    const { rows } = await this.#others.run((client) =>
      client.query<{ at_ms: string; limits: LocationLimit[] }>(SQL.limits, [sinceMs]),
    );
    const [row] = rows;
    assert(row !== undefined, 'the ledger did not say what the limits are');
    return { atMs: Number(row.at_ms), limits: row.limits };
  }

  async prune(partition: number, olderThanMs: number, limit: number): Promise<number> {
    const values = [this.#identity.topic, partition, olderThanMs, limit];
    const { rows } = await this.#others.run((client) => client.query<{ count: string }>(SQL.prune, values));
    return Number(rows[0]?.count);
  }

  async notePartitions(count: number): Promise<number | null> {
    const { topic, topicId } = this.#identity;
    const { rows } = await this.#others.run((client) =>
      client.query<{ partitions: number }>(SQL.notePartitions, [topic, topicId, count]),
    );
    return rows[0]?.partitions ?? null;
  }

  async heartbeat(heartbeat: Heartbeat, series: readonly SeriesSpan[]): Promise<void> {
    const { worker, topic, group } = this.#identity;
    const values = [
      worker,
      topic,
      group,
      heartbeat.version,
      new Date(heartbeat.startedAtMs),
      heartbeat.draining,
      heartbeat.partitions,
      heartbeat.waiting,
      heartbeat.parked,
      heartbeat.lanes,
      heartbeat.rssBytes,
      JSON.stringify(heartbeat.lag),
      JSON.stringify(heartbeat.deepest),
      JSON.stringify(series),
    ];
    await this.#others.run((client) => client.query(SQL.heartbeat, values));
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#committing.map(({ pool }) => pool), this.#others].map((pool) => pool.close()),
    );
  }
}

/** One connection, and what it learned. */
interface CommitConnection {
  readonly pool: ConnectionPool;
  busy: boolean;
  /** Commits left whose begins are prepared for conflicts. */
  carefulCommits: number;
}

interface OwnerColumns {
  readonly topic_id: string;
  readonly group: string;
}

function without(commit: Commit, fenced: ReadonlySet<number>): Commit {
  return {
    heads: commit.heads.filter((head) => !fenced.has(head.partition)),
    entries: commit.entries.filter((entry) => !fenced.has(entry.partition)),
  };
}

interface Applied {
  readonly row: CommitRow;
  readonly fenced: ReadonlySet<number>;
  /** Of the entries whose partition is not fenced, in order. */
  readonly applied: readonly EntryAnswer[];
}

function answerOf(commit: Commit, { row, fenced, applied }: Applied): CommitAnswer {
  let next = 0;
  const answers = commit.entries.map((entry): EntryAnswer => {
    if (fenced.has(entry.partition)) return { status: 'fenced' };
    const answer = applied[next++];
    assert(answer !== undefined, 'an entry has no answer');
    return answer;
  });
  return { atMs: Number(row[0]), fenced: [...fenced].sort((a, b) => a - b), answers };
}
