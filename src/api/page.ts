/**
 * The page: static files built from dashboard/, without any data; what it shows it asks of the API. Every path that is
 * not a file answers the same document, which then looks at its address.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The same from src/api and from dist/api. */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Paths of the page itself; what comes after one is read by it. */
const PAGES = [
  '/',
  '/locations',
  '/transactions',
  '/attention',
  '/workers',
  '/limits',
  '/audit',
  '/errors',
  '/more',
];

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

interface StaticFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
  /** Its name holds the hash of its content. */
  readonly immutable: boolean;
}

export function pageRoutes(api: FastifyInstance): void {
  const files = builtFiles();
  const index = files.get('/index.html') ?? NOT_BUILT;
  const serve = (path: string, file: StaticFile) =>
    api.get(path, { config: { door: 'page' } }, async (request, reply) => send(request, reply, file));
  for (const [path, file] of files) if (path !== '/index.html') serve(path, file);
  for (const path of PAGES) {
    serve(path, index);
    if (path !== '/') serve(`${path}/*`, index);
  }
}

function send(request: FastifyRequest, reply: FastifyReply, file: StaticFile): Buffer {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null;
  reply
    .header('content-type', file.type)
    .header('content-security-policy', POLICY)
    .header('cross-origin-opener-policy', 'same-origin')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('permissions-policy', 'camera=(), geolocation=(), microphone=()')
    .header('referrer-policy', 'no-referrer')
    .header('vary', 'accept-encoding')
    .header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (encoding === null) return file.plain;
  reply.header('content-encoding', encoding);
  return encoding === 'br' ? file.brotli : file.gzip;
}

function builtFiles(): Map<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  if (!existsSync(BUILT)) return files;
  for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = `/${path.slice(BUILT.length)}`;
    const type = TYPES[extname(name)];
    if (type !== undefined)
      files.set(name, staticFile(readFileSync(path), type, name.startsWith('/assets/')));
  }
  return files;
}

function staticFile(plain: Buffer, type: string, immutable: boolean): StaticFile {
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  return { type, plain, gzip: gzipSync(plain, { level: 9 }), brotli, immutable };
}

const NOT_BUILT = staticFile(
  Buffer.from(
    '<!doctype html><html lang="en"><title>Signalbox</title><h1>The page is not built.</h1>' +
      '<p>In a checkout: <code>npm run build:page</code>. The API answers at <a href="/v1/status">/v1/status</a>.</p></html>',
  ),
  'text/html; charset=utf-8',
  false,
);
