/**
 * A participant as a process of its own for `durable --http`: answers every step at once over plain HTTP and remembers
 * what it did, in memory, so that what is measured is Signalbox and HTTP, not a journal. `GET /report` says what it saw.
 * Prints its port when it listens; ends with its parent.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const answers = new Map<string, string>();
const lastOf = new Map<string, number>();
const underWay = new Set<string>();
const counts = { doubled: 0, outOfOrder: 0, overlapping: 0 };
const CAPABILITIES = {
  contract: 1,
  grade: 'G3',
  replay: true,
  fence: true,
  status: true,
  reverse: true,
  retentionSeconds: 86_400,
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function answer(request: IncomingMessage): Promise<string> {
  const url = request.url ?? '';
  if (url === '/v1/capabilities') return JSON.stringify(CAPABILITIES);
  if (url === '/report') return JSON.stringify(counts);
  const location = String(request.headers['signalbox-location']);
  if (underWay.has(location)) counts.overlapping += 1;
  underWay.add(location);
  const { data } = JSON.parse(await bodyOf(request)) as { data: { sequence: number } };
  underWay.delete(location);
  const key = String(request.headers['idempotency-key']);
  if (!url.endsWith('/execute')) return answers.get(key) ?? '{"outcome":"never"}';
  if (answers.has(key)) counts.doubled += 1;
  if (data.sequence < (lastOf.get(location) ?? -1)) counts.outOfOrder += 1;
  lastOf.set(location, data.sequence);
  const done = `{"outcome":"done","evidence":{"sequence":${data.sequence}}}`;
  answers.set(key, done);
  return done;
}

const server = createServer((request, response) => {
  void answer(request).then((body) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.on('end', () => process.exit(0)).resume();
