/**
 * The connections of one component. The broker answers one connection strictly in order, so whatever may wait long
 * (JoinGroup, Fetch) has connections of its own and nothing waits behind it.
 *
 * N1 An error of a connection never becomes an uncaught exception: the calls on it fail instead.
 * N2 After `close` no socket and no timer of it is left, also when the network swallows everything.
 */
import { type Connection, ConnectionPool } from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import { securityOptions } from './security.ts';
import type { BrokerAddress, KafkaConnectionSettings } from './settings.ts';
import { settledWithin } from './waiting.ts';

/** Long enough for TLS and SASL over a slow line, short enough to tell wrong addresses within 15 s. */
const CONNECT_MS = 4_000;
/** How long `close` lets sockets end politely. */
const CLOSE_MS = 1_000;

export interface ConnectionsOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings;
  /** Longest wait for one answer, in ms; the connection is given up then. */
  readonly requestTimeoutMs: number;
}

export class Connections {
  readonly #world: World;
  readonly #route: (address: BrokerAddress) => BrokerAddress;
  readonly #pool: ConnectionPool;
  readonly #live = new Set<Connection>();
  #closed = false;

  constructor(options: ConnectionsOptions) {
    const { settings, requestTimeoutMs } = options;
    this.#world = options.world;
    this.#route = settings.route ?? ((address) => address);
    this.#pool = new ConnectionPool(settings.clientId, {
      ...securityOptions(settings),
      connectTimeout: CONNECT_MS,
      requestTimeout: requestTimeoutMs,
    });
    this.#pool.on('connecting', ({ connection }) => {
      this.#live.add(connection);
      connection.on('close', () => this.#live.delete(connection));
      // A refused log-in leaves its socket half open: nobody else would end it.
      connection.on('error', () => {
        this.#live.delete(connection);
        connection.socket?.destroy();
      });
    });
  }

  /** A connection that is ready, new or kept. Rejects as the client does. */
  async get(address: BrokerAddress): Promise<Connection> {
    const connection = await this.#pool.get({ ...this.#route(address) });
    if (this.#closed) connection.socket.destroy();
    return connection;
  }

  /** Gives up all connections: calls under way on them fail now instead of at their time-out. */
  abandon(): void {
    for (const connection of this.#live) connection.socket?.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await settledWithin(this.#world, CLOSE_MS, this.#pool.close());
    this.abandon();
  }
}
