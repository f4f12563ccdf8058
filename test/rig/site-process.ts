/** The simulated site as a process of its own, which a test may kill and start again on the same port. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/demo/free-port.ts';
import type { FaultChange } from '../../src/site/faults.ts';
import { type JournalLine, parseLine } from '../../src/site/journal.ts';
import { Child } from './child.ts';

export interface SiteSettings {
  /** Holds journal and log. */
  readonly directory: string;
  /** Flags of src/site/main.ts. */
  readonly behaviour: readonly string[];
}

/** It replays its journal at start: some 100,000 lines in a second. */
const READY_MS = 30_000;

export class SiteProcess {
  readonly #settings: SiteSettings;
  readonly port: number;
  #starts = 0;
  #child: Child | null = null;

  private constructor(settings: SiteSettings, port: number) {
    this.#settings = settings;
    this.port = port;
  }

  static async start(settings: SiteSettings): Promise<SiteProcess> {
    const site = new SiteProcess(settings, await freePort());
    await site.restart();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.signal('SIGKILL');
    await this.#child?.exited;
  }

  /** Starts it again with its journal; it must be down. */
  async restart(): Promise<void> {
    const { directory, behaviour } = this.#settings;
    this.#starts += 1;
    const child = new Child({
      name: 'site',
      module: join('src', 'site', 'main.ts'),
      args: ['--directory', directory, '--port', `${this.port}`, ...behaviour],
      environment: {},
      logFile: join(directory, `site-${this.#starts}.log`),
    });
    this.#child = child;
    await child.line('ready', READY_MS, ({ ready }) => ready === true);
  }

  /** Changes the faults in force at the site (src/site/faults.ts). */
  async change(faults: FaultChange): Promise<void> {
    const answer = await fetch(`${this.url}/site/faults`, { method: 'POST', body: JSON.stringify(faults) });
    if (!answer.ok) throw new Error(`the site refuses ${JSON.stringify(faults)}: ${await answer.text()}`);
  }

  async stop(): Promise<void> {
    if (this.#child?.running !== true) return;
    this.#child.signal('SIGTERM');
    await this.#child.exited;
  }

  /** Every durable line, in order. */
  async journal(): Promise<JournalLine[]> {
    const text = await readFile(join(this.#settings.directory, 'journal.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(parseLine);
  }
}
