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
/** More, as they cost less. */
const PLAIN_TRANSACTIONS = 12_000;
/** Of a commit of the ledger: so many end and as many begin. */
const PAIRS = 1_000;

// Of the ledger's shape, so that a cold cache is as dear to both: ids in random order, who holds a location, numbers of ends.
const TABLE = `CREATE TABLE baseline (id text COLLATE "C" PRIMARY KEY, location text COLLATE "C" NOT NULL, state text NOT NULL,
  payload text NOT NULL, number bigint, began timestamptz NOT NULL DEFAULT now(), finished timestamptz);
  CREATE UNIQUE INDEX baseline_holder ON baseline (location) WHERE state = 'begun';
  CREATE UNIQUE INDEX baseline_number ON baseline (left(location, 1), number) WHERE number IS NOT NULL;
  CREATE INDEX baseline_location ON baseline (location, finished) WHERE number IS NOT NULL`;
const BEGIN = `INSERT INTO baseline (id, location, state, payload)
  SELECT md5($4 || n), $4 || n % ${PAIRS}, 'begun', $3 FROM generate_series($1::bigint, $2::bigint) AS n`;
const FINISH = `UPDATE baseline SET state = 'done', finished = now(), number = n
  FROM generate_series($1::bigint, $2::bigint) AS n WHERE id = md5($3 || n)`;
/** One a connection, before its locations and ids. */
const NAMES = 'AB';
/** For the finish: ids are looked up one by one, as the ledger does, whatever the statistics say. */
const SETTINGS = 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off';

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
  for (const client of clients) {
    await client.connect();
    await client.query(SETTINGS);
  }
  await clients[0]?.query(TABLE);
  /** Of each connection: the first number that it has not begun. */
  const next = clients.map(() => 0);
  return {
    name: 'ledger commits',
    ours: async () => {
      const { backendCpuMicros, nodeCpuMicros } = await driver.run(TRANSACTIONS);
      return 1e6 / (backendCpuMicros + nodeCpuMicros);
    },
    baseline: async () => {
      const node = process.cpuUsage();
      const backends = await backendCpuSeconds(connectionString);
      await Promise.all(clients.map((client, index) => backToBack(client, index)));
      const { user, system } = process.cpuUsage(node);
      const seconds = (await backendCpuSeconds(connectionString)) - backends + (user + system) / 1e6;
      return PLAIN_TRANSACTIONS / seconds;
    },
    close: async () => {
      await driver.close();
      for (const client of clients) await client.end();
    },
  };

  /** Each commit ends the rows of the one before and begins as many, at locations of this connection alone. */
  async function backToBack(client: pg.Client, index: number): Promise<void> {
    const payload = 'x'.repeat(PAYLOAD_BYTES);
    const name = NAMES.charAt(index);
    for (let done = 0; done < PLAIN_TRANSACTIONS / CONNECTIONS; done += PAIRS) {
      const first = next[index] ?? 0;
      next[index] = first + PAIRS;
      await client.query('BEGIN');
      await client.query(FINISH, [first - PAIRS, first - 1, name]);
      await client.query(BEGIN, [first, first + PAIRS - 1, payload, name]);
      await client.query('COMMIT');
    }
  }
}
