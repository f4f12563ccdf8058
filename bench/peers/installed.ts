/** Peers of other registries than npm, each installed by its own function into a cache folder, whole or not at all. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, endOf } from './cache.ts';

/** Downloads over a slow line; after that something is stuck. */
const STEP_MS_MAX = 300_000;
/** Of the one that has virtual threads. */
const JAVA_MIN = 21;
const DECATON = { version: '9.5.0', repository: 'https://github.com/line/decaton' } as const;

export function sourceFolder(name: string): string {
  return fileURLToPath(new URL(`./${name}/`, import.meta.url));
}

/** aiokafka and asyncpg from PyPI. Gives back the folder for PYTHONPATH. */
export function installPython(): string {
  const ours = sourceFolder('python');
  return once(keyed('python', ours), (directory) => {
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', directory];
    step('python3', [...args, '-r', join(ours, 'requirements.txt')]);
  });
}

/** Parallel Consumer from Maven Central, our classes compiled beside it. Gives back its class path. */
export function installParallelConsumer(): string {
  const directory = once(keyed('java', sourceFolder('java')), (made) => {
    jars('pom.xml', join(made, 'lib'));
    const ours = ['Job', 'Fields', 'Tracker', 'Handler', 'ParallelConsumerPeer'];
    compile({
      files: ours.map((name) => join(sourceFolder('java'), `${name}.java`)),
      classPath: join(made, 'lib', '*'),
      to: join(made, 'classes'),
    });
  });
  return `${join(directory, 'classes')}:${join(directory, 'lib', '*')}`;
}

/** Decaton from Maven Central, or where that does not have it from its source, our class compiled beside it. */
export function installDecaton(): { readonly classPath: string; readonly from: string } {
  const base = installParallelConsumer();
  const directory = once(keyed('decaton', sourceFolder('java')), (made) => {
    const lib = join(made, 'lib');
    const maven = attempt(() => jars('decaton-pom.xml', lib));
    if (maven !== null) {
      rmSync(lib, { recursive: true, force: true });
      const source = attempt(() => decatonFromSource(made, base));
      if (source !== null) throw new Error(`Maven Central: ${maven}; source: ${source}`);
    }
    compile({
      files: [join(sourceFolder('java'), 'DecatonPeer.java')],
      classPath: `${join(made, 'classes')}:${join(lib, '*')}:${base}`,
      to: join(made, 'classes'),
    });
  });
  const fromSource = existsSync(join(directory, 'classes', 'com'));
  return {
    classPath: `${join(directory, 'classes')}:${join(directory, 'lib', '*')}:${base}`,
    from: fromSource ? `${DECATON.version}, compiled from its source` : DECATON.version,
  };
}

/** The newest Java of this machine that has virtual threads. */
export function java(): string {
  const homes = [process.env.JAVA_HOME, ...globSync('/usr/lib/jvm/*')].filter((home) => home !== undefined);
  const found = homes
    .map((home) => ({ home, major: majorOf(join(home, 'bin', 'java')) }))
    .filter(({ home, major }) => major >= JAVA_MIN && existsSync(join(home, 'bin', 'javac')))
    .sort((one, other) => other.major - one.major);
  const [newest] = found;
  if (newest === undefined) throw new Error(`no JDK ${JAVA_MIN} or newer: set JAVA_HOME to one`);
  return join(newest.home, 'bin');
}

export function javaVersion(): string {
  return String(majorOf(join(java(), 'java')));
}

function majorOf(program: string): number {
  const { stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
}

/** DECATON_REPOSITORY names another repository of git, such as a copy on this machine. */
function decatonFromSource(made: string, base: string): void {
  const source = join(made, 'source');
  const repository = process.env.DECATON_REPOSITORY ?? DECATON.repository;
  step('git', ['clone', '--quiet', '--depth', '1', '--branch', `v${DECATON.version}`, repository, source]);
  const lib = join(made, 'lib');
  jars('decaton-source-pom.xml', lib);
  const [compiler = ''] = globSync(join(lib, 'protoc-*.exe'));
  const generated = join(made, 'generated');
  const protos = join(source, 'protocol', 'src', 'main', 'proto');
  mkdirSync(generated, { recursive: true });
  step('chmod', ['+x', compiler]);
  step(compiler, [`--proto_path=${protos}`, `--java_out=${generated}`, ...globSync(join(protos, '*.proto'))]);
  const folders = ['common', 'client', 'protocol', 'processor'].map((part) =>
    join(source, part, 'src', 'main', 'java'),
  );
  const [lombok = ''] = globSync(join(lib, 'lombok-*.jar'));
  compile({
    files: [...folders, generated].flatMap((folder) => globSync(join(folder, '**', '*.java'))),
    classPath: `${join(lib, '*')}:${base}`,
    to: join(made, 'classes'),
    options: ['-processorpath', lombok],
  });
  rmSync(source, { recursive: true, force: true });
  rmSync(generated, { recursive: true, force: true });
}

/** What a pom of ours names, with all that it needs, in a folder. */
function jars(pom: string, directory: string): void {
  const args = ['-q', '-B', '-f', join(sourceFolder('java'), pom), 'dependency:copy-dependencies'];
  step('mvn', [...args, `-DoutputDirectory=${directory}`]);
}

function compile(what: {
  readonly files: readonly string[];
  readonly classPath: string;
  readonly to: string;
  readonly options?: readonly string[];
}): void {
  const { files, classPath, to, options = ['-proc:none'] } = what;
  step(join(java(), 'javac'), ['-nowarn', ...options, '-d', to, '-cp', classPath, ...files]);
}

function step(program: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    timeout: STEP_MS_MAX,
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`${program}: ${error.message}`);
  if (status !== 0) throw new Error(`${basename(program)} failed: ${endOf(firstError(stdout + stderr))}`);
}

/** What Maven says first is the reason; what follows is advice. */
function firstError(text: string): string {
  return text.split('\n').find((line) => line.includes('ERROR') || line.includes('error:')) ?? text;
}

function attempt(task: () => void): string | null {
  try {
    task();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The cache folder of what these files make: another one when they change. */
function keyed(name: string, files: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(files).sort()) {
    if (/\.(java|xml|txt)$/.test(file)) hash.update(readFileSync(join(files, file)));
  }
  return cacheFolder(`${name}-${hash.digest('hex').slice(0, 12)}`);
}

/** Makes the folder, beside its place and then in it, when it is not there. */
function once(directory: string, make: (directory: string) => void): string {
  if (existsSync(directory)) return directory;
  const temporary = `${directory}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    make(temporary);
    renameSync(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return directory;
}
