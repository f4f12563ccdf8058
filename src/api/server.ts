/**
 * The HTTP API of one process (Fastify), and the page over it.
 * A1 Every error is problem+json with a code of the catalogue.
 * A2 Bodies are at most 1 MiB, and JSON: a form or a plain text, which a browser sends across sites without
 *    asking, is refused.
 */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { guard } from './guard.ts';
import { Live } from './live.ts';
import { LocationsDirectory } from './locations-directory.ts';
import { pageRoutes } from './page.ts';
import { answerError, sendProblem } from './problem.ts';
import { methodsOf, type Route, register } from './route.ts';
import { attentionRoutes } from './routes-attention.ts';
import { fleetRoutes } from './routes-fleet.ts';
import { labRoutes } from './routes-lab.ts';
import { locationRoutes } from './routes-locations.ts';
import { peopleRoutes } from './routes-people.ts';
import { processRoutes } from './routes-process.ts';
import { sessionRoutes } from './routes-session.ts';
import { transactionRoutes } from './routes-transactions.ts';
import { StatusBoard } from './status-board.ts';

/** Contract 8 allows 256 KiB for a record value; the rest is room to say so instead of cutting the connection. */
const BODY_BYTES_MAX = 1024 * 1024;
/** A request that has not arrived whole by then is dropped. */
const REQUEST_MS_MAX = 30_000;
const HEADERS_MS_MAX = 10_000;

export function createApi(doors: ApiDoors): FastifyInstance {
  const { access, world, operations } = doors;
  const board = new StatusBoard(doors.read, world);
  const routes = allRoutes(doors, board);
  const api = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    http: { headersTimeout: HEADERS_MS_MAX },
    forceCloseConnections: true,
    exposeHeadRoutes: true,
  });
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    ['application/json', 'application/cloudevents+json'],
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => body,
  );
  api.setErrorHandler(
    async (error, request, reply) => await answerError(error, request, reply, doors.onDefect),
  );
  api.addHook('onSend', async (_request, reply, payload) => {
    reply.header('signalbox-time', new Date(doors.world.now()).toISOString());
    reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    return payload;
  });
  guard(api, {
    access,
    world,
    // The answer to who was refused does not wait for the ledger; that the audit misses one is in the log then.
    onDenied: (denial) => void operations.deny(denial).catch((error: unknown) => reportLost(error, doors)),
  });
  // Here and not in Fastify's handler for it: before a body is read, or its type asked for.
  api.addHook('onRequest', async (request, reply) => {
    if (request.is404) await sendNotFound(request, reply, routes);
  });
  register(api, routes, doors.checkAnswers ?? false);
  new Live(doors, board).serve(api);
  pageRoutes(api);
  return api;
}

function allRoutes(doors: ApiDoors, board: StatusBoard): Route[] {
  const directory = new LocationsDirectory(doors.lists, doors.world);
  const routes: Route[] = [
    ...processRoutes(doors, board, () => routes),
    ...transactionRoutes(doors),
    ...locationRoutes({ doors, board, directory }),
    ...fleetRoutes(doors, board),
    ...attentionRoutes(doors, directory),
    ...peopleRoutes(doors),
    ...sessionRoutes(doors),
    ...labRoutes(doors.lab),
  ];
  return routes;
}

async function sendNotFound(
  { method, url }: FastifyRequest,
  reply: FastifyReply,
  routes: readonly Route[],
): Promise<void> {
  const asked = `${method} ${url.slice(0, 200)}`;
  const methods = methodsOf(url.split('?')[0] ?? '', routes);
  if (methods.length === 0) return await sendProblem(reply, new SignalboxError('SB-6001', asked));
  reply.header('allow', methods.join(', '));
  await sendProblem(reply, new SignalboxError('SB-6018', asked));
}

function reportLost(error: unknown, { onDefect }: ApiDoors): void {
  onDefect(new SignalboxError('SB-2001', `a denied act is missing in the audit: ${String(error)}`));
}

/** Starts to listen; the URL. Throws SB-5003 (final) when the port is taken or the address is not this machine's. */
export async function listen(
  api: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    await api.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE')
      throw new SignalboxError('SB-5003', `${host}:${port}`, { cause: error, final: true });
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
      throw new SignalboxError(
        'SB-5002',
        `api.host: found ${host}:${port} (${code}), allowed is an address and port this process may use`,
        { cause: error, final: true },
      );
    }
    throw error;
  }
  const address = api.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${bound}`;
}
