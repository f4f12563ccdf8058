/** How the ledger fails and comes back: locks, cancelled statements, killed backends and servers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type OwnPostgres, ownPostgres } from '../../../test/fixtures/postgres.ts';
import { PostgresWire } from '../../../test/fixtures/postgres-wire.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { type CommitAnswer, type CommitFailure, LedgerError } from '../../engine/ports-ledger.ts';
import { ConnectionPool } from './connection.ts';
import { PostgresLedger } from './ledger.ts';

const IDENTITY = { topic: 'topic', topicId: 'id', group: 'group', worker: 'worker-1' };
const WAIT_MS = 20_000;
const POLL_MS = 10;

describe('failures of the Postgres ledger', () => {
  let server: OwnPostgres;
  let ledger: PostgresLedger;
  let admin: pg.Pool;

  before(async () => {
    server = await ownPostgres();
    const { connectionString } = server;
    ledger = await PostgresLedger.open({
      connectionString,
      identity: IDENTITY,
      ledgerConnections: 2,
      allowMigrate: true,
    });
    admin = new pg.Pool({ connectionString });
    admin.on('error', () => undefined);
  });

  after(async () => {
    await ledger.close();
    await admin.end();
    await server.stop();
  });

  /** Commits the head of a partition taken over afresh, adding one to its duplicates. */
  async function own(partition: number): Promise<() => Promise<CommitAnswer>> {
    const taken = await ledger.takeOver(partition);
    assert(taken.outcome === 'owned');
    const { epoch, lastNumber } = taken;
    const head = {
      partition,
      epoch,
      lastNumber,
      watermark: null,
      published: null,
      duplicates: 1,
      commits: null,
    };
    return () => ledger.commit({ heads: [head], entries: [] });
  }

  async function duplicatesOf(partition: number): Promise<number> {
    const { rows } = await admin.query(
      'select duplicates::integer from signalbox.partitions where partition = $1',
      [partition],
    );
    return rows[0]?.duplicates;
  }

  const failsAs = (failure: CommitFailure) => (error: unknown) => {
    assert(error instanceof LedgerError, String(error));
    assert.equal(error.failure, failure, error.message);
    return true;
  };

  async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !(await condition()); ) {
      if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Keeps the partition's row locked while `work` runs; gives it the backend that waits for the row. */
  async function whileLocked(partition: number, work: (waiter: () => Promise<number>) => Promise<void>) {
    const client = await admin.connect();
    try {
      await client.query('begin');
      await client.query('select from signalbox.partitions where partition = $1 for update', [partition]);
      const { rows } = await client.query('select pg_backend_pid() as pid');
      await work(async () => {
        let waiting: number | undefined;
        await until(async () => {
          const found = await admin.query(
            'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
            [rows[0]?.pid],
          );
          waiting = found.rows[0]?.pid;
          return waiting !== undefined;
        }, 'the commit waits for the lock');
        return waiting ?? 0;
      });
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  test('every connection has its settings', async () => {
    const url = new URL(server.connectionString);
    url.searchParams.set('application_name', 'named by the connection string');
    const pool = new ConnectionPool({
      connectionString: url.href,
      applicationName: 'signalbox worker-2',
      connectionsMax: 1,
    });
    const names = [
      'lock_timeout',
      'statement_timeout',
      'idle_in_transaction_session_timeout',
      'client_connection_check_interval',
      'synchronous_commit',
      'default_transaction_isolation',
      'application_name',
    ];
    const { rows } = await pool.run((client) =>
      client.query<{ value: string }>('select current_setting(name) as value from unnest($1::text[]) name', [
        names,
      ]),
    );
    assert.deepEqual(
      rows.map(({ value }) => value),
      ['2s', '30s', '5s', '1s', 'on', 'read committed', 'signalbox worker-2'],
    );
    await pool.close();
  });

  test('without an answer in time the connection is given up', async () => {
    const wire = await PostgresWire.open(server.connectionString);
    const { connectionString } = wire;
    const pool = new ConnectionPool({
      connectionString,
      applicationName: 'test',
      connectionsMax: 1,
      answerTimeoutMs: 200,
    });
    const backend = async () => {
      const { rows } = await pool.run((client) =>
        client.query<{ pid: number }>('select pg_backend_pid() as pid'),
      );
      return rows[0]?.pid;
    };
    const first = await backend();
    wire.cut();
    await assert.rejects(backend(), failsAs('lost'));
    wire.heal();
    assert.notEqual(await backend(), first);
    await pool.close();
    wire.close();
  });

  test('a lock is given up after two seconds', async () => {
    const commit = await own(0);
    const startedMs = performance.now();
    await whileLocked(0, async () => {
      await assert.rejects(commit(), failsAs('refused'));
    });
    const waitedMs = performance.now() - startedMs;
    assert(waitedMs >= 1_900 && waitedMs < WAIT_MS, `lock_timeout after ${waitedMs} ms`);
    await commit();
    assert.equal(await duplicatesOf(0), 1, 'what was refused did not land');
  });

  test('a cancelled statement is refused, a killed backend is lost, and the connection comes back', async () => {
    const commit = await own(2);
    await whileLocked(2, async (waiter) => {
      const cancelled = assert.rejects(commit(), failsAs('refused'));
      await admin.query('select pg_cancel_backend($1)', [await waiter()]);
      await cancelled;
      const killed = assert.rejects(commit(), failsAs('lost'));
      await admin.query('select pg_terminate_backend($1)', [await waiter()]);
      await killed;
    });
    await commit();
    assert.equal(await duplicatesOf(2), 1);
  });

  test('an idle connection that was killed is replaced', async () => {
    const commit = await own(4);
    await commit();
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'signalbox worker-1'",
    );
    await until(async () => {
      const { rowCount } = await admin.query(
        "select from pg_stat_activity where application_name = 'signalbox worker-1'",
      );
      return rowCount === 0;
    }, 'the backends are gone');
    // The client may not have heard of it yet: then the first call is lost, and only the first.
    await commit().catch(failsAs('lost'));
    await commit();
    assert((await duplicatesOf(4)) >= 2);
  });

  test('other connections and calls go on while one waits', async () => {
    const [slow, fast] = [await own(6), await own(7)];
    await whileLocked(6, async (waiter) => {
      const waiting = assert.rejects(slow(), failsAs('refused'));
      await waiter();
      await fast();
      assert.deepEqual(await ledger.read(['nobody']), []);
      assert.equal((await ledger.takeOver(9)).outcome, 'owned');
      await waiting;
    });
  });

  test('two commits at once on one connection, or connections mixed, are a defect', async () => {
    const [first, second] = [await own(8), await own(10)];
    const both = await Promise.allSettled([first(), second()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    const head = { epoch: 1, lastNumber: 0, watermark: null, published: null, duplicates: 0, commits: null };
    const mixed = ledger.commit({
      heads: [
        { ...head, partition: 0 },
        { ...head, partition: 1 },
      ],
      entries: [],
    });
    await assert.rejects(mixed, (error) => error instanceof SignalboxError && error.code === 'SB-5006');
    await assert.rejects(ledger.commit({ heads: [], entries: [] }), SignalboxError);
  });

  test('a client that dies in a take-over frees the partition', async () => {
    await (await own(12))();
    const dead = new pg.Client(server);
    dead.on('error', () => undefined);
    await dead.connect();
    await dead.query("set idle_in_transaction_session_timeout = '5s'"); // as in sql/session.sql
    await dead.query('begin');
    await dead.query('update signalbox.partitions set epoch = epoch + 1 where partition = 12');
    await until(async () => {
      const taken = await ledger.takeOver(12).catch((error: unknown) => {
        failsAs('refused')(error);
        return null;
      });
      return taken !== null && taken.outcome === 'owned' && taken.epoch === 2;
    }, 'the take-over goes through');
    await dead.end().catch(() => undefined);
  });

  test('the server is killed and comes back', async () => {
    const commit = await own(14);
    await commit();
    await server.kill();
    // A backend may outlive its postmaster for a moment, and answer.
    const refused = (error: unknown): boolean => error instanceof LedgerError && error.failure === 'refused';
    const gone = (): Promise<boolean> => commit().then(() => false, refused);
    await until(gone, 'no connection, nothing sent');
    await assert.rejects(ledger.read(['x']), LedgerError);
    await assert.rejects(ledger.takeOver(14), failsAs('refused'));
    await server.restart();
    await until(
      () =>
        commit().then(
          () => true,
          () => false,
        ),
      'commits go through again',
    );
    assert((await duplicatesOf(14)) >= 2, 'what was answered is there');
    assert.equal((await ledger.takeOver(14)).outcome, 'owned');
  });
});
