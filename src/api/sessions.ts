/**
 * Sessions of the page: a signed cookie, so that any process of the fleet with the same key knows it.
 *
 * N1 The cookie names who signed in and how; a session by token ends with its token, even before its time.
 * N2 It is HttpOnly and SameSite=Strict, and Secure beyond loopback; without a configured key each process has its own,
 *    and a session ends with it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { type Identity, ROLES } from './identity.ts';
import type { TokenSource } from './tokens.ts';

/** A shift; after it one signs in again. */
const SESSION_MS = 12 * 3_600_000;

const sessionSchema = z.strictObject({
  name: z.string(),
  role: z.enum(ROLES),
  locations: z.nullable(z.array(z.string())),
  expiresMs: z.number(),
  /** First digits of the hash of the token that opened it; null: by OpenID Connect. */
  token: z.nullable(z.string()),
});

type Session = z.output<typeof sessionSchema>;

/** Digits of a hash that name a token: enough to tell 1,000 apart, useless for finding it. */
const TOKEN_MARK = 16;

export class Sessions {
  readonly #key: Buffer;
  readonly #tokens: TokenSource;
  readonly #secure: boolean;

  constructor(options: { readonly key: Buffer; readonly tokens: TokenSource; readonly secure: boolean }) {
    this.#key = options.key;
    this.#tokens = options.tokens;
    this.#secure = options.secure;
  }

  /** The value of Set-Cookie. `sha256`: of the token that opens it; null: none. */
  open({ name, role, locations }: Identity, sha256: string | null, nowMs: number): string {
    const session: Session = {
      name,
      role,
      locations: locations === null ? null : [...locations],
      expiresMs: nowMs + SESSION_MS,
      token: sha256?.slice(0, TOKEN_MARK) ?? null,
    };
    const payload = Buffer.from(JSON.stringify(session)).toString('base64url');
    return this.#cookie(`${payload}.${this.#sign(payload)}`, SESSION_MS / 1000);
  }

  close(): string {
    return this.#cookie('', 0);
  }

  /** Who the Cookie header names; null without a session that counts (N1). */
  find(cookies: string | undefined, nowMs: number): Identity | null {
    const value = cookieNamed(cookies ?? '', this.#name);
    const [payload = '', signature = ''] = value.split('.');
    if (payload === '' || !this.#isSigned(payload, signature)) return null;
    const session = decoded(payload);
    if (session === null || session.expiresMs <= nowMs) return null;
    const { token, name, role, locations } = session;
    if (token === null) return { name, role, locations };
    const entry = this.#tokens.entries().find((each) => each.name === name && each.sha256.startsWith(token));
    if (entry === undefined || (entry.expiresMs !== null && entry.expiresMs <= nowMs)) return null;
    return entry;
  }

  /** Browsers take a __Host- cookie only with Secure, for this host and every path. */
  get #name(): string {
    return this.#secure ? '__Host-signalbox' : 'signalbox';
  }

  #cookie(value: string, seconds: number): string {
    const secure = this.#secure ? '; Secure' : '';
    return `${this.#name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
  }

  #sign(payload: string): string {
    return createHmac('sha256', this.#key).update(payload).digest('base64url');
  }

  #isSigned(payload: string, signature: string): boolean {
    const expected = Buffer.from(this.#sign(payload));
    const given = Buffer.from(signature);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}

function decoded(payload: string): Session | null {
  try {
    return sessionSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}

function cookieNamed(cookies: string, name: string): string {
  for (const pair of cookies.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return '';
}
