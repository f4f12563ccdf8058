/** The book of alerts on Postgres (src/engine/ports-alerts.ts says what each method promises). */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import type { AlertBook, AlertMessage } from '../../engine/ports-alerts.ts';
import { ConnectionPool } from './connection.ts';

export interface AlertBookOptions {
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  readonly topic: string;
}

function sql(name: string): string {
  return readFileSync(new URL(`./sql/alert-${name}.sql`, import.meta.url), 'utf8');
}

const ALERT_SQL = {
  turn: sql('turn'),
  note: sql('note'),
  due: sql('due'),
  delivered: sql('delivered'),
  failed: sql('failed'),
} as const;

export class PostgresAlertBook implements AlertBook {
  readonly #topic: string;
  readonly #pool: ConnectionPool;

  /** Connects at the first call. */
  constructor({ topic, ...connection }: AlertBookOptions) {
    this.#topic = topic;
    this.#pool = new ConnectionPool({
      ...connection,
      applicationName: 'signalbox alerts',
      connectionsMax: 1,
    });
  }

  async takeTurn(everyMs: number): Promise<number | null> {
    const [row] = await this.#rows<{ turn: string }>(ALERT_SQL.turn, [this.#topic, everyMs]);
    return row === undefined ? null : Number(row.turn);
  }

  async note({ turn, alerts, kinds, receivers }: Parameters<AlertBook['note']>[0]): Promise<void> {
    const values = [this.#topic, turn, JSON.stringify(alerts), kinds, JSON.stringify(receivers)];
    await this.#rows(ALERT_SQL.note, values);
  }

  async due({ webhooks, leaseMs, limit }: Parameters<AlertBook['due']>[0]): Promise<AlertMessage[]> {
    return await this.#rows<AlertMessage>(ALERT_SQL.due, [this.#topic, webhooks, leaseMs, limit]);
  }

  async delivered(id: string): Promise<void> {
    await this.#rows(ALERT_SQL.delivered, [id]);
  }

  async failed(
    id: string,
    { detail, retryMs, giveUpMs }: Parameters<AlertBook['failed']>[1],
  ): Promise<boolean> {
    const values = [id, detail, Math.round(retryMs), giveUpMs];
    const [row] = await this.#rows<{ given_up: boolean }>(ALERT_SQL.failed, values);
    return row?.given_up ?? false;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #rows<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return this.#pool.run(async (client) => (await client.query<Row>(text, values)).rows);
  }
}
