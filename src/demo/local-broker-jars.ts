/**
 * The programs of the local Kafka broker: jars from Maven, kept in a cache directory.
 *
 * J1 The cache directory is complete or absent: jars are copied beside it and renamed, so two starters at once
 *    and a killed download leave nothing half done.
 */
import { spawn } from 'node:child_process';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SignalboxError } from '../core/errors/catalogue.ts';

const KAFKA_VERSION = '4.1.0';
const SCALA_VERSION = '2.13';
const JAVA_MIN = 17;
/** 54 MB over a slow line; after that something is stuck. */
const DOWNLOAD_MS_MAX = 600_000;
const OUTPUT_CHARACTERS_MAX = 64 * 1024;

export interface Commands {
  readonly java: string;
  readonly maven: string;
}

export function defaultCommands(): Commands {
  const home = process.env.JAVA_HOME;
  return { java: home === undefined || home === '' ? 'java' : join(home, 'bin', 'java'), maven: 'mvn' };
}

export function defaultCacheDirectory(): string {
  return join(homedir(), '.cache', 'signalbox', `kafka-${KAFKA_VERSION}`);
}

/** Throws SB-3014 when Java is missing or older than 17. */
export async function requireJava(java: string): Promise<void> {
  const { output } = await run(java, ['-version'], { timeoutMs: 30_000 });
  const version = /version "(\d+)(?:\.(\d+))?/.exec(output);
  const major = Number(version?.[1] === '1' ? version[2] : version?.[1]);
  if (!(major >= JAVA_MIN)) {
    throw new SignalboxError('SB-3014', `${java} is ${firstLine(output)}, version ${JAVA_MIN} is needed`);
  }
}

/** Resolves to the directory of the jars; downloads them the first time. Throws SB-3014. */
export async function ensureJars(options: {
  readonly cacheDirectory: string;
  readonly maven: string;
  readonly onProgress: (message: string) => void;
}): Promise<string> {
  const { cacheDirectory, maven, onProgress } = options;
  if (await hasJars(cacheDirectory)) return cacheDirectory;
  await mkdir(dirname(cacheDirectory), { recursive: true });
  await removeAbandoned(cacheDirectory);
  const temporary = `${cacheDirectory}.tmp-${process.pid}-${Math.random().toString(36).slice(2)}`;
  await mkdir(temporary);
  try {
    onProgress(`Downloading Apache Kafka ${KAFKA_VERSION} (54 MB) to ${cacheDirectory} …`);
    await writeFile(join(temporary, 'pom.xml'), pom());
    const copy = ['-q', '-B', '-C', 'dependency:copy-dependencies', `-DoutputDirectory=${temporary}`];
    const { code, output } = await run(maven, ['-f', join(temporary, 'pom.xml'), ...copy], {
      timeoutMs: DOWNLOAD_MS_MAX,
    });
    if (code !== 0 || !(await hasJars(temporary))) {
      throw new SignalboxError('SB-3014', `${maven} could not download Kafka: ${lastLines(output)}`);
    }
    // Fails when another starter was faster: then its jars are there.
    await rename(temporary, cacheDirectory).catch(() => undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  if (!(await hasJars(cacheDirectory))) {
    throw new SignalboxError('SB-3014', `${cacheDirectory} is in the way and holds no Kafka: remove it`);
  }
  return cacheDirectory;
}

async function hasJars(directory: string): Promise<boolean> {
  return access(join(directory, `kafka_${SCALA_VERSION}-${KAFKA_VERSION}.jar`)).then(
    () => true,
    () => false,
  );
}

/** Temporary directories of processes that died in the download. */
async function removeAbandoned(cacheDirectory: string): Promise<void> {
  const prefix = `${basename(cacheDirectory)}.tmp-`;
  for (const name of await readdir(dirname(cacheDirectory))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (!isAlive(pid)) await rm(join(dirname(cacheDirectory), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pom(): string {
  const dependency = (artifact: string) =>
    `<dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId>` +
    `<version>${KAFKA_VERSION}</version></dependency>`;
  return (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>' +
    '<groupId>signalbox</groupId><artifactId>local-broker</artifactId><version>1</version>' +
    '<packaging>pom</packaging><dependencies>' +
    `${dependency(`kafka_${SCALA_VERSION}`)}${dependency('kafka-tools')}</dependencies></project>\n`
  );
}

export interface RunResult {
  readonly code: number | null;
  /** Standard output and standard error, at most the last 64 K characters. */
  readonly output: string;
}

/** Runs a program to its end. Throws SB-3014 when it cannot be started or does not end in time. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly timeoutMs: number },
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // Not spawn's own time-out: that one goes on, and holds the process, when the program does not exist.
    const timer = setTimeout(() => child.kill(), options.timeoutMs);
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new SignalboxError('SB-3014', cause.message, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === null) resolve({ code, output });
      else reject(new SignalboxError('SB-3014', `${command} was ended by ${signal}: ${lastLines(output)}`));
    });
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() || 'silent';
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join(' | ').slice(-1_000) || 'it said nothing';
}
