/**
 * The folder of a demo: whose it is, what goes on at the next start, what `--reset` removes.
 * F1 A ledger that no demo made is never used and never removed (SB-5009).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ProofState } from '../demo/proof.ts';

interface Marker {
  readonly pid: number;
  readonly url: string;
}

/** What a demo keeps in its folder, besides the token of the API. */
const CONTENT = [
  'postgres',
  'postgres.json',
  'postgres.log',
  'site',
  'kafka',
  'logs',
  'proof.json',
  'demo.json',
];
const ANSWER_MS = 1_000;

export class DemoFolder {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Throws SB-5009 (final) for a folder of something else, SB-5003 (final) when its demo runs already. */
  async check(): Promise<void> {
    if (existsSync(this.path('postgres')) && !existsSync(this.path('demo.json'))) {
      throw new SignalboxError('SB-5009', this.directory, { final: true });
    }
    const marker = this.#read<Marker>('demo.json');
    if (marker === null || !isAlive(marker.pid) || !(await answers(marker.url))) return;
    throw new SignalboxError('SB-5003', `the demo of ${this.directory} runs already at ${marker.url}`, {
      final: true,
    });
  }

  /** Only after `check`, and when its Postgres does not run. */
  reset(): void {
    for (const name of CONTENT) rmSync(this.path(name), { recursive: true, force: true });
  }

  claim(marker: Marker): void {
    for (const name of ['.', 'logs', 'site']) mkdirSync(this.path(name), { recursive: true });
    this.#write('demo.json', marker);
  }

  proof(): ProofState | null {
    return this.#read<ProofState>('proof.json');
  }

  saveProof(state: ProofState): void {
    this.#write('proof.json', state);
  }

  #read<T>(name: string): T | null {
    try {
      return JSON.parse(readFileSync(this.path(name), 'utf8')) as T;
    } catch {
      return null;
    }
  }

  /** Whole or not at all. */
  #write(name: string, value: object): void {
    writeFileSync(this.path(`${name}.new`), JSON.stringify(value));
    renameSync(this.path(`${name}.new`), this.path(name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (answer) => answer.ok,
    () => false,
  );
}
