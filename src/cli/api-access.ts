/**
 * Who may use the API of this process. Without a tokens file one token is made once a folder, so that the doors
 * beyond the open ones can be used on the machine itself; it is in a file that only its owner can read.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access } from '../api/guard.ts';
import { hashOf, readTokens, Tokens } from '../api/tokens.ts';
import { type Config, isLoopback } from '../config/config.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';

export interface ApiAccess {
  readonly access: Access;
  /** What a person should know about it. */
  readonly says: string;
}

/** Throws SB-5005 (final) beyond loopback without tokens, SB-5002 (final) for a bad tokens file. */
export function apiAccess(config: Pick<Config, 'api' | 'directory'>): ApiAccess {
  const { host, tokensFile } = config.api;
  const loopback = isLoopback(host);
  if (tokensFile !== null) {
    return {
      access: { kind: 'tokens', tokens: readTokens(tokensFile), loopback },
      says: `tokens of ${tokensFile}`,
    };
  }
  if (!loopback) throw new SignalboxError('SB-5005', host, { final: true });
  const path = join(config.directory, 'api-token');
  const sha256 = hashOf(generatedToken(path, config.directory));
  const tokens = new Tokens([{ name: 'generated', role: 'admin', sha256 }]);
  return { access: { kind: 'tokens', tokens, loopback }, says: `the token in ${path}` };
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
