import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { realWorld } from '../node/world.ts';
import { Appender } from './appender.ts';
import { Database } from './database.ts';
import { EmbeddedSender } from './embedded-sender.ts';
import { Retention } from './retention.ts';
import { ensureTopic, migrate, type StoredTopic } from './schema.ts';
import { TestLog, until } from './test-log.ts';

const world = realWorld();

describe('embedded log', () => {
  let postgres: TestPostgres;
  let database: Database;
  let client: pg.Client;
  let topic: StoredTopic;
  const keepAlive = setInterval(() => undefined, 1_000);

  const member = (options: Partial<ConstructorParameters<typeof TestLog>[0]> = {}): Promise<TestLog> =>
    TestLog.open({ connectionString: postgres.connectionString, topic: topic.name, ...options });
  const sender = (): EmbeddedSender =>
    new EmbeddedSender({ connectionString: postgres.connectionString, topic: topic.name, world });
  const appender = (): Appender => new Appender({ database, topic: topic.number });
  const record = (partition: number, value: string) => ({
    partition,
    key: Buffer.from('atm-1'),
    value: Buffer.from(value),
    headers: null,
  });

  before(async () => {
    postgres = await testPostgres();
    database = new Database({ connectionString: postgres.connectionString, name: 'test' });
    client = new pg.Client({ connectionString: postgres.connectionString });
    await client.connect();
    await migrate(database);
  });
  beforeEach(async () => {
    topic = await ensureTopic(database, `transactions-${randomUUID()}`, 4);
  });
  after(async () => {
    clearInterval(keepAlive);
    await client.end();
    await database.close();
    await postgres.stop();
  });

  test('several processes may start at once on an empty database', async () => {
    const empty = await testPostgres();
    try {
      const { connectionString } = empty;
      const databases = Array.from({ length: 6 }, (_, n) => new Database({ connectionString, name: `${n}` }));
      const topics = await Promise.all(
        databases.map(async (one) => {
          await migrate(one);
          return await ensureTopic(one, 'transactions', 8);
        }),
      );
      assert.equal(new Set(topics.map(({ id }) => id)).size, 1);
      assert.equal(topics[0]?.partitions, 8);
      await Promise.all(databases.map((one) => one.close()));
    } finally {
      await empty.stop();
    }
  });

  test('a schema of a newer version is refused for good', async () => {
    const newer = await testPostgres();
    try {
      const other = new Database({ connectionString: newer.connectionString, name: 'newer' });
      await migrate(other);
      await other.query({ name: 'newer', text: 'INSERT INTO signalbox_log.migrations VALUES (999)' }, []);
      await other.close();
      const opening = TestLog.open({ connectionString: newer.connectionString, topic: 'transactions' });
      await assert.rejects(opening, { code: 'SB-2004', final: true });
    } finally {
      await newer.stop();
    }
  });

  test('a wrong password and a missing database are refused for good', async () => {
    const url = new URL(postgres.connectionString);
    url.pathname = '/nowhere';
    await assert.rejects(member({ connectionString: url.href }), { code: 'SB-2010', final: true });
    const wrong = new URL(postgres.connectionString);
    wrong.password = 'wrong';
    await assert.rejects(member({ connectionString: wrong.href }), { code: 'SB-2002', final: true });
  });

  test('records come back whole: null key, null value, empty value, headers, time', async () => {
    const log = await member();
    const out = sender();
    const before = Date.now();
    await out.send([
      { key: 'atm-1', value: Buffer.from('{"id":"1"}'), headers: { traceparent: '00-1', 'ce-id': 'ü' } },
      { key: 'atm-1', value: null },
      { key: 'atm-1', value: Buffer.alloc(0) },
      { key: null, value: Buffer.from([0, 255, 10]) },
    ]);
    await until('four records', () => log.seen.length === 4);
    const keyed = log.seen.filter(({ key }) => key === 'atm-1');
    assert.deepEqual(
      keyed.map(({ offset, value }) => [offset, value]),
      [
        [0, '{"id":"1"}'],
        [1, null],
        [2, ''],
      ],
    );
    assert.deepEqual(keyed[0]?.headers, [
      { name: 'traceparent', value: Buffer.from('00-1') },
      { name: 'ce-id', value: Buffer.from('ü') },
    ]);
    assert.deepEqual(keyed[1]?.headers, []);
    assert.equal(log.seen.find(({ key }) => key === null)?.value, '\u0000\u00ff\n');
    for (const { timestamp } of log.seen)
      assert.ok(timestamp >= before - 1_000 && timestamp <= Date.now() + 1_000);
    await out.close();
    await log.log.close(1_000);
  });

  test('the partition is murmur2 of the UTF-8 key', async () => {
    const log = await member();
    const out = sender();
    const keys = Array.from({ length: 50 }, (_, n) => `location-${n}`).concat('kiosk-ü', 'x');
    await out.send(keys.map((key) => ({ key, value: Buffer.from('{}') })));
    await until('all records', () => log.seen.length === keys.length);
    for (const { key, partition } of log.seen) assert.equal(partition, partitionOf(key ?? '', 4));
    await out.close();
    await log.log.close(1_000);
  });

  test('a reader never skips a record while several append, and each appender keeps its order', async () => {
    const log = await member();
    const appenders = Array.from({ length: 4 }, (_, n) => {
      const own = new Database({ connectionString: postgres.connectionString, name: `appender ${n}` });
      return { own, appender: new Appender({ database: own, topic: topic.number }) };
    });
    const each = 1_500;
    await Promise.all(
      appenders.map(async ({ appender: one }, writer) => {
        for (let n = 0; n < each; n += 5) {
          await one.append(Array.from({ length: 5 }, (_, i) => record((n + i) % 3, `${writer}:${n + i}`)));
        }
      }),
    );
    await until('all records', () => log.seen.length >= 4 * each);
    assert.equal(log.seen.length, 4 * each);
    for (let partition = 0; partition < 3; partition += 1) {
      const offsets = log.offsets(partition);
      assert.deepEqual(
        offsets,
        Array.from({ length: offsets.length }, (_, index) => index),
      );
      for (let writer = 0; writer < 4; writer += 1) {
        const numbers = log.seen
          .filter((one) => one.partition === partition && one.value?.startsWith(`${writer}:`) === true)
          .map(({ value }) => Number(value?.split(':')[1]));
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        );
      }
    }
    await Promise.all(appenders.map(({ own }) => own.close()));
    await log.log.close(1_000);
  });

  test('the counter is locked until the commit: an append behind an open one waits', async () => {
    const log = await member();
    await until('assigned', () => log.owned.size === 4);
    await client.query('BEGIN');
    await client.query(`SELECT signalbox_log.append($1, '{0}', '{0}', '{-1}', '{1}', '{-1}', 'a')`, [
      topic.number,
    ]);
    const second = appender().append([record(0, 'b')]);
    await appender().append([record(1, 'c')]);
    await until('the other partition goes on', () => log.seen.length === 1);
    await client.query('COMMIT');
    await second;
    await until('both', () => log.seen.length === 3);
    assert.deepEqual(
      log.seen.filter(({ partition }) => partition === 0).map(({ offset, value }) => [offset, value]),
      [
        [0, 'a'],
        [1, 'b'],
      ],
    );
    await log.log.close(1_000);
  });

  test('a new record arrives at once', async () => {
    const log = await member();
    await until('assigned', () => log.owned.size === 4);
    const one = appender();
    await one.append([record(0, 'warm')]);
    await until('warm', () => log.seen.length === 1);
    const waits: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      await one.append([record(0, `${n}`)]);
      const appendedAt = performance.now();
      await until('arrived', () => log.seen.length === n + 2);
      waits.push(performance.now() - appendedAt);
    }
    waits.sort((a, b) => a - b);
    // By notification; by polling alone the median would be 250 ms.
    assert.ok((waits[10] ?? Number.POSITIVE_INFINITY) < 50, `median ${waits[10]} ms`);
    await log.log.close(1_000);
  });

  test('a pause stops the fetch, resume goes on where it was, start moves the position', async () => {
    const log = await member({ partitions: 4 });
    await until('assigned', () => log.owned.size === 4);
    const one = appender();
    await one.append([record(0, 'a')]);
    await until('a', () => log.seen.length === 1);
    log.log.pause(0);
    await one.append([record(0, 'b'), record(1, 'other')]);
    await until('the other partition', () => log.seen.length === 2);
    assert.deepEqual(log.offsets(0), [0]);
    log.log.resume(0);
    await until('b', () => log.offsets(0).length === 2);
    log.seen.length = 0;
    const again: number[] = [];
    log.records = (batch) => void again.push(...batch.offsets);
    log.log.start(0, 1);
    await until('b again', () => again.length === 1);
    log.log.start(0, null);
    await until('from the earliest', () => again.length === 3);
    assert.deepEqual(again, [1, 0, 1]);
    await log.log.close(1_000);
  });

  test('a backlog of one partition does not keep the others from being served', async () => {
    const backlog = Array.from({ length: 4_000 }, (_, n) => record(0, `${n}`));
    await appender().append([...backlog, record(3, 'last')]);
    const log = await member();
    await until('the other partition', () => log.offsets(3).length === 1);
    assert.ok(log.offsets(0).length < 4_000);
    await until('everything', () => log.offsets(0).length === 4_000);
    await log.log.close(1_000);
  });

  test('large records come one by one, and whole', async () => {
    const large = 'x'.repeat(600 * 1024);
    await appender().append([record(0, large), record(0, large), record(0, 'small')]);
    const log = await member();
    await until('three records', () => log.seen.length === 3);
    assert.deepEqual(
      log.seen.map(({ value }) => value?.length),
      [large.length, large.length, 5],
    );
    await log.log.close(1_000);
  });

  test('results are published in order to the same partition, and end offsets are known', async () => {
    const log = await member();
    await log.log.publish(2, [
      { key: 'atm-1', value: '{"id":"1"}', headers: [['signalbox-result-id', 't/2/1']] },
      { key: 'atm-2', value: '{"id":"2"}', headers: [] },
    ]);
    const results = await member({ topic: `${topic.name}.results`, group: 'reader' });
    await until('two results', () => results.seen.length === 2);
    assert.deepEqual(
      results.seen.map(({ partition, offset, key, value }) => [partition, offset, key, value]),
      [
        [2, 0, 'atm-1', '{"id":"1"}'],
        [2, 1, 'atm-2', '{"id":"2"}'],
      ],
    );
    assert.deepEqual(results.seen[0]?.headers, [
      { name: 'signalbox-result-id', value: Buffer.from('t/2/1') },
    ]);
    assert.deepEqual([...(await results.log.endOffsets())].toSorted(), [
      [0, 0],
      [1, 0],
      [2, 2],
      [3, 0],
    ]);
    await log.log.close(1_000);
    await results.log.close(1_000);
  });

  test('a position that the log does not hold stops the partition with a code', async () => {
    await appender().append(Array.from({ length: 10 }, (_, n) => record(0, `${n}`)));
    await client.query(
      'UPDATE signalbox_log.partitions SET first_offset = 5 WHERE topic = $1 AND partition = 0',
      [topic.number],
    );
    const log = await member();
    await until('assigned', () => log.owned.size === 4);
    log.log.start(0, 3);
    log.log.start(1, 7);
    await until('two problems', () => log.problems.length === 2);
    assert.deepEqual(
      log.problems.map(({ code, final }) => [code, final]),
      [
        ['SB-3008', true],
        ['SB-3008', true],
      ],
    );
    await log.log.close(1_000);
  });

  test('old records that every group has accounted are deleted, and nothing else', async () => {
    await appender().append(Array.from({ length: 3_000 }, (_, n) => record(0, `${n}`)));
    const log = await member();
    const slow = await member({ group: 'slow' });
    await until('read', () => log.seen.length === 3_000 && slow.seen.length === 3_000);
    slow.log.commit(0, 2_500);
    await until('committed', async () => (await groupOffset('slow')) === '2500');
    await until('committed too', async () => (await groupOffset('signalbox')) === '3000');
    const keep = (keepMs: number): Retention =>
      new Retention({ database, world, topics: [topic.number], owned: () => [0], keepMs, everyMs: 10 });
    const young = keep(3_600_000);
    await log.log.endOffsets();
    assert.equal(await count(), 3_000);
    young.close();
    const old = keep(0);
    await until('the accounted ones are gone', async () => (await count()) === 500);
    old.close();
    const late = await member({ group: 'late' });
    await until('the rest', () => late.seen.length === 500);
    assert.equal(late.seen[0]?.offset, 2_500);
    for (const one of [log, slow, late]) await one.log.close(1_000);
  });

  test('throughput: 5,000 appends and 20,000 fetches a second', async () => {
    const records = Array.from({ length: 20_000 }, (_, n) => ({
      key: `location-${n % 200}`,
      value: Buffer.from(JSON.stringify({ id: `t-${n}`, type: 'dispense', data: { amount: 1_000 + n } })),
    }));
    const out = sender();
    const appendingAt = performance.now();
    for (let n = 0; n < records.length; n += 500) await out.send(records.slice(n, n + 500));
    const appendRate = records.length / ((performance.now() - appendingAt) / 1_000);
    let fetched = 0;
    const log = new TestLog({ connectionString: postgres.connectionString, topic: topic.name });
    log.records = (batch) => {
      fetched += batch.count;
    };
    await log.log.open(log);
    await until('assigned', () => log.owned.size === 4);
    const fetchingAt = performance.now();
    await until('all fetched', () => fetched === records.length);
    const fetchRate = records.length / ((performance.now() - fetchingAt) / 1_000);
    console.log(`append ${Math.round(appendRate)}/s, fetch ${Math.round(fetchRate)}/s`);
    assert.ok(appendRate > 5_000, `append ${appendRate}/s`);
    assert.ok(fetchRate > 20_000, `fetch ${fetchRate}/s`);
    await out.close();
    await log.log.close(1_000);
  });

  async function groupOffset(group: string): Promise<string | null> {
    const { rows } = await client.query<{ group_offset: string | null }>(
      'SELECT group_offset FROM signalbox_log.assignments WHERE topic = $1 AND group_name = $2 AND partition = 0',
      [topic.number, group],
    );
    return rows[0]?.group_offset ?? null;
  }

  async function count(): Promise<number> {
    const { rows } = await client.query<{ count: string }>(
      'SELECT count(*) FROM signalbox_log.records WHERE topic = $1',
      [topic.number],
    );
    return Number(rows[0]?.count);
  }
});
