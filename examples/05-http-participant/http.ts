/** The calls of docs/reference/participant.md on the wire. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Answer, Ask } from './contract.ts';

const CAPABILITIES = {
  contract: 1,
  grade: 'G3',
  replay: true,
  fence: true,
  status: true,
  reverse: true,
  retentionSeconds: 3_024_000,
};
const CALL = /^\/v1\/steps\/([\w.~-]{1,128}:[\w.~-]{1,64})\/(execute|status|reverse)$/;
const BODY_BYTES_MAX = 1024 * 1024;

/** Throws for a request that breaks the contract. */
async function read(request: IncomingMessage): Promise<Ask> {
  const [, key, kind] = CALL.exec(decodeURIComponent(request.url ?? '')) ?? [];
  if (key === undefined || kind === undefined) throw new Error('no such call');
  const {
    'signalbox-token': token,
    'signalbox-slot': slot,
    'signalbox-not-after': notAfter,
  } = request.headers;
  if (!/^\d{1,19}$/.test(String(token)) || !/^[1-9]\d{0,3}$/.test(String(slot)))
    throw new Error('no token, or no slot');
  const notAfterMs = notAfter === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(notAfter));
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new Error('the body is too large');
  }
  const { step, location, data = {} } = JSON.parse(text);
  return { kind, key, step, location, data, slot: Number(slot), token: BigInt(String(token)), notAfterMs };
}

/** Listens on loopback; a participant beyond it needs TLS and somebody to let in. */
export function serve(port: number, answer: (ask: Ask) => Promise<Answer>): Server {
  const server = createServer(async (request, response) => {
    const say = (status: number, body: unknown) => {
      const type = status === 200 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
    };
    if (request.url === '/v1/capabilities') return say(200, CAPABILITIES);
    let ask: Ask;
    try {
      ask = await read(request);
    } catch (error) {
      return say(400, { title: String(error) });
    }
    try {
      say(200, await answer(ask));
    } catch (error) {
      say(500, { title: String(error) }); // unknown to whoever asked, who asks again
    }
  });
  server.listen(port, '127.0.0.1', () => console.log(`listening at ${JSON.stringify(server.address())}`));
  process.once('SIGTERM', () => server.close());
  return server;
}
