/**
 * The simulated site: the machines of many locations behind one HTTP server, with a durable journal; at grade G3
 * unless it is told to keep to less.
 * For the demo, the tests and the chaos runs; it misbehaves as it is told (behaviours.ts, faults.ts).
 * SI1 the port is bound before the journal is replayed, so a second site on the same port never touches the file.
 * SI2 requests that come before the replay is through wait for it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Grade } from '../core/grade.ts';
import type { Behaviours } from './behaviours.ts';
import { CarelessRegister, type Rule } from './careless-register.ts';
import { Control } from './control.ts';
import { Counters, type SiteCounters } from './counters.ts';
import { DISPENSER, Dispenser, type DispenserOptions } from './dispenser.ts';
import { Effects } from './effects.ts';
import { type FaultChange, Faults } from './faults.ts';
import { JournalFile } from './journal-file.ts';
import { Register } from './register.ts';
import { BadRequest, readRequest, stepPath } from './request.ts';
import { readBody, sendGarbage, sendJson, sendProblem } from './respond.ts';
import { type Reply, Steps } from './steps.ts';

export interface SiteOptions extends Partial<Behaviours> {
  /** 0: any free port. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Holds `journal.jsonl`; made if missing. One site at a time. */
  readonly directory: string;
  /** The same seed misbehaves in the same way. */
  readonly seed: string;
  /** The only locations there are; others are answered 404. Absent: every location exists. */
  readonly locations?: readonly string[];
  /** Effects that may be under way at a location, for the counter `overlaps`. Default 1. */
  readonly concurrency?: number;
  /** The same for single locations. */
  readonly concurrencyAt?: Readonly<Record<string, number>>;
  readonly dispenser?: Partial<DispenserOptions>;
  /** What it keeps to, and says so. Default G3. */
  readonly grade?: Grade;
  /** One rule for participants that it breaks, whatever it says. */
  readonly breaks?: Rule;
}

/** Connections the server keeps longer than a client's pool does, so that it does not close under a request. */
const KEEP_ALIVE_MS = 65_000;
/** Connections that may wait to be accepted: a worker opens up to 1,024 at once, two of them twice that. */
const BACKLOG = 4_096;
/** A record of 256 KiB and the evidence of the steps before it fit into this. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** Contract 6: what a site of each grade says of itself, and does. One of grade G0 says nothing. */
const ABILITIES = {
  G3: { replay: true, fence: true, status: true, reverse: true },
  G2: { replay: true, fence: false, status: false, reverse: true },
  G1: { replay: false, fence: false, status: true, reverse: true },
  G0: { replay: false, fence: false, status: false, reverse: false },
} as const satisfies Record<Grade, object>;
const RETENTION_SECONDS = 3_024_000;

export class Site {
  readonly #server: Server;
  readonly #steps: Steps;
  readonly #counters: Counters;
  readonly #effects: Effects;
  readonly #faults: Faults;
  readonly #locations: ReadonlySet<string> | null;
  readonly #grade: Grade;
  readonly #ready = Promise.withResolvers<Control>();
  #journal: JournalFile | null = null;
  #port = 0;

  private constructor(options: SiteOptions) {
    const { concurrency = 1, concurrencyAt = {}, locations, seed, grade = 'G3', breaks = null } = options;
    this.#grade = grade;
    this.#faults = new Faults(behavioursOf(options));
    this.#effects = new Effects((location) => this.#faults.isJammed(location));
    this.#counters = new Counters((location) => concurrencyAt[location] ?? concurrency);
    this.#locations = locations === undefined ? null : new Set(locations);
    this.#steps = new Steps({
      seed,
      register:
        grade === 'G3' && breaks === null
          ? new Register()
          : new CarelessRegister({ ...ABILITIES[grade], breaks }),
      counters: this.#counters,
      dispenser: new Dispenser({ ...DISPENSER, ...options.dispenser }),
      effects: this.#effects,
      faults: this.#faults,
    });
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#ready.promise.catch(() => undefined);
  }

  /** Resolves when it listens and its journal is replayed. Rejects when the port is taken (SB-5003) or the journal unreadable. */
  static async start(options: SiteOptions): Promise<Site> {
    const site = new Site(options);
    await site.#listen(options);
    try {
      const journal = await JournalFile.open(join(options.directory, 'journal.jsonl'), (line) =>
        site.#steps.replay(line),
      );
      site.#journal = journal;
      await site.#steps.resume(journal);
      site.#ready.resolve(new Control(journal, site.#counters, site));
    } catch (error) {
      site.#ready.reject(error);
      await site.stop();
      throw error;
    }
    return site;
  }

  get port(): number {
    return this.#port;
  }

  /** Endpoint for participants: `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  counters(): SiteCounters {
    return this.#counters.snapshot();
  }

  faults(): ReturnType<Faults['view']> {
    return this.#faults.view();
  }

  /** Throws TypeError, and changes nothing, for what it does not know. */
  change(change: FaultChange | Readonly<Record<string, unknown>>): void {
    this.#faults.apply({ ...change });
    this.#effects.recheck();
  }

  /** Like a kill, but tidy: effects under way stay unfinished until the next start. */
  async stop(): Promise<void> {
    this.#effects.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await this.#journal?.close();
  }

  #listen({ port, host = '127.0.0.1' }: SiteOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE';
        reject(taken ? new SignalboxError('SB-5003', String(port), { cause: error, final: true }) : error);
      };
      this.#server.once('error', failed);
      this.#server.listen({ port, host, backlog: BACKLOG }, () => {
        this.#server.off('error', failed);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request, REQUEST_BYTES_MAX);
      const control = await this.#ready.promise;
      if (body === null) sendProblem(response, 413, `a request is at most ${REQUEST_BYTES_MAX} bytes`);
      else if (request.url?.startsWith('/site/')) await control.serve(request, response, body);
      else await this.#serveContract(request, response, body);
    } catch (error) {
      if (error instanceof BadRequest) sendProblem(response, 400, error.message);
      // The journal cannot be written, or the caller is gone: nothing may be claimed.
      else response.destroy();
    }
  }

  async #serveContract(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const { method, url = '', headers } = request;
    const grade = this.#grade;
    const abilities = ABILITIES[grade];
    if (method === 'GET' && url === '/v1/capabilities' && grade !== 'G0') {
      const says = { contract: 1, grade, ...abilities, retentionSeconds: RETENTION_SECONDS };
      return sendJson(response, 200, says);
    }
    const path = stepPath(url);
    if (path === null || (path.kind !== 'execute' && !abilities[path.kind]))
      return sendProblem(response, 404, 'no such path');
    if (method !== 'POST') return sendProblem(response, 405, 'steps are called with POST');
    const step = readRequest(path, headers, body);
    if (this.#locations !== null && !this.#locations.has(step.location)) {
      return sendProblem(response, 404, `no such location: ${step.location}`);
    }
    if (!this.#steps.hasRoomFor(step.key)) return sendProblem(response, 503, 'the simulated site is full');
    sendReply(response, await this.#steps.handle(step), step.key);
  }
}

function sendReply(response: ServerResponse, reply: Reply, key: string): void {
  switch (reply.send) {
    case 'answer':
      sendJson(response, 200, reply.answer);
      break;
    case 'nothing':
      response.destroy();
      break;
    case 'garbage':
      sendGarbage(response, key);
      break;
    case 'error':
      sendProblem(response, 500, 'the controller failed');
      break;
  }
}

function behavioursOf(options: SiteOptions): Partial<Behaviours> {
  const {
    port,
    host,
    directory,
    seed,
    locations,
    concurrency,
    concurrencyAt,
    dispenser,
    grade,
    breaks,
    ...behaviours
  } = options;
  return behaviours;
}
