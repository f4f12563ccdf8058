import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { LogWatcher } from '../../conformance/log-watcher.ts';
import { until } from '../../conformance/transaction-log-scene.ts';
import { byteString } from '../../core/byte-string.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { realWorld } from '../node/world.ts';
import { Appender } from './appender.ts';
import { Database } from './database.ts';
import { EmbeddedLog, type EmbeddedLogSettings } from './embedded-log.ts';
import { EmbeddedSender } from './embedded-sender.ts';
import { Retention } from './retention.ts';
import { ensureTopic, migrate, type StoredTopic } from './schema.ts';

const world = realWorld();

describe('embedded log: records', () => {
  let postgres: TestPostgres;
  let database: Database;
  let client: pg.Client;
  let topic: StoredTopic;
  const keepAlive = setInterval(() => undefined, 1_000);

  const newLog = (options: Partial<EmbeddedLogSettings> = {}): LogWatcher => {
    const log = new EmbeddedLog({
      connectionString: postgres.connectionString,
      topic: topic.name,
      group: 'signalbox',
      worker: randomUUID(),
      sessionTimeoutMs: 6_000,
      ...options,
      world,
    });
    return new LogWatcher(log, { name: 'member' });
  };
  const openLog = async (options: Partial<EmbeddedLogSettings> = {}): Promise<LogWatcher> => {
    const member = newLog(options);
    await member.log.open(member);
    await until('all partitions are assigned', () => member.owned.length === 4);
    return member;
  };
  const record = (partition: number, value: string) => ({
    ...{ partition, key: Buffer.from('atm-1'), headers: null },
    value: Buffer.from(value),
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
      const opening = openLog({ connectionString: newer.connectionString });
      await assert.rejects(opening, { code: 'SB-2004', final: true });
    } finally {
      await newer.stop();
    }
  });

  test('a wrong password and a missing database are refused for good', async () => {
    const nowhere = new URL(postgres.connectionString);
    nowhere.pathname = '/nowhere';
    await assert.rejects(openLog({ connectionString: nowhere.href }), { code: 'SB-2010', final: true });
    const wrong = new URL(postgres.connectionString);
    wrong.password = 'wrong';
    await assert.rejects(openLog({ connectionString: wrong.href }), { code: 'SB-2002', final: true });
  });

  test('the sender places by murmur2 of the UTF-8 key, makes the topic, and keeps headers', async () => {
    const name = `made-by-the-sender-${randomUUID()}`;
    const { connectionString } = postgres;
    const sender = new EmbeddedSender({ connectionString, topic: name, partitions: 4, world });
    const keys = Array.from({ length: 50 }, (_, n) => `location-${n}`).concat('kiosk-ü', 'x');
    await sender.send(keys.map((key) => ({ key, value: Buffer.from(key) })));
    await sender.send([{ key: null, value: null, headers: { traceparent: '00-1', 'ce-id': 'ü' } }]);
    const member = await openLog({ topic: name });
    await until('all records', () => member.received.length === keys.length + 1);
    for (const { key, value, partition } of member.received) {
      if (key === null) continue;
      assert.equal(partition, partitionOf(byteString(key), 4));
      assert.deepEqual(key, value);
    }
    const keyless = member.received.find(({ key }) => key === null);
    assert.equal(keyless?.value, null);
    assert.deepEqual(keyless?.headers, [
      { name: 'traceparent', value: Buffer.from('00-1') },
      { name: 'ce-id', value: Buffer.from('ü') },
    ]);
    await sender.close();
    await assert.rejects(sender.send([{ key: 'x', value: null }]), { code: 'SB-2001' });
    await member.log.close(1_000);
    assert.deepEqual(member.violations, []);
  });

  test('a reader never skips a record while several append, and each appender keeps its order', async () => {
    const member = await openLog();
    const each = 1_500;
    await Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        const own = new Database({ connectionString: postgres.connectionString, name: `writer ${writer}` });
        const appender = new Appender({ database: own, topic: topic.number });
        for (let n = 0; n < each; n += 5) {
          const numbers = Array.from({ length: 5 }, (_, index) => n + index);
          await appender.append(numbers.map((number) => record(number % 3, `${writer}:${number}`)));
        }
        await own.close();
      }),
    );
    await until('all records', () => member.received.length >= 4 * each);
    assert.equal(member.received.length, 4 * each);
    for (let partition = 0; partition < 3; partition += 1) {
      const records = member.received.filter((one) => one.partition === partition);
      assert.deepEqual(
        records.map(({ offset }) => offset),
        Array.from({ length: records.length }, (_, index) => index),
      );
      for (let writer = 0; writer < 4; writer += 1) {
        const parts = records.map(({ value }) => String(value).split(':').map(Number));
        const numbers = parts.flatMap(([by, number = -1]) => (by === writer ? [number] : []));
        assert.equal(numbers.length, each / 3);
        assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? number)));
      }
    }
    await member.log.close(1_000);
    assert.deepEqual(member.violations, []);
  });

  test('an append behind one that has not committed waits; other partitions go on', async () => {
    const member = await openLog();
    const appender = (): Appender => new Appender({ database, topic: topic.number });
    await client.query('BEGIN');
    await client.query(`SELECT signalbox_log.append($1, '{0}', '{0}', '{-1}', '{1}', '{-1}', 'a')`, [
      topic.number,
    ]);
    const second = appender().append([record(0, 'b')]);
    await appender().append([record(1, 'c')]);
    await until('the other partition', () => member.received.length === 1);
    assert.deepEqual(member.valuesOf(1), ['c']);
    await client.query('COMMIT');
    await second;
    await until('both', () => member.received.length === 3);
    assert.deepEqual(member.valuesOf(0), ['a', 'b']);
    await member.log.close(1_000);
  });

  test('appends that come together share a commit, in order; too many are refused', async () => {
    const appender = new Appender({ database, topic: topic.number });
    const answers = Array.from({ length: 30 }, (_, n) =>
      appender.append(Array.from({ length: 1_000 }, () => record(0, `${n}`))).then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
    );
    const outcomes = await Promise.all(answers);
    assert.deepEqual(outcomes.slice(0, 20), Array<string>(20).fill('done'));
    assert.ok(outcomes.slice(20).includes('SB-3016'));
    const { rows } = await client.query<{ value: Buffer }>(
      'SELECT value FROM signalbox_log.records WHERE topic = $1 ORDER BY "offset"',
      [topic.number],
    );
    const numbers = rows.map(({ value }) => Number(value));
    assert.equal(numbers.length, 1_000 * outcomes.filter((outcome) => outcome === 'done').length);
    assert.ok(numbers.every((number, index) => number >= (numbers[index - 1] ?? 0)));
  });

  test('an append to a partition that is not there is refused whole', async () => {
    const appender = new Appender({ database, topic: topic.number });
    await assert.rejects(appender.append([record(0, 'a'), record(4, 'b')]), { code: 'SB-3002' });
    assert.equal(await stored(), 0);
    await appender.append([record(0, 'c')]);
    assert.equal(await stored(), 1);
  });

  test('a new record arrives at once', async () => {
    const member = await openLog();
    const appender = new Appender({ database, topic: topic.number });
    const waits: number[] = [];
    for (let n = 0; n < 21; n += 1) {
      const arrived = new Promise<number>((resolve) => {
        member.records = () => resolve(performance.now());
      });
      await appender.append([record(0, `${n}`)]);
      const appendedAt = performance.now();
      waits.push((await arrived) - appendedAt);
    }
    waits.sort((a, b) => a - b);
    // About 3 ms by notification on a quiet machine; by polling alone the median would be 250 ms.
    assert.ok((waits[10] ?? Number.POSITIVE_INFINITY) < 100, `median ${waits[10]} ms`);
    await member.log.close(1_000);
  });

  test('partitions with a backlog are served in turn, also more than one query answers', async () => {
    const many = await ensureTopic(database, `many-${randomUUID()}`, 18);
    const appender = new Appender({ database, topic: many.number });
    for (let partition = 0; partition < 18; partition += 1) {
      await appender.append(Array.from({ length: 1_500 }, (_, n) => record(partition, `${n}`)));
    }
    const member = newLog({ topic: many.name });
    const turns: number[] = [];
    let fetched = 0;
    member.records = (batch) => {
      turns.push(batch.partition);
      fetched += batch.count;
    };
    await member.log.open(member);
    await until('everything', () => fetched === 18 * 1_500);
    const third = turns.indexOf(0, turns.indexOf(0, turns.indexOf(0) + 1) + 1);
    for (let partition = 0; partition < 18; partition += 1) {
      assert.ok(turns.indexOf(partition) < third, `partition ${partition} before the third turn of 0`);
    }
    await member.log.close(1_000);
  });

  test('a position that the log does not hold stops the partition with a code', async () => {
    await new Appender({ database, topic: topic.number }).append([record(0, 'a'), record(0, 'b')]);
    await client.query(
      'UPDATE signalbox_log.partitions SET first_offset = 1 WHERE topic = $1 AND partition = 0',
      [topic.number],
    );
    const member = await openLog();
    member.start(0, 0);
    member.start(1, 7);
    await until('two problems', () => member.problems.length === 2);
    assert.deepEqual(
      member.problems.map(({ error, partition }) => [error.code, error.final, partition]).toSorted(),
      [
        ['SB-3008', true, 0],
        ['SB-3008', true, 1],
      ],
    );
    await member.log.close(1_000);
  });

  test('a listener that throws stops its partition with a code, and the others go on', async () => {
    const member = await openLog();
    const deliver = member.records.bind(member);
    member.records = (batch) => {
      if (batch.partition === 0) throw new Error('refused');
      deliver(batch);
    };
    await new Appender({ database, topic: topic.number }).append([record(0, 'a'), record(1, 'b')]);
    await until('the other partition', () => member.received.length === 1);
    await until('the problem', () => member.problems.length === 1);
    assert.equal(member.problems[0]?.error.code, 'SB-5006');
    assert.equal(member.problems[0]?.partition, 0);
    await member.log.close(1_000);
  });

  test('old records that every group has accounted are deleted, and nothing else', async () => {
    await new Appender({ database, topic: topic.number }).append(
      Array.from({ length: 3_000 }, (_, n) => record(0, `${n}`)),
    );
    const fast = await openLog();
    const slow = await openLog({ group: 'slow' });
    fast.log.commit(0, 3_000);
    await until(
      'a group without offset keeps everything',
      async () => (await groupOffset('signalbox')) === 3_000,
    );
    const deleteOld = `SELECT signalbox_log.delete_old(${topic.number}, 0, $1, 10000) AS deleted`;
    assert.deepEqual((await client.query(deleteOld, [0])).rows, [{ deleted: 0 }]);
    slow.log.commit(0, 2_500);
    await until('the slow group has committed', async () => (await groupOffset('slow')) === 2_500);
    assert.deepEqual((await client.query(deleteOld, [3_600_000])).rows, [{ deleted: 0 }], 'all are young');
    const owned = (): number[] => [0, 1];
    const retention = new Retention({
      ...{ database, world, topics: [topic.number], owned },
      keepMs: 0,
      everyMs: 10,
    });
    await until('the accounted ones are gone', async () => (await stored()) === 500);
    retention.close();
    const late = await openLog({ group: 'late' });
    await until('the rest', () => late.received.length === 500);
    assert.equal(late.received[0]?.offset, 2_500);
    for (const member of [fast, slow, late]) await member.log.close(1_000);
  });

  test('throughput: 5,000 appends and 20,000 fetches a second', async () => {
    const records = Array.from({ length: 20_000 }, (_, n) => ({
      key: `location-${n % 200}`,
      value: Buffer.from(JSON.stringify({ id: `t-${n}`, type: 'dispense', data: { amount: 1_000 + n } })),
    }));
    const { connectionString } = postgres;
    const sender = new EmbeddedSender({ connectionString, topic: topic.name, world });
    const appendingAt = performance.now();
    for (let n = 0; n < records.length; n += 500) await sender.send(records.slice(n, n + 500));
    const appendRate = records.length / ((performance.now() - appendingAt) / 1_000);
    let fetched = 0;
    let firstAt = 0;
    let fetchRate = 0;
    const member = newLog();
    member.records = (batch) => {
      if (firstAt === 0) firstAt = performance.now();
      fetched += batch.count;
      if (fetched === records.length) fetchRate = fetched / ((performance.now() - firstAt) / 1_000);
    };
    await member.log.open(member);
    await until('all fetched', () => fetched === records.length);
    assert.ok(appendRate > 5_000, `append ${appendRate}/s`);
    assert.ok(fetchRate > 20_000, `fetch ${fetchRate}/s`);
    await sender.close();
    await member.log.close(1_000);
  });

  async function groupOffset(group: string): Promise<number | null> {
    const { rows } = await client.query<{ group_offset: string | null }>(
      'SELECT group_offset FROM signalbox_log.assignments WHERE topic = $1 AND group_name = $2 AND partition = 0',
      [topic.number, group],
    );
    const text = rows[0]?.group_offset ?? null;
    return text === null ? null : Number(text);
  }

  async function stored(): Promise<number> {
    const { rows } = await client.query<{ count: string }>(
      'SELECT count(*) FROM signalbox_log.records WHERE topic = $1',
      [topic.number],
    );
    return Number(rows[0]?.count);
  }
});
