/** What a session of measurements is kept as: runs beside the machine, versions and settings they were made with. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machine } from '../machine.ts';
import type { CrashRun } from './crash.ts';
import type { Run } from './measure.ts';
import { PARTITIONS, SEED } from './works.ts';

export const RESULTS_FILE = fileURLToPath(new URL('../results/peers.json', import.meta.url));

export interface Session {
  readonly at: string;
  /** Of Signalbox; `+` when files differ from it. */
  readonly commit: string;
  readonly machine: ReturnType<typeof machine>;
  readonly kafka: string;
  postgres: string | null;
  readonly seed: number;
  readonly partitions: number;
  readonly repetitions: number;
  /** Share of the records of each work that were used; 1: all. */
  readonly part: number;
  readonly peers: Record<string, PeerFound>;
  readonly runs: Run[];
  readonly crashes: CrashRun[];
}

export type PeerFound =
  | { readonly settings: string; readonly versions: Readonly<Record<string, string>> }
  | { readonly settings: string; readonly missing: string };

export function newSession(repetitions: number, part: number): Session {
  return {
    at: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    kafka: '4.1.0',
    postgres: null,
    seed: SEED,
    partitions: PARTITIONS,
    repetitions,
    part,
    peers: {},
    runs: [],
    crashes: [],
  };
}

/** The committed sessions, oldest first. */
export function savedSessions(): Session[] {
  if (!existsSync(RESULTS_FILE)) return [];
  return (JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as { sessions: Session[] }).sessions;
}

/** Puts the session in the file, or over the one that began at the same time. */
export function save(session: Session): void {
  const others = savedSessions().filter(({ at }) => at !== session.at);
  writeFileSync(RESULTS_FILE, `${JSON.stringify({ sessions: [...others, session] }, null, 1)}\n`);
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
}
