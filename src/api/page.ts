/** The plain live status page at `/`: three static files without any data; what it shows it asks of /v1/status. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const FILES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
] as const;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function pageRoutes(api: FastifyInstance): void {
  for (const { path, file, type } of FILES) {
    const content = readFileSync(fileURLToPath(new URL(`./page/${file}`, import.meta.url)), 'utf8');
    api.get(path, { config: { door: 'page' } }, async (_request, reply) => {
      reply
        .header('content-type', type)
        .header('content-security-policy', POLICY)
        .header('referrer-policy', 'no-referrer')
        .header('cache-control', 'no-cache');
      return content;
    });
  }
}
