/** One measurement: one fresh process with a new group, its checks, its committed offsets afterwards. */
import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { endedWithin, start } from './children.ts';
import { type Shape, shapeOf } from './dataset.ts';
import type { Job, Result } from './job.ts';
import type { Peer } from './peer.ts';
import type { Stand } from './stand.ts';
import { OPEN_LOOP, STUCK_LOCATION, STUCK_WATCH_MS, type Work, type WorkId } from './works.ts';

const TIMEOUT_MS = 120_000;
/** Everybody commits within 5 s. */
const LINGER_MS = { normal: 300, stuck: 6_000 };
const WARM_UP_MS = 6_000;
/** Start, close, and what a process does before it consumes. */
const AROUND_MS = 60_000;

export interface Run {
  readonly peer: string;
  readonly work: WorkId;
  readonly records: number;
  readonly at: string;
  /** Of the machine, before. */
  readonly load: number;
  /** Null: it did not end, `noise` may say why. */
  readonly result: Result | null;
  readonly missing: number;
  /** Sum over partitions. */
  readonly committed: number;
  /** W3: what the hottest location needs when nothing else does. */
  readonly boundMs?: number;
  /** W5: no offset was committed past the record that never ended. */
  readonly honest?: boolean;
  /** W6: rows in Postgres that say done. */
  readonly rows?: number;
  readonly noise?: readonly string[];
}

export async function measure(peer: Peer, work: Work, stand: Stand): Promise<Run> {
  const records = peer.narrow === true ? (work.narrowRecords ?? work.dataset.records) : work.dataset.records;
  const shape = shapeOf(work.dataset, records);
  const job = await jobOf(peer, work, { stand, records, shape });
  const load = loadavg()[0] ?? 0;
  const child = start(peer.command(job));
  const producer = work.id === 'W4' ? openLoop(peer, job) : Promise.resolve();
  const { result, noise } = await endedWithin(child, job.timeoutMs + job.lingerMs + AROUND_MS);
  await producer;
  const committed = await stand.committed(job.group, job.topic);
  const first = shape.firstOf(STUCK_LOCATION);
  return {
    peer: peer.id,
    work: work.id,
    records,
    at: new Date().toISOString(),
    load: Math.round(100 * load) / 100,
    result,
    missing: job.expected - (result?.done ?? 0),
    committed: committed.reduce((sum, offset) => sum + offset, 0),
    ...(work.id === 'W3' && { boundMs: shape.hottest * work.handlerMs }),
    ...(work.id === 'W5' && { honest: (committed[first.partition] ?? 0) <= first.offset }),
    ...(job.postgresUrl !== null && { rows: await rowsDone(job.postgresUrl) }),
    ...((result === null || noise.length > 0) && { noise }),
  };
}

async function jobOf(
  peer: Peer,
  work: Work,
  { stand, records, shape }: { stand: Stand; records: number; shape: Shape },
): Promise<Job> {
  const stuck = work.id === 'W5';
  return {
    peer: peer.id,
    work: work.id,
    broker: stand.broker,
    topic: await topicOf(work, { stand, records }),
    group: `${peer.id}-${work.id}-${randomUUID().slice(0, 8)}`,
    records,
    expected: stuck ? records - shape.of(STUCK_LOCATION) : records,
    warmUp: work.id === 'W4' ? Math.floor(records * OPEN_LOOP.warmUpShare) : 0,
    handlerMs: work.handlerMs,
    stuckLocation: stuck ? STUCK_LOCATION : null,
    postgresUrl: work.id === 'W6' || peer.onPostgres === true ? await stand.database() : null,
    timeoutMs: stuck ? STUCK_WATCH_MS : TIMEOUT_MS,
    lingerMs: stuck ? LINGER_MS.stuck : LINGER_MS.normal,
    sessionTimeoutMs: null,
    doneLog: null,
  };
}

/** W6: Signalbox's results follow the topic, so each run has one of its own, for everybody. */
async function topicOf(work: Work, { stand, records }: { stand: Stand; records: number }): Promise<string> {
  if (work.id === 'W4') return stand.emptyTopic();
  if (work.id === 'W6') return stand.filledTopic(work.dataset, records);
  return stand.topicOf(work.dataset, records);
}

async function openLoop(peer: Peer, job: Job): Promise<void> {
  await delay(peer.warmUpMs ?? WARM_UP_MS);
  const script = fileURLToPath(new URL('./open-loop.ts', import.meta.url));
  const producer = start({
    program: process.execPath,
    args: [script, job.broker, job.topic, String(job.records)],
  });
  const { noise } = await endedWithin(producer, AROUND_MS + 1_000 * OPEN_LOOP.seconds);
  if (noise.length > 0) console.error(`the producer says: ${noise.join(' | ')}`);
}

/** Of whatever table the peer has. */
async function rowsDone(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ signalbox: string | null; tx: string | null }>(
    `SELECT to_regclass('signalbox.transactions') AS signalbox, to_regclass('tx') AS tx`,
  );
  const [table] = rows;
  let done = 0;
  if (table?.signalbox != null)
    done = await count(client, `signalbox.transactions WHERE state = 'completed'`);
  if (table?.tx != null) done = await count(client, `tx WHERE state = 'done'`);
  await client.end();
  return done;
}

async function count(client: pg.Client, from: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${from}`);
  return Number(rows[0]?.count ?? 0);
}
