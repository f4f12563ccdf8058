/** The machine a number was measured on, for the head of every report. */
import { cpus, totalmem } from 'node:os';

export function machine(): { cpu: string; cores: number; memoryGiB: number; node: string } {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
}
