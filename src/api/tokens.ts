/**
 * API tokens: the file holds only their sha-256 hashes, `{ "tokens": [{ "name", "role", "sha256" }] }`.
 * K1 A token is compared with every entry in constant time, so the answer's timing tells nothing about them.
 * K2 Neither token nor hash is ever logged or shown.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SignalboxError } from '../core/errors/catalogue.ts';

/** Each role may do what the earlier ones may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Bearer {
  readonly name: string;
  readonly role: Role;
}

/** More entries than this in a tokens file is a mistake: every request is compared with each. */
const TOKENS_MAX = 1_000;
/** Longest token that is hashed, in characters. */
const TOKEN_LENGTH_MAX = 1_024;

const fileSchema = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: z.string({ error: 'a name' }).min(1, { error: 'a name' }).max(64),
        role: z.enum(ROLES, { error: `one of: ${ROLES.join(', ')}` }),
        sha256: z
          .string({ error: '64 hexadecimal digits' })
          .regex(/^[0-9a-fA-F]{64}$/, { error: '64 hexadecimal digits' }),
      }),
      { error: 'a list of tokens' },
    )
    .min(1, { error: 'at least one token' })
    .max(TOKENS_MAX),
});

export class Tokens {
  readonly #entries: readonly (Bearer & { readonly hash: Buffer })[];

  constructor(entries: readonly (Bearer & { readonly sha256: string })[]) {
    this.#entries = entries.map(({ name, role, sha256 }) => ({
      name,
      role,
      hash: Buffer.from(sha256, 'hex'),
    }));
  }

  /** Who sends this `Authorization` header; null when its token is unknown or it holds none. */
  bearerOf(authorization: string | undefined): Bearer | null {
    const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > TOKEN_LENGTH_MAX) return null;
    const hash = Buffer.from(hashOf(token), 'hex');
    let found: Bearer | null = null;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.hash, hash)) found = { name: entry.name, role: entry.role };
    }
    return found;
  }
}

export function allows(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export function hashOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** Reads a tokens file. Throws SB-5002 (final) naming the field. */
export function readTokens(path: string): Tokens {
  const problem = (text: string) =>
    new SignalboxError('SB-5002', `api.tokensFile: ${path}: ${text}`, { final: true });
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw problem(error instanceof SyntaxError ? 'found no JSON' : (error as Error).message);
  }
  const checked = fileSchema.safeParse(raw);
  if (checked.success) return new Tokens(checked.data.tokens);
  const lines = checked.error.issues.map(
    (issue) => `${issue.path.join('.') || 'file'}: allowed is ${issue.message}`,
  );
  throw problem(lines.join('; '));
}
