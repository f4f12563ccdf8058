/**
 * Ledger commits back to back on each connection, each with the finishes of the transactions begun before and the begins
 * of the next ones at the same locations: what a worker asks of the ledger when nothing else holds it back.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { PostgresLedger } from '../src/adapters/postgres/ledger.ts';
import { NO_CHANGE } from '../src/engine/ports-entries.ts';
import type { Begin, BeginAnswer, Change, Entry, PartitionHead } from '../src/engine/ports-ledger.ts';
import { threadSecondsOf } from './cpu-seconds.ts';

/** A worker's commit takes at most 2,000 entries: 1,000 finishes and 1,000 begins. */
const PAIRS_MAX = 1_000;
/** What a payload has around its padding. */
const PAYLOAD_FRAME = 110;

export interface CommitDriverOptions {
  readonly connectionString: string;
  readonly locations: number;
  readonly connections: number;
  readonly partitions: number;
  readonly payloadBytes: number;
}

export interface Measured {
  /** Finished, each with the begin of the next one. */
  readonly transactions: number;
  readonly seconds: number;
  readonly commits: number;
  /** Sorted. */
  readonly commitMs: readonly number[];
  /** CPU time a transaction in µs: of the backends that commit (a Postgres on this machine), and of this process. */
  readonly backendCpuMicros: number;
  readonly nodeCpuMicros: number;
}

interface Place {
  readonly location: string;
  readonly partition: number;
  holder: { readonly id: string; readonly token: string } | null;
}

interface PartitionCount {
  readonly epoch: number;
  offset: number;
  lastNumber: number;
}

export class CommitDriver {
  readonly topic: string;
  readonly #options: CommitDriverOptions;
  readonly #ledger: PostgresLedger;
  readonly #padding: string;
  readonly #counts = new Map<number, PartitionCount>();
  /** Of each connection. */
  readonly #places: Place[][];
  readonly #next: number[];
  #commitMs: number[] = [];

  private constructor(options: CommitDriverOptions, topic: string, ledger: PostgresLedger) {
    this.topic = topic;
    this.#options = options;
    this.#ledger = ledger;
    this.#padding = 'x'.repeat(Math.max(0, options.payloadBytes - PAYLOAD_FRAME));
    const { locations, connections, partitions } = options;
    this.#places = Array.from({ length: connections }, () => []);
    this.#next = this.#places.map(() => 0);
    // Of its own, as the last transactions of another driver may still hold theirs.
    const prefix = topic.slice(-8);
    for (let index = 0; index < locations; index += 1) {
      const partition = index % partitions;
      const location = `${prefix}-${String(index).padStart(6, '0')}`;
      this.#places[partition % connections]?.push({ location, partition, holder: null });
    }
  }

  /** Migrates, takes the partitions of its topic over, and begins a transaction at each location. */
  static async open(options: CommitDriverOptions): Promise<CommitDriver> {
    const identity = { topic: `bench-${randomUUID()}`, topicId: 'bench', group: 'bench', worker: 'bench' };
    const { connectionString, connections, partitions } = options;
    const ledger = await PostgresLedger.open({
      connectionString,
      identity,
      ledgerConnections: connections,
      allowMigrate: true,
    });
    const driver = new CommitDriver(options, identity.topic, ledger);
    for (let partition = 0; partition < partitions; partition += 1) {
      const taken = await ledger.takeOver(partition);
      if (taken.outcome !== 'owned') throw new Error(taken.detail);
      driver.#counts.set(partition, { epoch: taken.epoch, offset: 0, lastNumber: 0 });
    }
    await driver.run(options.locations);
    return driver;
  }

  /** So many transactions over all connections, or few more. Throws if an entry is answered otherwise than `done`. */
  async run(transactions: number): Promise<Measured> {
    this.#commitMs = [];
    const { connectionString, connections } = this.#options;
    const nodeBefore = process.cpuUsage();
    const backendsBefore = await backendCpuSeconds(connectionString);
    const startedMs = performance.now();
    const share = Math.ceil(transactions / connections);
    const done = await Promise.all(this.#places.map((_, connection) => this.#backToBack(connection, share)));
    const seconds = (performance.now() - startedMs) / 1000;
    const total = done.reduce((sum, count) => sum + count, 0);
    const node = process.cpuUsage(nodeBefore);
    const backends = (await backendCpuSeconds(connectionString)) - backendsBefore;
    return {
      transactions: total,
      seconds,
      commits: this.#commitMs.length,
      commitMs: this.#commitMs.toSorted((a, b) => a - b),
      backendCpuMicros: (1e6 * backends) / total,
      nodeCpuMicros: (node.user + node.system) / total,
    };
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  async #backToBack(connection: number, transactions: number): Promise<number> {
    const places = this.#places[connection] ?? [];
    let done = 0;
    while (done < transactions) {
      const chosen: Place[] = [];
      const size = Math.min(PAIRS_MAX, places.length);
      while (chosen.length < size) {
        const next = this.#next[connection] ?? 0;
        this.#next[connection] = (next + 1) % places.length;
        const place = places[next];
        if (place !== undefined) chosen.push(place);
      }
      await this.#commit(chosen);
      done += chosen.length;
    }
    return done;
  }

  async #commit(places: readonly Place[]): Promise<void> {
    const ended = places.filter((place) => place.holder !== null);
    const finishes = ended.flatMap((place) => (place.holder === null ? [] : [finish(place, place.holder)]));
    const begins = places.map((place) => this.#begin(place));
    const entries: Entry[] = [...finishes, ...begins];
    const heads = [...new Set(places.map(({ partition }) => partition))].map((partition) =>
      this.#head(partition),
    );
    const startedMs = performance.now();
    const { answers } = await this.#ledger.commit({ heads, entries });
    this.#commitMs.push(performance.now() - startedMs);
    for (const [index, place] of ended.entries()) {
      if (answers[index]?.status !== 'done') throw new Error(`finish: ${JSON.stringify(answers[index])}`);
      this.#count(place.partition).lastNumber += 1;
    }
    for (const [index, place] of places.entries()) {
      const answer = answers[ended.length + index] as BeginAnswer | undefined;
      const id = begins[index]?.id;
      if (answer?.status !== 'done' || id === undefined) throw new Error(`begin: ${JSON.stringify(answer)}`);
      place.holder = { id, token: answer.token };
    }
  }

  #count(partition: number): PartitionCount {
    const count = this.#counts.get(partition);
    if (count === undefined) throw new Error(`partition ${partition} was not taken over`);
    return count;
  }

  #head(partition: number): PartitionHead {
    const { epoch, lastNumber, offset } = this.#count(partition);
    return {
      partition,
      epoch,
      watermark: offset,
      published: lastNumber,
      duplicates: 0,
      lastNumber,
      commits: null,
    };
  }

  #begin({ location, partition }: Place): Begin {
    const count = this.#count(partition);
    count.offset += 1;
    // Ids in random order are the worst case for the primary key, and the usual one.
    const id = randomUUID();
    return {
      kind: 'begin',
      partition,
      offset: count.offset,
      id,
      location,
      slot: 1,
      type: 'withdraw',
      payload: `{"id":"${id}","type":"withdraw","data":{"amount":5000,"currency":"EUR","note":"${this.#padding}"}}`,
      plan: '1:dispense',
      timeoutMs: 5_000,
      deadlineMs: 60_000,
      expiresAtMs: null,
      concurrency: 1,
      traceparent: null,
      recordTimeMs: Date.now(),
    };
  }
}

function finish(place: Place, { id, token }: { id: string; token: string }): Change {
  return {
    ...NO_CHANGE,
    partition: place.partition,
    id,
    fromState: 'executing',
    fromToken: token,
    event: 'done',
    to: 'completed',
    evidence: '{"dispense":{"receipt":"0123456789","notes":[50,50]}}',
    call: 'execute',
    startedMs: Date.now() - 5,
    answeredMs: Date.now(),
  };
}

/** CPU time in s of the backends that serve this database here: the commits, without autovacuum and checkpoints. */
export async function backendCpuSeconds(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  await client.end();
  return rows.reduce((sum, { pid }) => sum + threadSecondsOf(pid), 0);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
