/** The consumer of results is killed in the middle, and gets results twice: each is booked once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { partitionOf } from '../../src/core/murmur2.ts';
import { resultId } from '../../src/core/result-id.ts';
import { testKafka, topicName } from '../fixtures/kafka.ts';
import { testPostgres } from '../fixtures/postgres.ts';
import { BrokerClient, type TopicFacts } from '../rig/broker-client.ts';
import { until } from '../rig/wait.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', '09-results-consumer', 'main.ts');
const RESULTS = 200;
const REPEATED_FROM = 120;
const BOOKED_MS = 60_000;

const kafka = await testKafka();

describe('example: consumer of results', { skip: 'skip' in kafka ? kafka.skip : false }, () => {
  let client: BrokerClient;
  let database: pg.Client;
  let connectionString = '';
  let stopPostgres: () => Promise<void>;
  let topic: TopicFacts;
  const children: ChildProcess[] = [];

  before(async () => {
    if ('skip' in kafka) return;
    const postgres = await testPostgres();
    stopPostgres = () => postgres.stop();
    connectionString = postgres.connectionString;
    database = new pg.Client({ connectionString });
    await database.connect();
    client = new BrokerClient(kafka.bootstrap);
    topic = await client.createTopic({ name: topicName(), partitions: 3 });
  });
  after(async () => {
    if ('skip' in kafka) return;
    for (const child of children) child.kill('SIGKILL');
    await client.close();
    await database.end();
    await stopPostgres();
    await kafka.stop();
  });

  function start(): ChildProcess {
    const KAFKA_BROKERS = 'skip' in kafka ? '' : kafka.bootstrap;
    const env = { ...process.env, KAFKA_BROKERS, DATABASE_URL: connectionString, TOPIC: topic.name };
    const child = spawn(process.execPath, [EXAMPLE], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    return child;
  }

  async function publish(from: number, to: number): Promise<void> {
    for (let index = from; index < to; index += 1) {
      const location = `ATM-${index % 7}`;
      const partition = partitionOf(location, topic.partitions);
      const number = index + 1;
      const finishedAt = '2026-11-25T12:00:00.000Z';
      const value = { id: `t-${index}`, location, outcome: 'completed', partition, number, finishedAt };
      const headers = { 'signalbox-result-id': resultId('transactions', partition, number) };
      await client.produce(topic.name, partition, [{ key: location, value: JSON.stringify(value), headers }]);
    }
  }

  async function booked(): Promise<number> {
    const { rows } = await database.query<{ count: number }>(
      'select count(*)::integer as count from bookings',
    );
    return rows[0]?.count ?? 0;
  }

  it('books each result once through a kill and a second delivery', async () => {
    const first = start();
    await publish(0, RESULTS);
    const some = { what: 'some results are booked', timeoutMs: BOOKED_MS };
    await until(some, async () => (await booked().catch(() => 0)) >= 1);
    first.kill('SIGKILL');
    start();
    // As a new owner does: from the last number that it knows to have arrived.
    await publish(REPEATED_FROM, RESULTS + 1);
    const all = { what: 'all results are booked', timeoutMs: BOOKED_MS };
    await until(all, async () => (await booked()) >= RESULTS + 1);
    assert.equal(await booked(), RESULTS + 1);
  });
});
