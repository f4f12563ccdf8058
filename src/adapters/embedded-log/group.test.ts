/** What the group does beyond the contract of TransactionLog: restarts, outages, deletions by hand. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { EmbeddedLogFixture } from '../../../test/fixtures/embedded-log.ts';
import { LogWatcher } from '../../conformance/log-watcher.ts';
import { until } from '../../conformance/transaction-log-scene.ts';

const PARTITIONS = 4;

describe('embedded log: group', () => {
  let fixture: EmbeddedLogFixture;
  let topic: string;
  const keepAlive = setInterval(() => undefined, 1_000);

  const newLog = (options: { sessionTimeoutMs?: number; worker?: string } = {}): LogWatcher =>
    new LogWatcher(fixture.openLog({ topic, group: 'signalbox', ...options }), {
      name: options.worker ?? 'member',
    });
  const openLog = async (
    options: { sessionTimeoutMs?: number; worker?: string } = {},
  ): Promise<LogWatcher> => {
    const member = newLog(options);
    await member.log.open(member);
    return member;
  };
  const balanced = (...members: LogWatcher[]): Promise<void> =>
    until(`${PARTITIONS} partitions shared by ${members.length}`, () =>
      members.every(({ owned }) => owned.length === PARTITIONS / members.length),
    );
  const sql = async (text: string): Promise<pg.QueryResultRow[]> => {
    const client = new pg.Client({ connectionString: fixture.postgres.connectionString });
    await client.connect();
    try {
      const topics = `(SELECT number FROM signalbox_log.topics WHERE name = '${topic}')`;
      return (await client.query<pg.QueryResultRow>(text.replaceAll('$topic', topics))).rows;
    } finally {
      await client.end();
    }
  };

  before(async () => {
    fixture = await EmbeddedLogFixture.make();
  });
  beforeEach(async () => {
    topic = await fixture.createTopic({ partitions: PARTITIONS });
  });
  after(async () => {
    clearInterval(keepAlive);
    await fixture.close();
  });

  test('a worker that starts again takes the place of its dead self without waiting for the session', async () => {
    const session = { sessionTimeoutMs: 60_000, worker: 'worker-1' };
    const dead = await openLog(session);
    await balanced(dead);
    const heal = await fixture.cutOff(dead.log);
    const startedAt = performance.now();
    const again = await openLog(session);
    await balanced(again);
    assert.ok(performance.now() - startedAt < 10_000);
    // Should the dead one live after all, it is told so and comes in beside the other.
    await heal();
    await balanced(dead, again);
    assert.equal(dead.lostPartitions.length, PARTITIONS);
    assert.deepEqual(again.lostPartitions, []);
    for (const member of [dead, again]) await member.log.close(1_000);
    assert.deepEqual([...dead.violations, ...again.violations], []);
  });

  test('a member whose row is gone loses everything and joins anew', async () => {
    const member = await openLog();
    await balanced(member);
    await sql('DELETE FROM signalbox_log.members WHERE topic = $topic');
    await until('everything is lost', () => member.lostPartitions.length === PARTITIONS);
    await balanced(member);
    await until('it may begin', () => member.log.mayBegin());
    assert.equal(member.resumedCount, 1);
    await member.log.close(1_000);
    assert.deepEqual(member.violations, []);
    assert.deepEqual(await sql('SELECT FROM signalbox_log.members WHERE topic = $topic'), []);
  });

  test('a partition taken away by hand is lost, and only that one', async () => {
    const member = await openLog();
    await balanced(member);
    await sql(
      'UPDATE signalbox_log.assignments SET owner = NULL, wanted = NULL WHERE topic = $topic AND partition = 2',
    );
    await until('one is lost', () => member.lostPartitions.length === 1);
    assert.deepEqual(member.lostPartitions, [2]);
    assert.equal(member.owned.length, PARTITIONS - 1);
    await member.log.close(1_000);
  });

  test('a topic that is deleted under its group is told with a final code', async () => {
    const member = await openLog();
    await balanced(member);
    await sql('DELETE FROM signalbox_log.topics WHERE number = $topic');
    await until('the problem', () => member.problems.length > 0);
    const [problem] = member.problems;
    assert.equal(problem?.error.code, 'SB-3009');
    assert.equal(problem?.error.final, true);
    assert.equal(member.lostPartitions.length, PARTITIONS);
    assert.equal(member.log.mayBegin(), false);
    await member.log.close(1_000);
  });

  test('an outage longer than the session takes nothing from anybody', async () => {
    const sessionTimeoutMs = 2_000;
    const members = [await openLog({ sessionTimeoutMs }), await openLog({ sessionTimeoutMs })];
    const [first, second] = members;
    assert.ok(first !== undefined && second !== undefined);
    await balanced(first, second);
    const owned = members.map((member) => member.owned.toSorted());
    await fixture.postgres.kill();
    const downAt = performance.now();
    await until('nobody may begin', () => members.every(({ log }) => !log.mayBegin()));
    await until('the session is over twice', () => performance.now() - downAt > 2 * sessionTimeoutMs);
    for (const { log, problems } of members) {
      assert.equal(log.health().connected, false);
      assert.equal(log.health().problem?.code, 'SB-2001');
      assert.deepEqual([...new Set(problems.map(({ error }) => error.code))].toSorted(), [
        'SB-2001',
        'SB-3015',
      ]);
      assert.ok(problems.length <= 3, 'told at once and then every ten seconds');
    }
    await fixture.postgres.restart();
    await until('all may begin', () => members.every(({ log }) => log.mayBegin()));
    await until('all are healthy', () => members.every(({ log }) => log.health().connected));
    await fixture.produce(
      topic,
      [0, 1, 2, 3].map((partition) => ({ partition, key: 'k', value: 'v' })),
    );
    await until('all records', () => first.received.length + second.received.length === PARTITIONS);
    assert.deepEqual(
      members.map((member) => member.owned.toSorted()),
      owned,
    );
    for (const member of members) {
      assert.deepEqual(member.lostPartitions, []);
      assert.equal(member.resumedCount, 1);
      await member.log.close(1_000);
      assert.deepEqual(member.violations, []);
    }
  });

  test('a member that was silent itself does not declare the others dead', async () => {
    const first = await openLog();
    const second = await openLog();
    await balanced(first, second);
    const heartbeats = "WHERE topic = $topic AND heartbeat_at < clock_timestamp() - interval '10 seconds'";
    // As if nobody had reached the database for an hour. The clock of the server counts from its own start.
    await until('the server runs for longer than a session', async () => {
      const [row] = await sql("SELECT pg_postmaster_start_time() < now() - interval '7 seconds' AS old");
      return row?.old === true;
    });
    await sql(
      "UPDATE signalbox_log.members SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE topic = $topic",
    );
    await until('both are heard again', async () => {
      return (await sql(`SELECT FROM signalbox_log.members ${heartbeats}`)).length === 0;
    });
    assert.equal((await sql('SELECT FROM signalbox_log.members WHERE topic = $topic')).length, 2);
    assert.deepEqual([...first.lostPartitions, ...second.lostPartitions], []);
    for (const member of [first, second]) await member.log.close(1_000);
  });

  test('who joins right after a restart of the server does not take the others for dead', async () => {
    const session = { sessionTimeoutMs: 20_000 };
    const away = await openLog(session);
    await balanced(away);
    const heal = await fixture.cutOff(away.log);
    await fixture.restartBroker();
    await sql(
      "UPDATE signalbox_log.members SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE topic = $topic",
    );
    const joined = await openLog(session);
    await until('it is a member', () => joined.log.health().joined);
    await heal();
    await balanced(away, joined);
    assert.deepEqual(away.lostPartitions, []);
    for (const member of [away, joined]) await member.log.close(1_000);
  });

  test('open waits for a database that is not there yet, and says so', async () => {
    await fixture.postgres.kill();
    const member = newLog();
    const opening = member.log.open(member);
    await until('the problem', () => member.problems.length > 0);
    assert.equal(member.problems[0]?.error.code, 'SB-2001');
    assert.equal(member.log.health().problem?.code, 'SB-2001');
    await fixture.postgres.restart();
    await opening;
    await balanced(member);
    await until('healthy', () => member.log.health().connected);
    await member.log.close(1_000);
  });

  test('close ends an open that waits', async () => {
    await fixture.postgres.kill();
    const member = newLog();
    const opening = member.log.open(member);
    const refused = assert.rejects(opening, { code: 'SB-2001' });
    await until('the problem', () => member.problems.length > 0);
    await member.log.close(1_000);
    await refused;
    await fixture.postgres.restart();
  });

  test('close in the middle of an open leaves nothing running', async () => {
    const member = newLog();
    const opening = assert.rejects(member.log.open(member), { code: 'SB-2001' });
    await member.log.close(1_000);
    await opening;
    assert.deepEqual(await sql('SELECT FROM signalbox_log.members WHERE topic = $topic'), []);
    assert.equal(member.log.health().connected, false);
  });

  test('close does not wait for a database that is away', async () => {
    const member = await openLog();
    await balanced(member);
    await fixture.postgres.kill();
    const closingAt = performance.now();
    await member.log.close(1_000);
    assert.ok(performance.now() - closingAt < 8_000);
    assert.equal(member.held.length, 0, 'everything was drained');
    await fixture.postgres.restart();
  });
});
