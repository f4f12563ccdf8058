/**
 * Who may ask what (contract 13).
 * G1 On loopback the Host header must name this machine, else a page of a stranger could reach the API under a
 *    name of its own (DNS rebinding).
 * G2 Without tokens nothing but the demo answers more than the open doors.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { allows, type Role, type Tokens } from './tokens.ts';

export type Door =
  /** Anybody: a supervisor must be able to ask without a secret. */
  | 'health'
  /** Without a token on loopback. */
  | 'open'
  /** Static files of the page: no data in them, the page itself asks for the token. */
  | 'page'
  | Role;

export type Access =
  /** The demo: everything is open, on loopback only. */
  | { readonly kind: 'demo' }
  | { readonly kind: 'tokens'; readonly tokens: Tokens; readonly loopback: boolean };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly door?: Door;
  }
}

/** Checks each request before its route sees it; routes without a door ask for `admin`. */
export function guard(api: FastifyInstance, access: Access): void {
  const loopback = access.kind === 'demo' || access.loopback;
  api.addHook('onRequest', async (request) => {
    if (loopback && !namesThisMachine(request.headers.host)) {
      throw new SignalboxError('SB-6006', String(request.headers.host ?? 'no Host header').slice(0, 80));
    }
    const door = request.is404 ? 'page' : (request.routeOptions.config.door ?? 'admin');
    check(request, door, access);
  });
}

function check(request: FastifyRequest, door: Door, access: Access): void {
  if (access.kind === 'demo' || door === 'health' || door === 'page') return;
  if (door === 'open' && access.loopback) return;
  const bearer = access.tokens.bearerOf(request.headers.authorization);
  if (bearer === null) throw new SignalboxError('SB-6003');
  const needed = door === 'open' ? 'viewer' : door;
  if (!allows(bearer.role, needed))
    throw new SignalboxError('SB-6004', `${needed} is needed, ${bearer.name} is ${bearer.role}`);
}

function namesThisMachine(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
