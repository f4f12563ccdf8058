/** Databases of the bench `growth`, and rows made inside them. */
import pg from 'pg';
import type { TestPostgres } from '../../test/fixtures/postgres.ts';

/** A new database on the server; its connection string. */
export async function databaseOf(server: TestPostgres, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(server.connectionString);
  url.pathname = `/${name}`;
  return url.href;
}

export interface Expressions {
  readonly id: string;
  readonly topic: string;
  readonly partition: string;
  readonly offset: string;
  readonly location: string;
  readonly slot: string;
  readonly state: string;
  readonly token: string;
  readonly parked_at: string;
  readonly began_at: string;
  readonly changed_at: string;
  readonly finished_at: string;
  readonly number: string;
  readonly code: string;
  readonly rows: number;
}

/** Inserts rows of transactions; each column is an expression of n, from 0. Payloads of 200 bytes. */
export function insertStatement(of: Expressions): string {
  return `INSERT INTO signalbox.transactions (id, topic, partition, "offset", location, slot, state, step, token, type,
      plan, payload, evidence, attempts, takeovers, record_at, parked_at, began_at, changed_at, finished_at, number, code,
      worker, epoch)
    SELECT ${of.id}, ${of.topic}, ${of.partition}, ${of.offset}, ${of.location}, ${of.slot}, ${of.state}, 0, ${of.token},
      'withdraw', '1:dispense', convert_to(rpad('{"id":"' || (${of.id}) ||
        '","type":"withdraw","data":{"amount":5000,"note":"', 197, 'x') || '"}}', 'UTF8'),
      CASE WHEN ${of.number} IS NOT NULL THEN '{"dispense":{"receipt":"0123456789","notes":[50,50]}}' END, 1, 0, now(),
      ${of.parked_at}, ${of.began_at}, ${of.changed_at}, ${of.finished_at}, ${of.number}, ${of.code}, 'bench', 1
    FROM generate_series(0, ${of.rows - 1}) n`;
}
