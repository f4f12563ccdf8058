/**
 * Control endpoints of the site, for the demo, the tests and the checkers; loopback only.
 * `GET /site/journal?from=n` durable lines from number n (the first is 0), as they stand in the file ·
 * `GET /site/counters` · `GET /site/faults` · `POST /site/faults` a FaultChange, answered with what is in force.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Counters } from './counters.ts';
import type { FaultChange, FaultsView } from './faults.ts';
import type { JournalFile } from './journal-file.ts';
import { BadRequest } from './request.ts';
import { sendJson, sendProblem } from './respond.ts';

interface Changeable {
  faults(): FaultsView;
  change(change: FaultChange): void;
}

export class Control {
  readonly #journal: JournalFile;
  readonly #counters: Counters;
  readonly #site: Changeable;

  constructor(journal: JournalFile, counters: Counters, site: Changeable) {
    this.#journal = journal;
    this.#counters = counters;
    this.#site = site;
  }

  /** Throws BadRequest. */
  async serve(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    if (!isLoopback(request.socket.remoteAddress)) return sendProblem(response, 403, 'loopback only');
    const url = new URL(request.url ?? '', 'http://site');
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /site/journal':
        return this.#sendJournal(response, url.searchParams.get('from') ?? '0');
      case 'GET /site/counters':
        return sendJson(response, 200, this.#counters.snapshot());
      case 'GET /site/faults':
        return sendJson(response, 200, this.#site.faults());
      case 'POST /site/faults':
        this.#change(body);
        return sendJson(response, 200, this.#site.faults());
      default:
        return sendProblem(response, 404, 'no such path');
    }
  }

  #change(body: Buffer): void {
    try {
      const change: unknown = JSON.parse(body.toString());
      if (typeof change !== 'object' || change === null) throw new TypeError('the body is not an object');
      this.#site.change(change);
    } catch (error) {
      throw new BadRequest(error instanceof Error ? error.message : 'not a change of faults');
    }
  }

  async #sendJournal(response: ServerResponse, from: string): Promise<void> {
    if (!/^\d{1,15}$/.test(from)) throw new BadRequest('from is not a line number');
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    await pipeline(this.#journal.read(Number(from)), response);
  }
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}
