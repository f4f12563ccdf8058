/** The log file of the embedded Postgres: kept small, and its end read for people when a start fails. */
import { open, rename, stat } from 'node:fs/promises';

/** The log is set aside at a start when larger than this; one old one is kept. */
const LOG_BYTES_MAX = 10 * 1024 * 1024;
const TAIL_BYTES = 8 * 1024;
const TAIL_LINES = 8;

export async function setLogAside(log: string): Promise<void> {
  if ((await sizeOf(log)) > LOG_BYTES_MAX) await rename(log, `${log}.1`);
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

/** The last lines of the log, of what was written behind byte `from`. */
export async function tail(log: string, from: number): Promise<string> {
  const file = await open(log, 'r').catch(() => null);
  if (file === null) return 'nothing';
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n');
    return lines.slice(-TAIL_LINES).join('\n') || 'nothing';
  } finally {
    await file.close();
  }
}
