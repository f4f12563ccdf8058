/**
 * What the reads cost on a ledger with 100,000 finals, before and after it has statistics: status and why go
 * through indexes only and touch no more rows than are open.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { migrate } from './migrate.ts';
import { READ_SQL } from './read-model.ts';
import { READ_SESSION } from './read-pool.ts';

const FINALS = 100_000;
const OPEN = 300;
const PARTITIONS = 8;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

let postgres: TestPostgres;
let database: pg.Client;

before(async () => {
  postgres = await testPostgres();
  await migrate({ connectionString: postgres.connectionString });
  database = new pg.Client({ connectionString: postgres.connectionString });
  await database.connect();
  await fill();
  await database.query(READ_SESSION);
});

after(async () => {
  await database?.end();
  await postgres?.stop();
});

/** Two thirds of the open rows hold their location, the others are parked behind them. */
async function fill(): Promise<void> {
  await database.query('SET session_replication_role = replica');
  await database.query(`INSERT INTO signalbox.partitions (topic, partition, topic_id, "group", worker, last_number)
    SELECT 'transactions', p, 'id', 'signalbox', 'worker-1', ${FINALS / PARTITIONS}
    FROM generate_series(0, ${PARTITIONS - 1}) p`);
  await database.query(`INSERT INTO signalbox.transactions (id, topic, partition, "offset", location, slot, state,
      step, token, type, plan, payload, attempts, takeovers, record_at, began_at, changed_at, finished_at, number,
      worker, epoch)
    SELECT 'final-' || n, 'transactions', n % ${PARTITIONS}, n, 'atm-' || n % 2000, 1, 'completed', 0, n, 'cash',
      '1:apply', '{"id":"x","type":"cash","data":{}}', 1, 0, now(), now(), now(), now(), n / ${PARTITIONS} + 1,
      'worker-1', 1
    FROM generate_series(0, ${FINALS - 1}) n`);
  await database.query(`INSERT INTO signalbox.transactions (id, topic, partition, "offset", location, slot, state,
      step, token, type, plan, payload, attempts, takeovers, record_at, began_at, changed_at, worker, epoch)
    SELECT 'open-' || n, 'transactions', n % ${PARTITIONS}, ${FINALS} + n, 'atm-' || n % 200,
      CASE WHEN n < 200 THEN 1 END,
      (CASE WHEN n >= 200 THEN 'received' WHEN n % 2 = 0 THEN 'executing' ELSE 'in_doubt' END)::signalbox.state,
      0, CASE WHEN n < 200 THEN n END, 'cash', '1:apply', '{"id":"x","type":"cash","data":{}}', 1, 0, now(),
      now(), now(), 'worker-1', 1
    FROM generate_series(0, ${OPEN - 1}) n`);
  await database.query(`INSERT INTO signalbox.transitions (id, at, event, "from", "to", step, worker, epoch)
    SELECT 'open-' || n % ${OPEN}, now(), 'unknown', 'executing', 'in_doubt', 0, 'worker-1', 1
    FROM generate_series(0, 20000) n`);
}

/** All nodes of the executed plan. */
async function explain(statement: string, values: readonly unknown[]): Promise<PlanNode[]> {
  const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
    [...values],
  );
  const nodes: PlanNode[] = [];
  const visit = (node: PlanNode): void => {
    nodes.push(node);
    node.Plans?.forEach(visit);
  };
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  assert.ok(plan !== undefined);
  visit(plan);
  return nodes;
}

/** The indexes used, and the rows looked at, of the tables that grow. */
function ofGrowingTables(nodes: readonly PlanNode[]): { indexes: Set<string>; rows: number } {
  const indexes = new Set<string>();
  let rows = 0;
  for (const node of nodes) {
    const table = node['Relation Name'];
    const isHeap = table === 'transactions' || table === 'transitions' || table === 'dead_letters';
    if (isHeap) assert.doesNotMatch(node['Node Type'], /Seq Scan/, `${table} is read as a whole`);
    if (node['Index Name'] !== undefined && /^(transactions|transitions)/.test(node['Index Name'])) {
      indexes.add(node['Index Name']);
    }
    if (!isHeap) continue;
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    rows += (node['Actual Rows'] + removed) * node['Actual Loops'];
  }
  return { indexes, rows };
}

for (const state of ['without statistics', 'with statistics']) {
  describe(`${FINALS} finals, ${state}`, () => {
    before(async () => {
      if (state === 'with statistics')
        await database.query('SET default_transaction_read_only = off; ANALYZE');
    });

    test('status reads the open rows through their index and no final', async () => {
      const nodes = await explain(READ_SQL.status, ['transactions', 'signalbox']);
      const { indexes, rows } = ofGrowingTables(nodes);
      assert.deepEqual([...indexes].toSorted(), ['transactions_open', 'transactions_parked']);
      const scans = nodes.filter((node) => node['Relation Name'] === 'transactions');
      assert.deepEqual(
        scans.map((scan) => scan['Node Type']),
        ['Index Only Scan', 'Index Only Scan'],
      );
      assert.ok(rows <= OPEN, `${rows} rows`);
    });

    test('why reads the holders, what is parked, and one result', async () => {
      const values = ['transactions', 'atm-7', 7];
      const { indexes, rows } = ofGrowingTables(await explain(READ_SQL.why, values));
      const expected = [
        'transactions_holder',
        'transactions_location',
        'transactions_parked',
        'transitions_id',
      ];
      assert.deepEqual([...indexes].toSorted(), expected);
      assert.ok(rows <= 2 * (20_001 / OPEN + 1) + PARTITIONS + 2, `${rows} rows`);
    });

    test('why does not read what is parked elsewhere', async () => {
      const nodes = await explain(READ_SQL.why, ['transactions', 'atm-7', 7]);
      const scan = nodes.find((node) => node['Index Name'] === 'transactions_parked');
      assert.equal(scan?.['Node Type'], 'Index Only Scan');
      assert.ok((scan['Rows Removed by Filter'] ?? 0) === 0, 'the index is entered at the location');
    });

    test('a transaction is found by its id', async () => {
      const { indexes, rows } = ofGrowingTables(await explain(READ_SQL.transaction, ['open-1']));
      assert.deepEqual([...indexes].toSorted(), ['transactions_pkey', 'transitions_id']);
      assert.ok(rows <= 1 + 20_001 / OPEN + 1, `${rows} rows`);
    });

    test('locations reads the open rows and the newest results of each partition', async () => {
      const limit = 100;
      const values = ['transactions', 'signalbox', limit];
      const { indexes, rows } = ofGrowingTables(await explain(READ_SQL.locations, values));
      assert.deepEqual([...indexes].toSorted(), [
        'transactions_number',
        'transactions_open',
        'transactions_parked',
        'transitions_id',
      ]);
      assert.ok(rows <= 2 * OPEN + limit * PARTITIONS, `${rows} rows`);
    });
  });
}
