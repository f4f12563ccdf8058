/**
 * API tokens: the file holds only their sha-256 hashes,
 * `{ "tokens": [{ "name", "role", "sha256", "locations"?, "expires"? }] }`.
 * K1 A token is compared with every entry in constant time, so the answer's timing tells nothing about them.
 * K2 Neither token nor hash is ever logged or shown.
 * K3 The file is read again when it has changed, so tokens are rotated without a restart; a file that has become
 *    wrong is told, and what was good before counts on.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { type Identity, ROLES } from './identity.ts';

/** More entries than this in a tokens file is a mistake: every request is compared with each. */
const TOKENS_MAX = 1_000;
/** Longest token that is hashed, in characters. */
const TOKEN_LENGTH_MAX = 1_024;
/** The file is looked at this often, in ms. */
const LOOK_MS = 1_000;

const fileSchema = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: z.string({ error: 'a name' }).regex(/^[A-Za-z0-9._~@-]{1,64}$/, {
          error: '1 to 64 of A-Z a-z 0-9 . _ ~ @ -',
        }),
        role: z.enum(ROLES, { error: `one of: ${ROLES.join(', ')}` }),
        sha256: z
          .string({ error: '64 hexadecimal digits' })
          .regex(/^[0-9a-fA-F]{64}$/, { error: '64 hexadecimal digits' }),
        locations: z
          .array(z.string().regex(/^[A-Za-z0-9._~?*-]{1,128}$/, { error: 'a pattern with * and ?' }))
          .min(1, { error: 'at least one pattern' })
          .optional(),
        expires: z.iso.datetime({ offset: true, error: 'a time as in RFC 3339' }).optional(),
      }),
      { error: 'a list of tokens' },
    )
    .min(1, { error: 'at least one token' })
    .max(TOKENS_MAX),
});

export interface TokenEntry extends Identity {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Unix time in ms; null: never. */
  readonly expiresMs: number | null;
}

export interface TokenSource {
  entries(): readonly TokenEntry[];
}

/** Whose token this is at the time; null when it is unknown or has expired (K1). */
export function bearerOf(token: string, source: TokenSource, nowMs: number): TokenEntry | null {
  if (token === '' || token.length > TOKEN_LENGTH_MAX) return null;
  const hash = Buffer.from(hashOf(token), 'hex');
  let found: TokenEntry | null = null;
  for (const entry of source.entries()) {
    if (timingSafeEqual(Buffer.from(entry.sha256, 'hex'), hash)) found = entry;
  }
  return found === null || (found.expiresMs !== null && found.expiresMs <= nowMs) ? null : found;
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** K3 */
export class TokensFile implements TokenSource {
  readonly #path: string;
  readonly #clock: () => number;
  readonly #onProblem: (error: SignalboxError) => void;
  #entries: readonly TokenEntry[];
  #lookedMs: number;
  #version: string;

  /** Throws SB-5002 (final) naming the field. `clock` is monotonic, in ms. */
  constructor(path: string, clock: () => number, onProblem: (error: SignalboxError) => void) {
    this.#path = path;
    this.#clock = clock;
    this.#onProblem = onProblem;
    this.#entries = readTokens(path);
    this.#version = versionOf(path);
    this.#lookedMs = clock();
  }

  entries(): readonly TokenEntry[] {
    if (this.#clock() - this.#lookedMs >= LOOK_MS) this.#look();
    return this.#entries;
  }

  #look(): void {
    this.#lookedMs = this.#clock();
    const version = versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#entries = readTokens(this.#path);
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error;
      this.#onProblem(error);
    }
  }
}

/** Changes whenever the file does. */
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'missing' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
}

/** Reads a tokens file. Throws SB-5002 (final) naming the field. */
export function readTokens(path: string): TokenEntry[] {
  const problem = (text: string) =>
    new SignalboxError('SB-5002', `api.tokensFile: ${path}: ${text}`, { final: true });
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw problem(error instanceof SyntaxError ? 'found no JSON' : (error as Error).message);
  }
  const checked = fileSchema.safeParse(raw);
  if (checked.success) return checked.data.tokens.map(entryOf);
  const lines = checked.error.issues.map(
    (issue) => `${issue.path.join('.') || 'file'}: allowed is ${issue.message}`,
  );
  throw problem(lines.join('; '));
}

function entryOf({
  name,
  role,
  sha256,
  locations,
  expires,
}: z.output<typeof fileSchema>['tokens'][number]): TokenEntry {
  const expiresMs = expires === undefined ? null : Date.parse(expires);
  return { name, role, sha256: sha256.toLowerCase(), locations: locations ?? null, expiresMs };
}
