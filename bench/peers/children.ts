/** Processes of peers: started from a command, their result line found, ended for sure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Result } from './job.ts';
import type { Command } from './peer.ts';

/** Lines of a process that may say why it failed. */
const NOISE_MAX = 6;
const LINE_MAX = 300;

export interface Child {
  readonly process: ChildProcess;
  /** Resolves when it has ended; the result is null when it did not print one. */
  readonly ended: Promise<{ readonly result: Result | null; readonly noise: readonly string[] }>;
}

export function start({ program, args, env = {} }: Command): Child {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const noise: string[] = [];
  const note = (line: string): void => {
    if (line.trim() !== '' && noise.length < NOISE_MAX) noise.push(line.slice(0, LINE_MAX));
  };
  let result: Result | null = null;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('RESULT ')) result = JSON.parse(line.slice('RESULT '.length)) as Result;
    else note(line);
  });
  createInterface({ input: child.stderr }).on('line', note);
  const ended = new Promise<{ result: Result | null; noise: readonly string[] }>((resolve) => {
    child.once('error', (error) => {
      note(error.message);
      resolve({ result, noise });
    });
    child.once('close', () => resolve({ result, noise }));
  });
  return { process: child, ended };
}

/** Kills it when it has not ended in time. */
export async function endedWithin(child: Child, ms: number): ReturnType<() => Child['ended']> {
  const timer = setTimeout(() => child.process.kill('SIGKILL'), ms);
  try {
    return await child.ended;
  } finally {
    clearTimeout(timer);
  }
}
