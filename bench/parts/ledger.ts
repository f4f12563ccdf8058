/** A transaction of the ledger, CPU of the backends: as it is, and with something dropped that it cannot do without. */
import pg from 'pg';
import { ownPostgres } from '../../test/fixtures/postgres.ts';
import { CommitDriver } from '../commit-driver.ts';
import { databaseOf } from '../growth/database.ts';
import { ledgerPath } from '../regression/ledger.ts';
import type { Parts } from './part.ts';

const LOCATIONS = 2_000;
const CONNECTIONS = 2;
const PARTITIONS = 16;
const PAYLOAD_BYTES = 200;
const TRANSACTIONS = 10_000;

const VARIANTS: Readonly<Record<string, string>> = {
  'as it is': '',
  'without the index for take-over': 'DROP INDEX signalbox.transactions_open',
  'without the index for reading': 'DROP INDEX signalbox.transactions_location',
  'without deduplication in indexes': `ALTER INDEX signalbox.transactions_pkey SET (deduplicate_items = off);
    ALTER INDEX signalbox.transactions_holder SET (deduplicate_items = off);
    ALTER INDEX signalbox.transactions_open SET (deduplicate_items = off);
    ALTER INDEX signalbox.transactions_location SET (deduplicate_items = off)`,
  'without checks of states': `DROP TRIGGER transactions_legal_insert ON signalbox.transactions;
    DROP TRIGGER transactions_legal_update ON signalbox.transactions;
    ALTER TABLE signalbox.transactions DROP CONSTRAINT final_is_numbered, DROP CONSTRAINT holder_has_slot`,
};

export async function ledgerParts(): Promise<Parts> {
  const server = await ownPostgres();
  const open: { readonly name: string; readonly driver: CommitDriver }[] = [];
  for (const [name, change] of Object.entries(VARIANTS)) {
    const connectionString = await databaseOf(server, `part_${open.length}`);
    const driver = await driverOf(connectionString);
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(change);
    await client.end();
    open.push({ name, driver });
  }
  const plain = await ledgerPath(await databaseOf(server, 'plain'));
  return {
    parts: [
      ...open.map(({ name, driver }) => ({
        name,
        run: async () => (await driver.run(TRANSACTIONS)).backendCpuMicros,
      })),
      {
        name: 'a plain table of its shape, client included',
        run: async () => 1e6 / (await plain.baseline()),
      },
    ],
    close: async () => {
      for (const { driver } of open) await driver.close();
      await plain.close();
      await server.stop();
    },
  };
}

function driverOf(connectionString: string): Promise<CommitDriver> {
  return CommitDriver.open({
    connectionString,
    locations: LOCATIONS,
    connections: CONNECTIONS,
    partitions: PARTITIONS,
    payloadBytes: PAYLOAD_BYTES,
  });
}
