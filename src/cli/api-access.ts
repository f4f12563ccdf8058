/**
 * Who may use the API of this process. Without tokens one is made once a folder, so that the doors beyond the open ones
 * can be used on the machine itself; it is in a file that only its owner can read.
 */
import { createHash, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '../api/guard.ts';
import { Sessions } from '../api/sessions.ts';
import { hashOf, type TokenSource, TokensFile } from '../api/tokens.ts';
import { type Config, isLoopback } from '../config/config.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { World } from '../engine/ports.ts';

export interface ApiAccess {
  readonly access: Access;
  /** What a person should know about it. */
  readonly says: string;
}

export interface AccessDoors {
  readonly world: Pick<World, 'monotonic'>;
  /** Told when the tokens file has become wrong. */
  readonly onProblem: (error: SignalboxError) => void;
}

/** Throws SB-5005 (final) beyond loopback without tokens, SB-5002 (final) for a bad tokens file. */
export function apiAccess(config: Pick<Config, 'api' | 'directory'>, doors: AccessDoors): ApiAccess {
  const { host, tokensFile, openId } = config.api;
  const loopback = isLoopback(host);
  if (tokensFile !== null) {
    const tokens = new TokensFile(tokensFile, () => doors.world.monotonic(), doors.onProblem);
    return { access: accessBy(tokens, loopback, config), says: `tokens of ${tokensFile}` };
  }
  if (!loopback) {
    if (openId === null) throw new SignalboxError('SB-5005', host, { final: true });
    return { access: accessBy({ entries: () => [] }, loopback, config), says: `OpenID at ${openId.issuer}` };
  }
  const path = join(config.directory, 'api-token');
  const sha256 = hashOf(generatedToken(path, config.directory));
  const entry = { name: 'generated', role: 'admin', locations: null, sha256, expiresMs: null } as const;
  return { access: accessBy({ entries: () => [entry] }, loopback, config), says: `the token in ${path}` };
}

function accessBy(tokens: TokenSource, loopback: boolean, { api }: Pick<Config, 'api'>): Access {
  const key =
    api.sessionKey === null
      ? randomBytes(32)
      : createHash('sha256').update(`signalbox session ${api.sessionKey}`).digest();
  return { kind: 'tokens', tokens, loopback, sessions: new Sessions({ key, tokens, secure: !loopback }) };
}

/** The file is made whole or not at all: the first of several processes wins, the others read its token. */
function generatedToken(path: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(path, 'utf8').trim();
}
