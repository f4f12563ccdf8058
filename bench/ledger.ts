/**
 * How many transactions a second the ledger takes: one process, commits back to back on each connection
 * (commit-driver.ts), every location with a transaction begun before the time is taken.
 *
 *   npm run bench -- ledger [--transactions 200000] [--locations 2000] [--connections 2] [--partitions 16]
 *                           [--payload 200] [--url postgres://…] [--json]
 *
 * Without --url it starts a Postgres of its own (fsync on) and removes it. CPU times are of one transaction; that of the
 * backends is only known of a Postgres on this machine.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { testPostgres } from '../test/fixtures/postgres.ts';
import { CommitDriver, percentile } from './commit-driver.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '200000' },
    locations: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '16' },
    payload: { type: 'string', default: '200' },
    url: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

async function settings(connectionString: string): Promise<{ version: string; settings: string }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ version: string; settings: string }>(
    `select current_setting('server_version') as version, string_agg(name || '=' || setting || coalesce(unit, ''), ' ') as settings
       from pg_settings where name in ('fsync', 'synchronous_commit', 'shared_buffers', 'full_page_writes',
         'wal_compression', 'max_wal_size')`,
  );
  await client.end();
  return rows[0] ?? { version: '?', settings: '?' };
}

const server = values.url === undefined ? await testPostgres() : null;
const connectionString = values.url ?? server?.connectionString ?? '';
try {
  const driver = await CommitDriver.open({
    connectionString,
    locations: Number(values.locations),
    connections: Number(values.connections),
    partitions: Number(values.partitions),
    payloadBytes: Number(values.payload),
  });
  const measured = await driver.run(Number(values.transactions));
  await driver.close();
  const report = {
    transactions: measured.transactions,
    seconds: Number(measured.seconds.toFixed(2)),
    transactionsPerSecond: Math.round(measured.transactions / measured.seconds),
    commits: measured.commits,
    commitMsP50: Number(percentile(measured.commitMs, 0.5).toFixed(1)),
    commitMsP99: Number(percentile(measured.commitMs, 0.99).toFixed(1)),
    backendCpuMicros: Math.round(measured.backendCpuMicros),
    nodeCpuMicros: Math.round(measured.nodeCpuMicros),
    locations: Number(values.locations),
    connections: Number(values.connections),
    partitions: Number(values.partitions),
    payloadBytes: Number(values.payload),
    machine: machine(),
    postgres: await settings(connectionString),
  };
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else
    for (const [name, value] of Object.entries(report)) console.log(name.padEnd(22), JSON.stringify(value));
} finally {
  await server?.stop();
}
