/**
 * Commits of the ledger beside plain commits of as many rows, on the same Postgres with fsync; per second of CPU of this process
 * and of the backends, because the disk and what else the machine does would decide the time.
 */
import pg from 'pg';
import { backendCpuSeconds, CommitDriver } from '../commit-driver.ts';
import type { HotPath } from './hot-paths.ts';

const LOCATIONS = 2_000;
const CONNECTIONS = 2;
const PARTITIONS = 16;
const PAYLOAD_BYTES = 200;
const TRANSACTIONS = 6_000;
/** More, as they cost a fraction. */
const PLAIN_TRANSACTIONS = 30_000;
/** Of a commit of the ledger: so many end and as many begin. */
const PAIRS = 1_000;

const TABLE = `CREATE TABLE baseline (id bigint PRIMARY KEY, location text NOT NULL, state text NOT NULL, payload text NOT NULL,
  began timestamptz NOT NULL DEFAULT now(), finished timestamptz)`;
const BEGIN = `INSERT INTO baseline (id, location, state, payload)
  SELECT number, 'L' || number % ${LOCATIONS}, 'begun', $3 FROM generate_series($1::bigint, $2::bigint) AS number`;
const FINISH = `UPDATE baseline SET state = 'done', finished = now() WHERE id BETWEEN $1 AND $2`;

export async function ledgerPath(
  connectionString: string,
): Promise<HotPath & { close: () => Promise<void> }> {
  const driver = await CommitDriver.open({
    connectionString,
    locations: LOCATIONS,
    connections: CONNECTIONS,
    partitions: PARTITIONS,
    payloadBytes: PAYLOAD_BYTES,
  });
  const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client({ connectionString }));
  for (const client of clients) await client.connect();
  await clients[0]?.query(TABLE);
  let next = 0;
  return {
    name: 'ledger commits',
    ours: async () => {
      const { backendCpuMicros, nodeCpuMicros } = await driver.run(TRANSACTIONS);
      return 1e6 / (backendCpuMicros + nodeCpuMicros);
    },
    baseline: async () => {
      const node = process.cpuUsage();
      const backends = await backendCpuSeconds(connectionString);
      const end = next + PLAIN_TRANSACTIONS;
      await Promise.all(clients.map((client) => backToBack(client, () => (next < end ? claim() : null))));
      const { user, system } = process.cpuUsage(node);
      const seconds = (await backendCpuSeconds(connectionString)) - backends + (user + system) / 1e6;
      return PLAIN_TRANSACTIONS / seconds;
    },
    close: async () => {
      await driver.close();
      for (const client of clients) await client.end();
    },
  };

  function claim(): number {
    next += PAIRS;
    return next - PAIRS;
  }
}

/** Each commit ends the rows of the one before and begins as many. */
async function backToBack(client: pg.Client, claim: () => number | null): Promise<void> {
  const payload = 'x'.repeat(PAYLOAD_BYTES);
  for (let first = claim(); first !== null; first = claim()) {
    await client.query('BEGIN');
    await client.query(FINISH, [first - PAIRS, first - 1]);
    await client.query(BEGIN, [first, first + PAIRS - 1, payload]);
    await client.query('COMMIT');
  }
}
