/**
 * A process of the rig: its output goes to a file, so that its last words survive a SIGKILL, and it ends when the
 * test process dies without stopping it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const GUARD = join(ROOT, 'src', 'demo', 'guarded.ts');

/** Settings of whoever runs the tests must not reach what is tested. */
const SETTINGS = /^(SIGNALBOX_|KAFKA_|DATABASE_|PORT$|npm_|NODE_TEST|NODE_OPTIONS)/;

export interface ChildSettings {
  readonly name: string;
  /** Path from the root of the project. */
  readonly module: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly atMs: number;
}

export class Child {
  readonly name: string;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  #exit: Exit | null = null;

  constructor({ name, module, args, environment, logFile }: ChildSettings) {
    this.name = name;
    this.logFile = logFile;
    const inherited = Object.entries(process.env).filter(([key]) => !SETTINGS.test(key));
    const log = openSync(logFile, 'a');
    this.#process = spawn(process.execPath, [GUARD, join(ROOT, module), ...args], {
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.exited = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code) => {
        this.#exit = { code, atMs: Date.now() };
        resolve(this.#exit);
      });
    });
  }

  get running(): boolean {
    return this.#exit === null;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  /** Its output as JSON lines; what is not JSON (or not whole yet) is left out. */
  lines(): Readonly<Record<string, unknown>>[] {
    const texts = readFileSync(this.logFile, 'utf8').split('\n');
    return texts.flatMap((text) => (text.startsWith('{') ? parsed(text) : []));
  }

  /** The first line for which `wanted` holds. Throws when it ends first, or time is up, with the end of its log. */
  async line(
    what: string,
    timeoutMs: number,
    wanted: (line: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>> {
    const name = `${this.name}: ${what} (log ${this.logFile})`;
    return until({ what: name, timeoutMs, pollMs: 100 }, () => {
      const found = this.lines().find(wanted) ?? null;
      if (found === null && this.#exit !== null) {
        const end = readFileSync(this.logFile, 'utf8').slice(-2_000);
        throw new Error(`${this.name} ended with code ${this.#exit.code} before ${what}:\n${end}`);
      }
      return found;
    });
  }
}

function parsed(text: string): Readonly<Record<string, unknown>>[] {
  try {
    return [JSON.parse(text) as Readonly<Record<string, unknown>>];
  } catch {
    return [];
  }
}
