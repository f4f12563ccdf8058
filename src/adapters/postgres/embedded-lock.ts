/**
 * A lock file that one process at a time holds for short work: starting, stopping.
 *
 * K1 Made exclusively by the file system; it names its holder (process id and start time, so that a process
 *    id used again is not mistaken for it).
 * K2 The lock of a dead holder is removed only under a second lock file, after looking again: so nobody can
 *    remove the lock that a faster one has made in its place.
 */
import { readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { processIdentity } from './embedded-postmaster.ts';

/** Longer than the longest start (embedded.ts START_MS), so that a waiting process finds the server up. */
const WAIT_MS = 150_000;
const POLL_MS = 50;
/** Writing a lock file, and removing a dead one, take a moment: one this old was left by a process that died at it. */
const MOMENT_MS = 5_000;

/** Runs `work` while holding the lock `path`. Throws SB-2011 when a living process keeps it for too long. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${processIdentity(process.pid) ?? ''} ${crypto.randomUUID()}`;
  await take(path, mine);
  try {
    return await work();
  } finally {
    if ((await content(path)) === mine) await unlink(path).catch(() => undefined);
  }
}

async function take(path: string, mine: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await create(path, mine))) {
    const holder = await content(path);
    if (holder !== null && (await isDead(path, holder))) {
      await remove(path, holder);
    } else if (performance.now() > deadline) {
      throw new SignalboxError('SB-2011', `process ${holder?.split(' ')[0]} holds ${path} for too long`);
    } else {
      await delay(POLL_MS);
    }
  }
}

async function create(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function content(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(() => null);
}

async function isDead(path: string, holder: string): Promise<boolean> {
  if (holder === '') return await isOld(path);
  const [pid, identity] = holder.split(' ');
  return processIdentity(Number(pid)) !== identity;
}

async function isOld(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > MOMENT_MS;
}

async function remove(path: string, dead: string): Promise<void> {
  const guard = `${path}.remove`;
  if (!(await create(guard, ''))) {
    if (await isOld(guard)) await unlink(guard).catch(() => undefined);
    await delay(POLL_MS);
    return;
  }
  try {
    if ((await content(path)) === dead) await unlink(path);
  } finally {
    await unlink(guard);
  }
}
