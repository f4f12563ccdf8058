/**
 * How many transactions a second the ledger takes: one process, commits back to back on each connection, each
 * with the finishes of the transactions begun before and the begins of the next ones at the same locations.
 *
 *   npx node bench/ledger.ts [--transactions 200000] [--locations 2000] [--connections 2] [--partitions 16]
 *                            [--payload 200] [--url postgres://…] [--json]
 *
 * Without --url it starts a Postgres of its own (fsync on) and removes it.
 */

import { randomUUID } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { PostgresLedger } from '../src/adapters/postgres/ledger.ts';
import { NO_CHANGE } from '../src/engine/ports-entries.ts';
import type { Begin, BeginAnswer, Change, Entry, Ledger, PartitionHead } from '../src/engine/ports-ledger.ts';
import { testPostgres } from '../test/fixtures/postgres.ts';

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '200000' },
    locations: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '16' },
    payload: { type: 'string', default: '200' },
    url: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const transactions = Number(values.transactions);
const locations = Number(values.locations);
const connections = Number(values.connections);
const partitions = Number(values.partitions);

/** A worker's commit takes at most 2,000 entries: 1,000 finishes and 1,000 begins. */
const FINISHES_MAX = 1_000;

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

const counts = new Map<number, PartitionCount>();
const commitMs: number[] = [];
const padding = 'x'.repeat(Math.max(0, Number(values.payload) - 110));
let budget = transactions;

function begin(place: Place, count: PartitionCount): Begin {
  // Ids in random order are the worst case for the primary key, and the usual one.
  const id = randomUUID();
  count.offset += 1;
  return {
    kind: 'begin',
    partition: place.partition,
    offset: count.offset,
    id,
    location: place.location,
    slot: 1,
    type: 'withdraw',
    payload: `{"id":"${id}","type":"withdraw","data":{"amount":5000,"currency":"EUR","note":"${padding}"}}`,
    plan: '1:dispense',
    timeoutMs: 5_000,
    deadlineMs: 60_000,
    expiresAtMs: null,
    concurrency: 1,
    traceparent: null,
    recordTimeMs: Date.now(),
  };
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

async function commitBackToBack(ledger: Ledger, places: readonly Place[]): Promise<number> {
  let finished = 0;
  let next = 0;
  for (;;) {
    const chosen: Place[] = [];
    while (chosen.length < Math.min(FINISHES_MAX, places.length)) {
      const place = places[next++ % places.length];
      if (place !== undefined) chosen.push(place);
    }
    const touched = new Set(chosen.map((place) => place.partition));
    const entries: Entry[] = [];
    const begun: Place[] = [];
    const ended: Place[] = [];
    for (const place of chosen) {
      if (place.holder !== null) {
        entries.push(finish(place, place.holder));
        ended.push(place);
      }
    }
    for (const place of chosen) {
      const count = counts.get(place.partition);
      if (budget === 0 || count === undefined) continue;
      budget -= 1;
      entries.push(begin(place, count));
      begun.push(place);
    }
    if (entries.length === 0) {
      if (places.every((place) => place.holder === null)) return finished;
      continue;
    }
    const heads: PartitionHead[] = [...touched].map((partition) => {
      const { epoch, lastNumber, offset } = counts.get(partition) as PartitionCount;
      return {
        partition,
        epoch,
        watermark: offset,
        published: lastNumber,
        duplicates: 0,
        lastNumber,
        commits: null,
      };
    });
    const startedMs = performance.now();
    const { answers } = await ledger.commit({ heads, entries });
    commitMs.push(performance.now() - startedMs);
    for (const [index, place] of ended.entries()) {
      const answer = answers[index];
      if (answer?.status !== 'done') throw new Error(`finish: ${JSON.stringify(answer)}`);
      place.holder = null;
      (counts.get(place.partition) as PartitionCount).lastNumber += 1;
      finished += 1;
    }
    for (const [index, place] of begun.entries()) {
      const answer = answers[ended.length + index];
      const entry = entries[ended.length + index];
      const begun = answer as BeginAnswer | undefined;
      if (begun?.status !== 'done' || entry?.kind !== 'begin')
        throw new Error(`begin: ${JSON.stringify(answer)}`);
      place.holder = { id: entry.id, token: begun.token };
    }
  }
}

async function settings(connectionString: string): Promise<{ version: string; settings: string }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ version: string; settings: string }>(
    `select current_setting('server_version') as version, string_agg(name || '=' || setting || coalesce(unit, ''), ' ') as settings
       from pg_settings where name in ('fsync', 'synchronous_commit', 'shared_buffers', 'full_page_writes',
         'wal_compression', 'max_wal_size')`,
  );
  await client.end();
  return rows[0] ?? { version: '?', settings: '?' };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const server = values.url === undefined ? await testPostgres() : null;
const connectionString = values.url ?? server?.connectionString ?? '';
try {
  const identity = { topic: `bench-${randomUUID()}`, topicId: 'bench', group: 'bench', worker: 'bench' };
  const ledger = await PostgresLedger.open({
    connectionString,
    identity,
    ledgerConnections: connections,
    allowMigrate: true,
  });
  for (let partition = 0; partition < partitions; partition += 1) {
    const taken = await ledger.takeOver(partition);
    if (taken.outcome !== 'owned') throw new Error(taken.detail);
    counts.set(partition, { epoch: taken.epoch, offset: 0, lastNumber: 0 });
  }
  const places = Array.from({ length: locations }, (_, index): Place => {
    return {
      location: `bench-${String(index).padStart(6, '0')}`,
      partition: index % partitions,
      holder: null,
    };
  });
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const perConnection = Array.from({ length: connections }, (_, connection) => {
    return commitBackToBack(
      ledger,
      places.filter((place) => place.partition % connections === connection),
    );
  });
  const finished = (await Promise.all(perConnection)).reduce((sum, count) => sum + count, 0);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  await ledger.close();
  const sorted = commitMs.toSorted((a, b) => a - b);
  const report = {
    transactions: finished,
    seconds: Number(seconds.toFixed(2)),
    transactionsPerSecond: Math.round(finished / seconds),
    commits: commitMs.length,
    commitMsP50: Number(percentile(sorted, 0.5).toFixed(1)),
    commitMsP99: Number(percentile(sorted, 0.99).toFixed(1)),
    nodeCpuSeconds: Number(((cpu.user + cpu.system) / 1e6).toFixed(2)),
    locations,
    connections,
    partitions,
    payloadBytes: Number(values.payload),
    machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    postgres: await settings(connectionString),
  };
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else
    for (const [name, value] of Object.entries(report)) console.log(name.padEnd(22), JSON.stringify(value));
} finally {
  await server?.stop();
}
