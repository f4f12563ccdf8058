/**
 * The ledger's tables read from outside of any worker, by one connection a server that is made again when it broke.
 * LC1 One query at a time; a query on a broken connection rejects, the next one connects anew.
 * LC2 Of several servers the rows come one server after the other; without one of them there are none.
 */
import pg from 'pg';

export class LedgerClient {
  readonly #servers: readonly ServerClient[];

  constructor(...connectionStrings: readonly string[]) {
    this.#servers = connectionStrings.map((each) => new ServerClient(each));
  }

  async rows<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await Promise.all(this.#servers.map((server) => server.rows<T>(text, values)))).flat();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

class ServerClient {
  readonly #connectionString: string;
  #client: Promise<pg.Client> | null = null;

  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  async rows<T extends object>(text: string, values: readonly unknown[]): Promise<T[]> {
    this.#client ??= this.#connect();
    const mine = this.#client;
    try {
      const client = await mine;
      const { rows } = await client.query<T>(text, [...values]);
      return rows;
    } catch (error) {
      if (this.#client === mine) this.#client = null;
      void mine.then((client) => client.end()).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'rig',
      connectionTimeoutMillis: 5_000,
      query_timeout: 30_000,
    });
    // Without a listener a connection that breaks while it is idle would end the process.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
