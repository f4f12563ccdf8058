/**
 * The HTTP API of one process (Fastify): status, metrics, reading, submitting, and the plain live page.
 * A1 Every error is problem+json with a code of the catalogue.
 * A2 Bodies are at most 1 MiB, and JSON: a form or a plain text, which a browser sends across sites without
 *    asking, is refused.
 */
import Fastify, { type FastifyInstance } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { guard } from './guard.ts';
import { pageRoutes } from './page.ts';
import { answerError, sendProblem } from './problem.ts';
import { processRoutes, transactionRoutes } from './routes.ts';

/** Contract 8 allows 256 KiB for a record value; the rest is room to say so instead of cutting the connection. */
const BODY_BYTES_MAX = 1024 * 1024;
/** A request that has not arrived whole by then is dropped. */
const REQUEST_MS_MAX = 30_000;

export function createApi(doors: ApiDoors): FastifyInstance {
  const api = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
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
  api.setNotFoundHandler(async (request, reply) => {
    await sendProblem(reply, new SignalboxError('SB-6001', `${request.method} ${request.url.slice(0, 200)}`));
  });
  api.addHook('onSend', async (_request, reply, payload) => {
    reply.header('signalbox-time', new Date(doors.world.now()).toISOString());
    reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    return payload;
  });
  guard(api, doors.access);
  processRoutes(api, doors);
  transactionRoutes(api, doors);
  pageRoutes(api);
  return api;
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
