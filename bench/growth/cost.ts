/** CPU time of a transaction at few locations, at many, and beside many parked rows; each in a database of its own. */
import pg from 'pg';
import type { OwnPostgres } from '../../test/fixtures/postgres.ts';
import { CommitDriver } from '../commit-driver.ts';
import { median } from '../median.ts';
import { databaseOf, insertStatement } from './database.ts';

export interface CostOptions {
  readonly locations: number;
  readonly parked: number;
  readonly transactions: number;
  readonly rounds: number;
}

export interface Cost {
  readonly run: string;
  /** Medians of the rounds. */
  readonly cpuMicros: number;
  readonly backendCpuMicros: number;
  readonly perSecond: number;
  /** CPU time, against the first. */
  readonly ratio: number;
}

const FEW = 1_000;
/** Locations that the parked rows wait for. */
const STUCK = 1_000;

export async function costOfGrowth(server: OwnPostgres, options: CostOptions): Promise<Cost[]> {
  const cases = [
    { run: `${FEW} locations`, database: 'few', locations: FEW, parked: 0 },
    { run: `${options.locations} locations`, database: 'many', locations: options.locations, parked: 0 },
    {
      run: `${FEW} locations, ${options.parked} parked rows`,
      database: 'parked',
      locations: FEW,
      parked: options.parked,
    },
  ];
  const opened = [];
  for (const { run, database, locations, parked } of cases) {
    const connectionString = await databaseOf(server, database);
    const driver = await CommitDriver.open({
      connectionString,
      locations,
      connections: 2,
      partitions: 8,
      payloadBytes: 200,
    });
    if (parked > 0) await park(connectionString, driver.topic, parked);
    opened.push({ run, driver, cpu: [] as number[], backends: [] as number[], rates: [] as number[] });
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const { driver, cpu, backends, rates } of opened) {
      const measured = await driver.run(options.transactions);
      cpu.push(measured.backendCpuMicros + measured.nodeCpuMicros);
      backends.push(measured.backendCpuMicros);
      rates.push(measured.transactions / measured.seconds);
    }
  }
  const base = median(opened[0]?.cpu ?? []);
  const costs: Cost[] = [];
  for (const { run, driver, cpu, backends, rates } of opened) {
    await driver.close();
    costs.push({
      run,
      cpuMicros: Math.round(median(cpu)),
      backendCpuMicros: Math.round(median(backends)),
      perSecond: Math.round(median(rates)),
      ratio: Math.round((100 * median(cpu)) / base) / 100,
    });
  }
  return costs;
}

/** Rows parked behind locations that are in doubt, on the driver's partitions. */
async function park(connectionString: string, topic: string, parked: number): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('SET session_replication_role = replica');
  await client.query(
    insertStatement({
      id: `'parked-' || n`,
      topic: `'${topic}'`,
      partition: `n % ${STUCK} % 8`,
      offset: `1000000000 + n`,
      location: `'stuck-' || n % ${STUCK}`,
      slot: `CASE WHEN n < ${STUCK} THEN 1 END`,
      state: `(CASE WHEN n < ${STUCK} THEN 'in_doubt' ELSE 'received' END)::signalbox.state`,
      token: `CASE WHEN n < ${STUCK} THEN 1 END`,
      parked_at: `CASE WHEN n >= ${STUCK} THEN now() END`,
      began_at: `CASE WHEN n < ${STUCK} THEN now() END`,
      changed_at: 'now()',
      finished_at: 'NULL::timestamptz',
      number: 'NULL::bigint',
      code: 'NULL::text',
      rows: STUCK + parked,
    }),
  );
  await client.query('VACUUM ANALYZE signalbox.transactions');
  await client.query('CHECKPOINT');
  await client.end();
}
