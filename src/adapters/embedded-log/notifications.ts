/**
 * Hears what other processes notify: new records, changes of a group. Only makes things prompt; whoever is woken
 * also looks by itself now and then, so a lost notification costs a moment and nothing else.
 *
 * States: connecting → listening → (broken) connecting … → closed.
 */
import pg from 'pg';
import type { World } from '../../engine/ports.ts';
import { retryAfterMs } from './back-off.ts';
import { Bell } from './bell.ts';
import { clientConfig, type DatabaseOptions } from './database.ts';

export interface NotificationsOptions {
  readonly database: DatabaseOptions;
  readonly world: World;
  readonly topic: number;
  readonly group: string;
  /** Records were appended to these partitions of the topic, or may have been. */
  readonly records: (partitions: readonly number[] | 'any') => void;
  readonly groupChanged: () => void;
}

const LISTEN = 'LISTEN signalbox_log';
/** A connection that died without a word is found at the next of these. */
const PROBE_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;

export class Notifications {
  readonly #options: NotificationsOptions;
  readonly #bell: Bell;
  #client: pg.Client | null = null;
  #closed = false;

  constructor(options: NotificationsOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#client?.connection.stream.destroy();
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    for (let failures = 1; !this.#closed; failures += 1) {
      try {
        await this.#listen(() => {
          failures = 0;
        });
      } catch {
        // Told by the loops that need the database for more than being prompt.
      }
      if (!this.#closed) await this.#bell.wait(retryAfterMs(this.#options.world, Math.max(failures, 1)));
    }
  }

  /** Until the connection breaks. */
  async #listen(isUp: () => void): Promise<void> {
    const client = new pg.Client({
      ...clientConfig(this.#options.database),
      query_timeout: PROBE_TIMEOUT_MS,
    });
    this.#client = client;
    let broken = false;
    client.on('error', () => {
      broken = true;
      this.#bell.ring();
    });
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    try {
      await client.connect();
      await client.query(LISTEN);
      isUp();
      // What was notified while nobody listened.
      this.#options.records('any');
      this.#options.groupChanged();
      while (!broken && !this.#closed) {
        await this.#bell.wait(PROBE_MS);
        if (!broken && !this.#closed) await client.query(LISTEN);
      }
    } finally {
      client.connection.stream.destroy();
      this.#client = null;
    }
  }

  /** `records:<topic>:<partition>,…` or `group:<topic>:<name>`. */
  #hear(payload: string): void {
    const [kind, topic, ...rest] = payload.split(':');
    if (topic !== String(this.#options.topic)) return;
    const about = rest.join(':');
    if (kind === 'records') this.#options.records(about.split(',').map(Number));
    if (kind === 'group' && about === this.#options.group) this.#options.groupChanged();
  }
}
