/**
 * pg-boss: a strict queue a key in Postgres, filled before, without Kafka; ten loops of fetch and complete.
 * Jobs of one insert share their time, and the tie is broken by id: with its own random ids the order within a key is lost, so
 * ids grow here. Statistics of the planner are made fresh before, as autovacuum would within a minute.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { make } from './dataset.ts';
import type { Job } from './job.ts';
import { installNpm, npmImport } from './npm-packages.ts';
import { type Consume, onNode, type Peer } from './peer.ts';
import type { Fields, Tracker } from './tracker.ts';
import { work } from './works.ts';

const QUEUE = 'tx';
const LOOPS = 10;
const FETCHED = 100;
const INSERTED = 1_000;
const IDLE_MS = 5;
const NOTE = 'x'.repeat(100);

/** Of the package, what is used here. */
interface Boss {
  start(): Promise<unknown>;
  stop(options: { graceful: boolean }): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  createQueue(name: string, options: object): Promise<unknown>;
  insert(name: string, jobs: readonly object[]): Promise<unknown>;
  fetch(name: string, options: { batchSize: number }): Promise<{ id: string; data: Fields }[]>;
  complete(name: string, ids: readonly string[]): Promise<unknown>;
}

export const peer: Peer = {
  id: 'pg-boss',
  title: 'pg-boss, key_strict_fifo',
  settings: `${LOOPS} loops of fetch ${FETCHED} and complete, singletonKey = location, ids that grow, ANALYZE before; no Kafka`,
  works: ['W6'],
  install: async () => installNpm('pg-boss'),
  command: onNode,
};

export const consume: Consume = async ({ job, tracker }) => {
  const { PgBoss } = await npmImport<{ PgBoss: new (options: object) => Boss }>('pg-boss');
  const connectionString = job.postgresUrl ?? '';
  const boss = new PgBoss({ connectionString, max: LOOPS, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error.message));
  await boss.start();
  await boss.createQueue(QUEUE, {
    policy: 'key_strict_fifo',
    partition: true,
    retryLimit: 2,
    expireInSeconds: 600,
  });
  await fill(boss, job);
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('ANALYZE');
  await client.end();
  let stopped = false;
  const loops = Array.from({ length: LOOPS }, () => loop(boss, tracker, () => stopped));
  return {
    close: async () => {
      stopped = true;
      await Promise.all(loops);
      await boss.stop({ graceful: false });
    },
  };
};

async function fill(boss: Boss, job: Job): Promise<void> {
  let jobs: object[] = [];
  let number = 0;
  for (const { location, sequence, amount } of make(work(job.work).dataset, job.records)) {
    const id = `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
    const data = { number, location, sequence, amount, ts: Date.now() * 1_000, note: NOTE };
    jobs.push({ id, singletonKey: location, data });
    number += 1;
    if (jobs.length < INSERTED && number < job.records) continue;
    await boss.insert(QUEUE, jobs);
    jobs = [];
  }
}

async function loop(boss: Boss, tracker: Tracker, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const jobs = await boss.fetch(QUEUE, { batchSize: FETCHED });
    if (jobs.length === 0) {
      await delay(IDLE_MS);
      continue;
    }
    for (const { data } of jobs) tracker.start(data);
    // Before it says complete: the next one of a location may be fetched before we hear that it was.
    for (const { data } of jobs) tracker.leave(data);
    await boss.complete(
      QUEUE,
      jobs.map(({ id }) => id),
    );
    for (const { data } of jobs) tracker.finish(data);
  }
}
