/**
 * Runs one case in TLC and reads its verdict.
 *
 * T1 A verdict is read from what TLC says, never from its exit code alone; what says none of the known sentences is
 *    `failed`, with its last lines.
 * T2 TLC gets one thread: the machine may be shared, and its counts are then the same in every run.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireJava } from '../src/demo/local-broker-jars.ts';
import type { Case, Verdict } from './cases.ts';
import { configurationOf, rootModule } from './configuration.ts';
import { MODEL_FOLDER } from './module-text.ts';
import { ensureJar, type JarOptions, ModelUnavailable } from './tlc-jar.ts';

const MODULES = ['States.tla', 'Protocol.tla', 'Signalbox.tla'];
/** Depth of a random walk: about twice the longest run of the big world. */
const WALK_DEPTH = 400;
/** Counterexamples are a few hundred lines; a walk reports its progress every minute. */
const OUTPUT_CHARACTERS_MAX = 1024 * 1024;

export interface Tlc {
  readonly java: string;
  readonly jar: string;
}

/** Throws ModelUnavailable without Java 17 or the jar. */
export async function findTlc(java: string, jar: JarOptions): Promise<Tlc> {
  try {
    await requireJava(java);
  } catch (cause) {
    throw new ModelUnavailable(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return { java, jar: await ensureJar(jar) };
}

export type Found = Verdict | { readonly kind: 'failed'; readonly why: string };

export interface Outcome {
  readonly found: Found;
  /** Null: TLC did not say. */
  readonly distinctStates: number | null;
  readonly seconds: number;
  /** Everything TLC said, the counterexample included. */
  readonly output: string;
}

export interface RunOptions {
  /** After that it is cut off: nothing found so far, which is not a proof. */
  readonly limitSeconds: number;
  readonly heapMb: number;
}

/** Runs the case in a temporary folder, which is removed. */
export async function runCase(tlc: Tlc, which: Case, options: RunOptions): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-model-'));
  const started = performance.now();
  try {
    await prepare(folder, which);
    const { output, cutOff } = await runTlc(tlc, { folder, which, options });
    const found: Found = cutOff ? { kind: 'cut-off' } : verdictOf(output);
    return {
      found,
      distinctStates: statesOf(output),
      seconds: (performance.now() - started) / 1_000,
      output,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes what TLC reads: the modules, the root module of the case, and its configuration. */
async function prepare(folder: string, which: Case): Promise<void> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  await Promise.all(MODULES.map((name) => copyFile(join(MODEL_FOLDER, name), join(folder, name))));
  await writeFile(join(folder, 'Case.tla'), rootModule(which));
  await writeFile(join(folder, 'Case.cfg'), configurationOf(which));
}

async function runTlc(
  { java, jar }: Tlc,
  { folder, which, options }: { readonly folder: string; readonly which: Case; readonly options: RunOptions },
): Promise<{ readonly output: string; readonly cutOff: boolean }> {
  const machine = [`-Djava.io.tmpdir=${join(folder, 'tmp')}`, '-XX:+UseSerialGC', `-Xmx${options.heapMb}m`];
  const mode = which.walk ? ['-simulate', '-depth', String(WALK_DEPTH)] : [];
  const checker = ['tlc2.TLC', ...mode, '-workers', '1', '-nowarning', '-metadir', join(folder, 'states')];
  const args = [...machine, '-cp', jar, ...checker, '-config', 'Case.cfg', 'Case.tla'];
  return new Promise((resolve, reject) => {
    const child = spawn(java, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let cutOff = false;
    const timer = setTimeout(() => {
      cutOff = true;
      child.kill('SIGKILL');
    }, options.limitSeconds * 1_000);
    // TLC must not outlive a runner that ends before it.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const settle = (): void => {
      clearTimeout(timer);
      process.removeListener('exit', end);
    };
    child.once('error', (cause) => {
      settle();
      reject(new ModelUnavailable(cause.message, { cause }));
    });
    child.once('close', () => {
      settle();
      resolve({ output, cutOff });
    });
  });
}

/** The verdict in the output of a run that came to its end. */
function verdictOf(output: string): Found {
  const property = /(?:Invariant|Action property) (\w+) is violated/.exec(output)?.[1];
  if (property !== undefined) return { kind: 'violated', property };
  if (/Temporal properties were violated/.test(output)) return { kind: 'violated', property: 'Ends' };
  if (/Deadlock reached/.test(output)) return { kind: 'deadlock' };
  if (/Model checking completed\. No error has been found/.test(output)) return { kind: 'holds' };
  return {
    kind: 'failed',
    why: output.trim().split('\n').slice(-4).join(' | ').slice(-600) || 'it said nothing',
  };
}

/** Distinct states, of the last line that tells them. */
function statesOf(output: string): number | null {
  const last = [...output.matchAll(/([\d,]+) distinct states found/g)].at(-1)?.[1];
  return last === undefined ? null : Number(last.replaceAll(',', ''));
}

export function agrees(found: Found, expected: Verdict): boolean {
  if (found.kind !== expected.kind) return false;
  return found.kind !== 'violated' || expected.kind !== 'violated' || found.property === expected.property;
}

export function told(verdict: Found): string {
  switch (verdict.kind) {
    case 'violated':
      return `${verdict.property} violated`;
    case 'failed':
      return `failed: ${verdict.why}`;
    case 'cut-off':
      return 'nothing found';
    default:
      return verdict.kind;
  }
}
