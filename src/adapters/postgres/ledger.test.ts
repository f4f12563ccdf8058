import pg from 'pg';
import { LossyWire } from '../../../test/fixtures/lossy-wire.ts';
import { testPostgres } from '../../../test/fixtures/postgres.ts';
import { ledgerConformance } from '../../conformance/ledger.ts';
import type { LedgerFixture } from '../../conformance/ledger-fixture.ts';
import type { Commit, LedgerIdentity } from '../../engine/ports-ledger.ts';
import { encodeCommit } from './commit-encoding.ts';
import { PostgresLedger } from './ledger.ts';
import { migrate } from './migrate.ts';
import { SQL } from './sql-files.ts';

const COMMIT_LANES = 2;
const WAIT_MS = 10_000;
const POLL_MS = 5;

ledgerConformance('Postgres', async (): Promise<LedgerFixture> => {
  const server = await testPostgres();
  const { connectionString } = server;
  await migrate({ connectionString });
  const pool = new pg.Pool({ connectionString, max: 4 });
  pool.on('error', () => undefined); // a connection that ends late, when the database is dropped
  const open = (identity: LedgerIdentity, url = connectionString) =>
    PostgresLedger.open({
      connectionString: url,
      identity,
      ledgerConnections: COMMIT_LANES,
      allowMigrate: false,
    });
  return {
    unstorable: 'a\u0000b',
    open,
    setLocation: async (location, { concurrency, paused }) => {
      await pool.query(
        `insert into signalbox.locations (location, concurrency, paused) values ($1, $2, $3)
           on conflict (location) do update set concurrency = excluded.concurrency, paused = excluded.paused,
             changed_at = now()`,
        [location, concurrency, paused],
      );
    },
    counters: async (topic, partition) => {
      const { rows } = await pool.query<Record<string, string>>(
        'select rolled_back, dead_letters, duplicates, skipped from signalbox.partitions where topic = $1 and partition = $2',
        [topic, partition],
      );
      const [row] = rows;
      return {
        rolledBack: Number(row?.rolled_back),
        deadLetters: Number(row?.dead_letters),
        duplicates: Number(row?.duplicates),
        skipped: Number(row?.skipped),
      };
    },
    history: async (id) => {
      const { rows } = await pool.query(
        'select event, "from", "to", worker, epoch::integer from signalbox.transitions where id = $1 order by sequence',
        [id],
      );
      return rows;
    },
    propose: async (topic, command) => {
      const { rows } = await pool.query<{ sequence: string }>(
        `insert into signalbox.commands (topic, partition, id, location, action, expected_state, expected_token,
             evidence, reason, actor) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning sequence`,
        [
          topic,
          command.partition,
          command.id,
          command.location,
          command.action,
          command.expectedState,
          command.expectedToken,
          command.evidence,
          command.reason,
          command.actor,
        ],
      );
      return Number(rows[0]?.sequence);
    },
    outcomeOf: async (command) => {
      const { rows } = await pool.query<{ outcome: 'applied' | 'refused' | null }>(
        'select outcome from signalbox.commands where sequence = $1',
        [command],
      );
      return rows[0]?.outcome ?? null;
    },
    underWay: (identity, commit) => underWay(pool, identity, commit),
    openLossy: async (identity) => {
      const wire = await LossyWire.open(connectionString);
      const ledger = await open(identity, wire.connectionString);
      const close = ledger.close.bind(ledger);
      ledger.close = async () => {
        await close();
        wire.close();
      };
      return { ledger, loseNext: (how) => wire.loseNext(how), deliver: () => wire.deliver() };
    },
    close: async () => {
      await pool.end();
      await server.stop();
    },
  };
});

/** The commit in a transaction that stays open until `finish`. */
async function underWay(pool: pg.Pool, identity: LedgerIdentity, commit: Commit) {
  const client = await pool.connect();
  await client.query('begin');
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  await client.query(
    SQL.commit,
    encodeCommit(commit, { identity, plainRuns: true, beginsTogether: true }).values,
  );
  return {
    waitedFor: async () => {
      for (const deadline = Date.now() + WAIT_MS; ; ) {
        const waiting = await pool.query(
          'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
          [rows[0]?.pid],
        );
        if (waiting.rowCount !== 0) return;
        if (Date.now() > deadline) throw new Error('nobody waits for the commit under way');
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    finish: async () => {
      await client.query('commit');
      client.release();
    },
  };
}
