/** Reading and writing HTTP bodies at the site. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The whole body, or null when it is longer than `bytesMax`; rejects when the caller is gone. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
    });
    request.on('end', () => resolve(bytes > bytesMax ? null : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(new Error('the caller is gone'));
    });
  });
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, { status, type: 'application/json', text: JSON.stringify(body) });
}

/** problem+json (RFC 9457). */
export function sendProblem(response: ServerResponse, status: number, detail: string): void {
  const text = JSON.stringify({ type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail });
  send(response, { status, type: 'application/problem+json', text });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Status 200 with what broken controllers and proxies were seen to send; which of it, the key decides. */
export function sendGarbage(response: ServerResponse, key: string): void {
  const texts = [
    '<html><body>Bad Gateway</body></html>',
    '{"outcome":"perhaps"}',
    '{"outcome":"do',
    '',
    '{"outcome":"refused"}',
    '{"outcome":"done","evidence":[1]}',
  ];
  let sum = 0;
  for (const character of key) sum += character.charCodeAt(0);
  send(response, { status: 200, type: 'application/json', text: texts[sum % texts.length] ?? '' });
}

function send(response: ServerResponse, what: { status: number; type: string; text: string }): void {
  const { status, type, text } = what;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
