/**
 * The server process of a data directory, seen from outside: its lock file, whether it lives, how it ends.
 *
 * P1 A process id is only ours if the process behind it is a Postgres at work in this folder; after a machine
 *    crash the number in postmaster.pid may belong to anybody, and nobody else's process is ever signalled.
 * P2 Orphans are backends of this data directory whose server died; ending them is what their crash recovery
 *    would do, and a new server cannot start before they are gone.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Postmaster {
  readonly pid: number;
  readonly port: number | null;
  /** `starting`, `ready`, `stopping`, … as the server writes it; null before it wrote any. */
  readonly status: string | null;
}

/** A fast shutdown writes a checkpoint; this is the time for a full buffer pool on a slow disk. */
const FAST_SHUTDOWN_MS = 30_000;
/** An immediate shutdown writes nothing. */
const IMMEDIATE_SHUTDOWN_MS = 5_000;
const POLL_MS = 20;

/** The living server of the data directory, or null. A file of a dead one that would be in the way is removed. */
export function livingPostmaster(dataDirectory: string): Postmaster | null {
  const file = join(dataDirectory, 'postmaster.pid');
  const lines = read(file)?.split('\n') ?? [];
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return null;
  if (processIdentity(pid) === null) return null;
  if (!servesFolder(pid, dataDirectory)) {
    rmSync(file, { force: true });
    return null;
  }
  const port = Number(lines[3]);
  return {
    pid,
    port: Number.isInteger(port) && port > 0 ? port : null,
    status: lines[7]?.trim() || null,
  };
}

/** Something that changes when the process id is used again; null when there is no such process (or a zombie). */
export function processIdentity(pid: number): string | null {
  if (process.platform !== 'linux') return isSignallable(pid) ? 'alive' : null;
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in brackets may hold spaces; state is the first field behind it, start time the twentieth.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

function isSignallable(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process is a Postgres at work in this folder. Elsewhere than on Linux the process id has to do. */
function servesFolder(pid: number, dataDirectory: string): boolean {
  if (process.platform !== 'linux') return true;
  const program = read(`/proc/${pid}/cmdline`)?.split('\0')[0] ?? '';
  const folder = linkTarget(`/proc/${pid}/cwd`); // null when it belongs to another user
  return basename(program) === 'postgres' && (folder === null || folder === realpathSync(dataDirectory));
}

/** Ends the server: first fast (SIGINT), then at once (SIGQUIT). Resolves to whether it is gone. */
export async function endPostmaster(dataDirectory: string, pid: number): Promise<boolean> {
  const identity = processIdentity(pid);
  if (identity === null) return true;
  signal(pid, 'SIGINT');
  if (await isGone(pid, identity, FAST_SHUTDOWN_MS)) return true;
  signal(pid, 'SIGQUIT');
  if (await isGone(pid, identity, IMMEDIATE_SHUTDOWN_MS)) return true;
  signal(pid, 'SIGKILL');
  endOrphans(dataDirectory);
  return await isGone(pid, identity, IMMEDIATE_SHUTDOWN_MS);
}

/** Ends backends that outlived their server. Only where no server lives any more. */
export function endOrphans(dataDirectory: string): void {
  if (process.platform !== 'linux') return;
  const folder = realpathSync(dataDirectory);
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const isOurs =
      read(`/proc/${entry}/comm`)?.trim() === 'postgres' && linkTarget(`/proc/${entry}/cwd`) === folder;
    if (isOurs) signal(Number(entry), 'SIGKILL');
  }
}

async function isGone(pid: number, identity: string, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (processIdentity(pid) === identity) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
