/**
 * Server-sent events for the page: the status, each second while somebody watches.
 * L1 One look at the ledger a second however many watch; the same event is sent to all.
 * L2 A watcher that does not read is cut off when its buffer is full, and reconnects.
 * L3 `end` is sent before the process closes, so that a page reconnects at once to whoever answers then.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { statusOf } from './routes-process.ts';
import type { StatusBoard } from './status-board.ts';

const EACH_MS = 1_000;
const WATCHERS_MAX = 200;
/** Some hundred statuses that nobody read. */
const BUFFER_BYTES_MAX = 1024 * 1024;
/** The browser tries again after this. */
const RETRY_MS = 1_000;

export class Live {
  readonly #doors: ApiDoors;
  readonly #board: StatusBoard;
  readonly #watchers = new Set<ServerResponse>();
  #running = false;
  /** The last event while somebody watches: a newcomer need not wait for the next. */
  #last: string | null = null;

  constructor(doors: ApiDoors, board: StatusBoard) {
    this.#doors = doors;
    this.#board = board;
  }

  /** Adds GET /v1/live, at the door of /v1/status. */
  serve(api: FastifyInstance): void {
    api.get('/v1/live', { config: { door: 'open' }, exposeHeadRoute: false }, async (request, reply) => {
      if (this.#watchers.size >= WATCHERS_MAX) throw new SignalboxError('SB-6016');
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-accel-buffering': 'no',
      });
      response.write(`retry: ${RETRY_MS}\n\n`);
      if (this.#last !== null) response.write(this.#last);
      this.#watchers.add(response);
      request.raw.once('close', () => this.#watchers.delete(response));
      if (!this.#running) void this.#run();
      return reply;
    });
    api.addHook('preClose', async () => {
      for (const watcher of this.#watchers) watcher.end('event: end\ndata: {}\n\n');
      this.#watchers.clear();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#watchers.size > 0) {
      const text = `event: status\ndata: ${JSON.stringify(await statusOf(this.#board, this.#doors))}\n\n`;
      this.#last = text;
      for (const watcher of this.#watchers) this.#send(watcher, text);
      await new Promise<void>((resume) => this.#doors.world.after(EACH_MS, resume));
    }
    this.#running = false;
    this.#last = null;
  }

  #send(watcher: ServerResponse, text: string): void {
    if (watcher.writableLength > BUFFER_BYTES_MAX) {
      this.#watchers.delete(watcher);
      watcher.destroy();
    } else watcher.write(text);
  }
}
