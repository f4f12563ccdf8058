/** Where peers are kept: outside the repository, found again by every run. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(name: string): string {
  return join(homedir(), '.cache', 'signalbox', 'bench-peers', name);
}

const SHOWN_MAX = 300;

/** The end of what a program said, on one line. */
export function endOf(text: string | null): string {
  return (text ?? '').trim().replaceAll(/\s+/g, ' ').slice(-SHOWN_MAX) || 'it said nothing';
}
