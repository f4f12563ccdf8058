/**
 * Workers as real processes, each with its own name, port and log file; what was done to them and how they ended is
 * kept as the checkers read it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerEvent } from '../../src/checkers/evidence.ts';
import { Child, type Exit } from './child.ts';

export interface FleetSettings {
  /** Holds the logs. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Configuration file of all workers; null: none. */
  readonly configFile: string | null;
  /** Longest time from SIGTERM to the end of the process, in ms. */
  readonly exitDeadlineMs: number;
}

/** A start takes 1 to 3 s on an idle machine; eight test runs at once stretch it. */
const READY_MS = 60_000;
/** After the deadline of the drain a worker is killed: a test must not hang on it. */
const FORCE_MS = 10_000;

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #children = new Map<string, Child>();
  readonly #events: WorkerEvent[] = [];

  constructor(settings: FleetSettings) {
    this.#settings = settings;
  }

  /** In the order of their times. */
  get events(): readonly WorkerEvent[] {
    return this.#events;
  }

  /** Names of the workers that run. */
  get running(): string[] {
    return [...this.#children.values()].filter(({ running }) => running).map(({ name }) => name);
  }

  /** Starts workers with new names; resolves when each is ready. */
  async start(...names: readonly string[]): Promise<void> {
    for (const name of names) this.launch(name);
    await Promise.all(names.map((name) => this.ready(name)));
  }

  /** Starts a worker with a new name, with more environment, and does not wait for it. */
  launch(name: string, more: Readonly<Record<string, string>> = {}): void {
    const { directory, environment, configFile } = this.#settings;
    if (this.#children.has(name)) throw new Error(`there was a worker ${name} before`);
    const child = new Child({
      name,
      module: join('bin', 'signalbox.js'),
      args: ['run', '--config', configFile ?? 'none'],
      environment: { ...environment, ...more, SIGNALBOX_WORKER: name, PORT: '0' },
      logFile: join(directory, `${name}.log`),
    });
    this.#children.set(name, child);
    this.#events.push({ worker: name, atMs: Date.now(), event: 'started' });
    void child.exited.then(({ code, atMs }) => {
      // A signal that nobody sent from here: it has killed itself, at a named point.
      if (code === null && !this.#wasKilled(name))
        this.#events.push({ worker: name, atMs, event: 'sigkill' });
      this.#events.push({ worker: name, atMs, event: 'exited', exitCode: code });
    });
  }

  #wasKilled(name: string): boolean {
    return this.#events.some(({ worker, event }) => worker === name && event === 'sigkill');
  }

  /** Resolves when it says so. Throws when it ends first, or takes too long. */
  async ready(name: string, timeoutMs = READY_MS): Promise<void> {
    await this.#child(name).line('ready', timeoutMs, ({ msg }) => msg === 'ready');
  }

  isRunning(name: string): boolean {
    return this.#children.get(name)?.running ?? false;
  }

  /** Stops the process where it is, without its knowing, until `wake`. */
  freeze(name: string): void {
    this.#child(name).signal('SIGSTOP');
  }

  wake(name: string): void {
    this.#child(name).signal('SIGCONT');
  }

  /** The first line of its log with this message so far, or null. */
  said(name: string, message: string): Readonly<Record<string, unknown>> | null {
    const lines = this.#child(name).lines();
    return lines.find(({ msg }) => msg === message) ?? null;
  }

  signal(name: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child(name).signal(signal);
    this.#events.push({
      worker: name,
      atMs: Date.now(),
      event: signal === 'SIGTERM' ? 'sigterm' : 'sigkill',
    });
  }

  /** All it has written so far. */
  output(name: string): string {
    return readFileSync(this.#child(name).logFile, 'utf8');
  }

  /** SIGTERM, and the exit; one that does not end in time is killed. */
  async stop(name: string): Promise<Exit> {
    const child = this.#child(name);
    this.signal(name, 'SIGTERM');
    const force = setTimeout(() => child.signal('SIGKILL'), this.#settings.exitDeadlineMs + FORCE_MS);
    const exit = await child.exited;
    clearTimeout(force);
    return exit;
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running.map((name) => this.stop(name)));
  }

  exited(name: string): Promise<Exit> {
    return this.#child(name).exited;
  }

  /** `GET` of a path of its API. */
  async get(name: string, path: string): Promise<Response> {
    const line = await this.#child(name).line('API', READY_MS, ({ url }) => typeof url === 'string');
    return fetch(`${line.url}${path}`);
  }

  /** What a person would have to look at: problems in the logs by code, counted. */
  problems(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const child of this.#children.values()) {
      for (const { code } of child.lines()) {
        if (typeof code === 'string') counts[code] = (counts[code] ?? 0) + 1;
      }
    }
    return counts;
  }

  #child(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`there is no worker ${name}`);
    return child;
  }
}
