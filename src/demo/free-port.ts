/**
 * Free ports on loopback for servers that are started here and may be away for a moment.
 *
 * FP1 They lie below 32768, where systems begin to hand ports to outgoing connections: otherwise a client that keeps
 *     trying to reach a server that is away can be given that very port, and the server finds it taken.
 */
import { createServer, type Server } from 'node:net';

/** Above the ports of the embedded Postgres (15,432 to 25,431). */
const FIRST_PORT = 25_500;
const LAST_PORT = 32_700;
/** A random port is taken once in thousands. */
const TRIES_MAX = 100;

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port ?? 0;
}

/** All different. Throws the error of the last try when none is free. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Held[] = [];
  try {
    while (held.length < count) held.push(await holdSome());
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  }
}

interface Held {
  readonly server: Server;
  readonly port: number;
}

async function holdSome(): Promise<Held> {
  for (let attempt = 1; ; attempt += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      return { server: await listening(port), port };
    } catch (error) {
      if (attempt === TRIES_MAX) throw error;
    }
  }
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
