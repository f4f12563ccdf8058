/**
 * One link between a client and a server of the rig: a TCP proxy that misbehaves when told to.
 *
 * States: open · slow (each piece is late) · dead (nothing passes, either way) · silent (nothing of the
 * client passes: the server takes it for a dead host that has sent no FIN).
 * PX1 What passes, passes in order and whole.
 * PX2 When a dead or silent link opens again its connections are broken, as by time-outs on both sides; new ones pass.
 * PX3 A server that is down is a connection refused: the client's connection breaks.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type LinkMode = 'open' | 'slow' | 'dead' | 'silent';

export interface LinkCounts {
  readonly connections: number;
  /** Connections broken by the proxy. */
  readonly broken: number;
  /** Bytes that passed, both ways. */
  readonly bytes: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A pair is broken when this many more bytes have passed, or when an answer comes to a request that has left. */
interface Trap {
  readonly kind: 'bytes' | 'answer';
  left: number;
  requestLeft: boolean;
}

export class Link {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Map<Pair, Trap | null>();
  #mode: LinkMode = 'open';
  #delayMs = 0;
  #connections = 0;
  #broken = 0;
  #bytes = 0;

  private constructor(targetPort: number, server: Server) {
    this.#target = targetPort;
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Listens on loopback, at any free port unless one is given. */
  static async start(targetPort: number, port = 0): Promise<Link> {
    // Half-open sockets are the client's and the server's business: an end is passed on, not answered.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new Link(targetPort, server);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get counts(): LinkCounts {
    return { connections: this.#connections, broken: this.#broken, bytes: this.#bytes };
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** `delayMs`: of each piece, one way, while the mode is slow. */
  set(mode: LinkMode, delayMs = 0): void {
    const wasCut = this.#mode === 'dead' || this.#mode === 'silent';
    this.#mode = mode;
    this.#delayMs = mode === 'slow' ? delayMs : 0;
    if (wasCut && mode !== 'dead' && mode !== 'silent') this.breakAll();
    for (const pair of this.#pairs.keys()) this.#flow(pair);
  }

  /** Each connection is reset after so many more bytes, whichever way they go. Resolves how many there are. */
  resetAfter(bytes: number): number {
    return this.#arm(() => ({ kind: 'bytes', left: bytes, requestLeft: false }));
  }

  /** Each connection is reset when the server answers the next request that leaves on it; the answer is lost. */
  cutAfterRequest(): number {
    return this.#arm(() => ({ kind: 'answer', left: 0, requestLeft: false }));
  }

  /** Takes back what was armed and has not happened; until then, what is armed stays as it is. */
  disarm(): void {
    for (const pair of this.#pairs.keys()) this.#pairs.set(pair, null);
  }

  breakAll(): void {
    for (const pair of [...this.#pairs.keys()]) this.#break(pair);
  }

  async close(): Promise<void> {
    this.breakAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #arm(trap: () => Trap): number {
    for (const [pair, armed] of this.#pairs) {
      if (armed === null) this.#pairs.set(pair, trap());
    }
    return this.#pairs.size;
  }

  #accept(client: Socket): void {
    this.#connections += 1;
    const server = connect({ host: '127.0.0.1', port: this.#target, allowHalfOpen: true, noDelay: true });
    const pair = { client, server };
    this.#pairs.set(pair, null);
    this.#pass(pair, client, server);
    this.#pass(pair, server, client);
    this.#flow(pair);
  }

  #pass(pair: Pair, from: Socket, to: Socket): void {
    const later = new Delayed();
    from.on('data', (piece) => {
      if (this.#springs(pair, from, piece.length)) return this.#break(pair);
      this.#bytes += piece.length;
      later.run(this.#delayMs, () => {
        if (to.destroyed || to.write(piece)) return;
        from.pause();
        to.once('drain', () => this.#flow(pair));
      });
    });
    from.on('end', () => later.run(this.#delayMs, () => to.end()));
    from.on('error', () => this.#break(pair));
    from.on('close', () => {
      if (from.errored !== null) this.#break(pair);
      if (pair.client.destroyed && pair.server.destroyed) this.#pairs.delete(pair);
    });
  }

  #springs(pair: Pair, from: Socket, length: number): boolean {
    const trap = this.#pairs.get(pair) ?? null;
    if (trap === null) return false;
    if (trap.kind === 'bytes') {
      trap.left -= length;
      return trap.left <= 0;
    }
    if (from === pair.client) trap.requestLeft = true;
    return from === pair.server && trap.requestLeft;
  }

  /** Which way data may go now. */
  #flow({ client, server }: Pair): void {
    allow(client, this.#mode !== 'dead' && this.#mode !== 'silent' && !server.writableNeedDrain);
    allow(server, this.#mode !== 'dead' && !client.writableNeedDrain);
  }

  #break(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.#broken += 1;
    // A reset where the state of the socket allows one: no side may take it for an end in order. Where an end is on its
    // way libuv refuses one, and Node takes the socket for closed all the same: it never is, nor does the process end.
    for (const socket of [pair.client, pair.server]) {
      if (socket.connecting || socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

function allow(socket: Socket, mayRead: boolean): void {
  if (mayRead) socket.resume();
  else socket.pause();
}

/** Keeps the order of what is delayed, whatever each delay. */
class Delayed {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  run(ms: number, work: () => void): void {
    if (ms === 0 && this.#waiting === 0) {
      work();
      return;
    }
    this.#waiting += 1;
    const ready = new Promise<void>((resolve) => void setTimeout(resolve, ms));
    this.#last = Promise.all([this.#last, ready]).then(() => {
      this.#waiting -= 1;
      work();
    });
  }
}
