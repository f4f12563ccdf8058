/**
 * Who may ask what (contract 13).
 * G1 On loopback the Host header must name this machine, else a page of a stranger could reach the API under a
 *    name of its own (DNS rebinding).
 * G2 Without tokens nothing but the demo answers more than the open doors.
 * G3 What changes something is refused when a browser says that it comes from another site, whatever it carries.
 * G4 Who tries tokens, or asks too much, is slowed down by address.
 * G5 A refused try to change something is told to `onDenied`, for the audit.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { World } from '../engine/ports.ts';
import type { Denial } from '../engine/ports-operate.ts';
import { type Identity, needRole, type Role } from './identity.ts';
import type { Sessions } from './sessions.ts';
import { Throttle } from './throttle.ts';
import { bearerOf, type TokenSource } from './tokens.ts';

export type Door =
  /** Anybody: a supervisor must be able to ask without a secret. */
  | 'health'
  /** Without a token on loopback. */
  | 'open'
  /** Static files of the page and signing in: no data in them. */
  | 'page'
  | Role;

export type Access =
  /** The demo: everything is open, on loopback only. */
  | { readonly kind: 'demo' }
  | {
      readonly kind: 'tokens';
      readonly tokens: TokenSource;
      readonly sessions: Sessions;
      readonly loopback: boolean;
    };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly door?: Door;
  }
  interface FastifyRequest {
    /** Null: nobody, at a door that asks for none. */
    identity: Identity | null;
  }
}

/** Of the demo, where nobody has to sign in. */
const DEMO: Identity = { name: 'demo', role: 'admin', locations: null };
/** Requests of one address in a minute: a page asks a few a second, a service that submits far more. */
const REQUESTS_MAX = 60_000;
/** Wrong tokens of one address in a minute. */
export const WRONG_TOKENS_MAX = 10;
/** Changing acts that were refused and are written to the audit, in a minute: it must not be filled by a stranger. */
const DENIALS_MAX = 60;

export interface GuardOptions {
  readonly access: Access;
  readonly world: World;
  /** Must not throw. */
  readonly onDenied: (denial: Denial) => void;
}

/** Checks each request before its route sees it; routes without a door ask for `admin`. */
export function guard(api: FastifyInstance, { access, world, onDenied }: GuardOptions): void {
  const loopback = access.kind === 'demo' || access.loopback;
  const clock = () => world.monotonic();
  const requests = new Throttle(REQUESTS_MAX, clock);
  const wrongTokens = new Throttle(WRONG_TOKENS_MAX, clock);
  const denials = new Throttle(DENIALS_MAX, clock);
  api.decorateRequest('identity', null);
  api.addHook('onRequest', async (request) => {
    slowDown(requests, request.ip);
    requests.note(request.ip);
    if (loopback && !namesThisMachine(request.headers.host)) {
      throw new SignalboxError('SB-6006', String(request.headers.host ?? 'no Host header').slice(0, 80));
    }
    const door = request.is404 ? 'page' : (request.routeOptions.config.door ?? 'admin');
    try {
      request.identity = identify(request, access, { wrongTokens, nowMs: world.now() });
      refuseForeign(request);
      check(request.identity, door, access);
    } catch (error) {
      if (error instanceof SignalboxError && changes(request) && denials.waitOf('all') === 0) {
        denials.note('all');
        onDenied(denialOf(request, error));
      }
      throw error;
    }
  });
}

/** Throws SB-6003 for a token that is not known, SB-6015 after too many of them. */
function identify(
  request: FastifyRequest,
  access: Access,
  { wrongTokens, nowMs }: { wrongTokens: Throttle; nowMs: number },
): Identity | null {
  if (access.kind === 'demo') return DEMO;
  const { authorization, cookie } = request.headers;
  if (authorization === undefined) return access.sessions.find(cookie, nowMs);
  slowDown(wrongTokens, request.ip);
  const token = /^Bearer +([^\s]+)$/i.exec(authorization)?.[1] ?? '';
  const found = bearerOf(token, access.tokens, nowMs);
  if (found === null) {
    wrongTokens.note(request.ip);
    throw new SignalboxError('SB-6003', 'the token is not known, or has expired');
  }
  return found;
}

function check(identity: Identity | null, door: Door, access: Access): void {
  if (door === 'health' || door === 'page') return;
  if (door === 'open' && access.kind === 'tokens' && access.loopback) return;
  if (identity === null) throw new SignalboxError('SB-6003');
  needRole(identity, door === 'open' ? 'viewer' : door);
}

/** G3: browsers send Sec-Fetch-Site and, with what changes something, Origin; programs send neither. */
function refuseForeign(request: FastifyRequest): void {
  if (!changes(request)) return;
  const site = request.headers['sec-fetch-site'];
  const { origin, host } = request.headers;
  const foreign =
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (origin !== undefined && hostOf(origin) !== host?.toLowerCase());
  if (foreign) throw new SignalboxError('SB-6014', String(origin ?? site).slice(0, 80));
}

function changes({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

/** Throws SB-6015. */
export function slowDown(throttle: Throttle, address: string): void {
  const seconds = throttle.waitOf(address);
  if (seconds > 0) throw new SignalboxError('SB-6015', `again in ${seconds} s`);
}

function denialOf(request: FastifyRequest, error: SignalboxError): Denial {
  return {
    actor: request.identity?.name ?? `nobody at ${request.ip}`,
    action: request.method,
    target: request.url.split('?')[0]?.slice(0, 200) ?? '',
    detail: error.message.slice(0, 300),
  };
}

function namesThisMachine(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
