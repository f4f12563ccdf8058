/** The peers that come from npm, of npm/package-lock.json, in a cache folder: not a part of the project. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cacheFolder, endOf } from './cache.ts';

const OURS = fileURLToPath(new URL('./npm/', import.meta.url));
const INSTALL_MS_MAX = 300_000;

function folder(): string {
  const lock = readFileSync(join(OURS, 'package-lock.json'));
  return cacheFolder(`npm-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
}

/** Installs all of them once. Resolves to the versions of `names`. */
export function installNpm(...names: string[]): Record<string, string> {
  const directory = folder();
  if (!existsSync(directory)) {
    const temporary = `${directory}.${process.pid}`;
    mkdirSync(temporary, { recursive: true });
    cpSync(OURS, temporary, { recursive: true });
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stderr } = spawnSync('npm', args, {
      cwd: temporary,
      timeout: INSTALL_MS_MAX,
      encoding: 'utf8',
    });
    if (status !== 0) {
      rmSync(temporary, { recursive: true, force: true });
      throw new Error(`npm ci failed: ${endOf(stderr)}`);
    }
    renameSync(temporary, directory);
  }
  return Object.fromEntries(
    names.map((name) => {
      const path = join(directory, 'node_modules', name, 'package.json');
      return [name, (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version];
    }),
  );
}

export function npmRequire(): NodeJS.Require {
  return createRequire(join(folder(), 'package.json'));
}

/** A module of the cache folder, as `T`. */
export async function npmImport<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(npmRequire().resolve(name)).href)) as T;
}
