/**
 * The consumer on a real broker, through the faults of the first issue: consumers killed, a broker restarted, a group that
 * grows. No record is lost, the order of each key holds, and after a kill no more is repeated than was in flight.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { partitionOf } from '../../src/core/murmur2.ts';
import { createConsumer } from '../../src/index-consumer.ts';
import { ownKafka, topicName } from '../fixtures/kafka.ts';
import { BrokerClient, type TopicFacts } from '../rig/broker-client.ts';
import { until } from './processes.ts';

const WORKER = join(import.meta.dirname, 'consumer-worker.ts');
const KEYS = 40;
const PARTITIONS = 6;
const SESSION_MS = 6_000;
const DONE_MS = 90_000;
/** Handlers at once in a process. */
const LIMIT = 20;

const kafka = await ownKafka();

interface Line {
  readonly what: 'start' | 'end';
  readonly key: string;
  readonly number: number;
  readonly pid: number;
}

describe('consumer on a real broker', { skip: 'skip' in kafka ? kafka.skip : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-consumer-'));
  const journal = join(folder, 'journal');
  const children: ChildProcess[] = [];
  let client: BrokerClient;
  let topic: TopicFacts;
  let produced = 0;

  before(async () => {
    if ('skip' in kafka) return;
    writeFileSync(journal, '');
    client = new BrokerClient(kafka.bootstrap);
    topic = await client.createTopic({ name: topicName(), partitions: PARTITIONS });
  });
  after(async () => {
    if ('skip' in kafka) return;
    for (const child of children) child.kill('SIGKILL');
    await client.close();
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Appends a line before and after each record; a line is one write, so a kill cuts none in two. */
  function start(): ChildProcess {
    const env = {
      ...process.env,
      KAFKA_BROKERS: 'skip' in kafka ? '' : kafka.bootstrap,
      TOPIC: topic.name,
      JOURNAL: journal,
      LIMIT: `${LIMIT}`,
      SESSION_MS: `${SESSION_MS}`,
    };
    const child = spawn(process.execPath, [WORKER], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    children.push(child);
    return child;
  }

  async function produce(count: number): Promise<void> {
    const byPartition = new Map<number, { key: string; value: string }[]>();
    for (let each = 0; each < count; each += 1) {
      const key = `key-${produced % KEYS}`;
      const partition = partitionOf(key, PARTITIONS);
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), { key, value: `${produced}` }]);
      produced += 1;
    }
    for (const [partition, records] of byPartition) await send(topic.name, partition, records);
  }

  /** A new topic, and a broker that was restarted, have no leader for a moment. */
  async function send(
    name: string,
    partition: number,
    records: { key: string; value: string }[],
  ): Promise<void> {
    await until(
      () => `${name} ${partition} has a leader`,
      DONE_MS,
      async () =>
        await client.produce(name, partition, records).then(
          () => true,
          () => null,
        ),
    );
  }

  function lines(): Line[] {
    return readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  async function allDone(): Promise<void> {
    await until(
      () =>
        `${new Set(lines().flatMap(({ what, number }) => (what === 'end' ? [number] : []))).size} of ${produced} are done`,
      DONE_MS,
      async () =>
        new Set(lines().flatMap(({ what, number }) => (what === 'end' ? [number] : []))).size >= produced,
    );
  }

  /** Ends of each key are in record order the first time; no two of a key overlap in one process. */
  function assertOrder(): void {
    const first = new Map<string, number>();
    const seen = new Set<number>();
    const running = new Map<string, number>();
    for (const { what, key, number, pid } of lines()) {
      const place = `${pid} ${key}`;
      if (what === 'start') {
        assert.equal(running.get(place), undefined, `${key}: ${number} started beside ${running.get(place)}`);
        running.set(place, number);
        continue;
      }
      running.delete(place);
      if (seen.has(number)) continue;
      seen.add(number);
      assert.ok(number > (first.get(key) ?? -1), `${key}: ${number} after ${first.get(key)}`);
      first.set(key, number);
    }
  }

  function repeated(): number {
    const ends = lines().filter(({ what }) => what === 'end');
    return ends.length - new Set(ends.map(({ number }) => number)).size;
  }

  it('two share the topic; both work, each key in order', async () => {
    start();
    start();
    await until(
      () => 'both have partitions',
      DONE_MS,
      async () => {
        await produce(20);
        await allDone();
        return new Set(lines().map(({ pid }) => pid)).size === 2;
      },
    );
    await produce(600);
    await allDone();
    assertOrder();
    assert.equal(repeated(), 0);
  });

  it('after SIGKILL the other goes on within the session; at most what was in flight is repeated', async () => {
    const before = repeated();
    const [victim] = children;
    await produce(800);
    const from = lines().length;
    await until(
      () => 'the victim works',
      DONE_MS,
      async () =>
        lines()
          .slice(from)
          .some(({ pid }) => pid === victim?.pid),
    );
    // Longer than the interval of commits: what is completed beyond the watermark rides in one of them.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    victim?.kill('SIGKILL');
    await produce(400);
    await allDone();
    assertOrder();
    const more = repeated() - before;
    appendFileSync(join(folder, 'repeated'), `${more}\n`);
    console.error(
      `repeated after SIGKILL: ${more}, at most ${LIMIT} in flight and what ended since the last commit`,
    );
    // What was in flight, and what ended in the second since the last commit: 20 handlers of about 20 ms each.
    assert.ok(more <= LIMIT + (1_000 / 20) * LIMIT * 1.5, `${more} were repeated`);
  });

  it('a restarted broker and a new member lose nothing', async () => {
    if ('skip' in kafka) return;
    start();
    await produce(400);
    await kafka.broker.kill();
    await kafka.broker.restart();
    await produce(400);
    await allDone();
    assertOrder();
  });

  it('SIGTERM drains: nothing is repeated', async () => {
    const before = repeated();
    await produce(600);
    const from = lines().length;
    await until(
      () => 'work goes on',
      DONE_MS,
      async () => lines().length > from + 20,
    );
    children.find(({ exitCode, killed }) => exitCode === null && !killed)?.kill('SIGTERM');
    await allDone();
    assertOrder();
    assert.equal(repeated(), before);
  });

  it('in this process: health, lag, events, and a dead letter on its topic', async () => {
    if ('skip' in kafka) return;
    const dead = await client.createTopic({ name: topicName(), partitions: 1 });
    const own = await client.createTopic({ name: topicName(), partitions: 2 });
    const values: number[] = [];
    const consumer = createConsumer<string | null, { n: number }>({
      brokers: [kafka.bootstrap],
      topic: own.name,
      group: 'library',
      deadLetterTopic: dead.name,
      deserializers: { value: (bytes) => JSON.parse(String(bytes)) as { n: number } },
      handle: async ({ value }) => void values.push(value.n),
    });
    const events = consumer.events();
    await consumer.start();
    for (let partition = 0; partition < 2; partition += 1) {
      const good = [0, 1, 2].map((n) => ({ key: `k${n}`, value: JSON.stringify({ n }) }));
      await send(own.name, partition, [...good, { key: 'bad', value: '{' }]);
    }
    await until(
      () => `${values}`,
      DONE_MS,
      async () => values.length === 6,
    );
    const kinds = new Set<string>();
    for await (const { type } of events) {
      kinds.add(type);
      if (kinds.has('dead-letter')) break;
    }
    assert.ok(kinds.has('assigned') && kinds.has('failed'));
    await until(
      () => 'both dead letters',
      DONE_MS,
      async () => {
        const ends = await client.endOffsets(dead);
        return (ends.get(0) ?? 0) === 2;
      },
    );
    await until(
      () => 'no lag',
      DONE_MS,
      async () => [...(await consumer.lag()).values()].every((lag) => lag === 0),
    );
    assert.deepEqual([consumer.health().ready, consumer.health().running], [true, 0]);
    await consumer.close();
    const offsets = await client.groupOffsets('library', own.name);
    assert.deepEqual([...offsets.values()], [4, 4]);
  });
});
