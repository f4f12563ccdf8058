/**
 * A process of the demo that is kept running: started, its output logged, started again after it died.
 * States: stopped → starting → running → (died → starting after RESTART_MS) → stopping → stopped.
 * S1 It runs in a group of its own: Ctrl-C in the terminal reaches the demo only, which then stops it in order.
 * S2 It holds a channel to the demo; when the demo is killed the channel breaks, and it drains by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, renameSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { World } from '../engine/ports.ts';

export interface ChildOptions {
  readonly name: string;
  readonly world: World;
  /** Module to run, and its arguments. */
  readonly module: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  readonly restartMs: number;
  /** Died, and what happens now; started again. For people. */
  readonly onEvent: (text: string) => void;
  /** Each line of its standard output. */
  readonly onLine?: (line: string) => void;
}

/** The log of a child is set aside at a start when larger than this; one old one is kept. */
const LOG_BYTES_MAX = 10 * 1024 * 1024;

export class DemoChild {
  readonly #options: ChildOptions;
  #child: ChildProcess | null = null;
  #stopping = false;
  #gone: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  /** Null while it is down. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** SIGTERM, then SIGKILL when it has not ended after `budgetMs`. Resolves when it is gone. */
  async stop(budgetMs: number): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null) return;
    const timer = this.#options.world.after(budgetMs, () => child.kill('SIGKILL'));
    child.kill('SIGTERM');
    await this.#gone;
    timer.cancel();
  }

  /** Ends it as a crash would; it is started again. */
  crash(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Asks it to end in order; it is started again. */
  restart(): void {
    this.#child?.kill('SIGTERM');
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  #start(): void {
    const { module, args, env, logFile, onLine, name, onEvent } = this.#options;
    setAside(logFile);
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    const child = spawn(process.execPath, [module, ...args], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      onLine?.(line);
    });
    child.stderr?.pipe(log, { end: false });
    this.#gone = new Promise((resolve) => {
      child.once('error', (error) => {
        onEvent(`${name} could not be started: ${error.message}`);
        resolve();
      });
      child.once('close', (code, signal) => {
        log.end();
        this.#died(signal ?? `code ${code}`);
        resolve();
      });
    });
  }

  #died(how: string): void {
    const { name, restartMs, world, onEvent } = this.#options;
    this.#child = null;
    if (this.#stopping) return;
    onEvent(`${name} ended (${how}); it is started again in ${restartMs / 1000} s`);
    world.after(restartMs, () => {
      if (this.#stopping) return;
      this.#start();
      onEvent(`${name} is started again, process ${this.pid}`);
    });
  }
}

function setAside(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.old`);
}
