/** Processes of the product for tests: the command line started as a user would, its output, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const CLI = join(import.meta.dirname, '..', '..', 'bin', 'signalbox.js');
const POLL_MS = 50;

export interface Started {
  readonly child: ChildProcess;
  /** Everything written so far, standard output and error. */
  output(): string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** The environment of the test without what would reach the product. */
function plainEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SIGNALBOX_|KAFKA_|DATABASE_|PORT$|npm_|NODE_TEST)/.test(name),
    ),
  );
}

export function signalbox(
  args: readonly string[],
  options: { readonly folder: string; readonly env?: Readonly<Record<string, string>> },
): Started {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.folder,
    env: { ...plainEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { child, output: () => text, ended };
}

/** Polls until `condition` gives something other than null, undefined or false; throws with `what` after `ms`. */
export async function until<T>(
  what: () => string,
  ms: number,
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await condition();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what()}`);
    await delay(POLL_MS);
  }
}

/** Null while nothing answers there. */
export async function getJson(url: string): Promise<Record<string, unknown> | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return (await answer.json()) as Record<string, unknown>;
  } catch {
    return null;
  }
}
