/** CPU time of a process on this machine, its children included, for what a bench does not run itself. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: what /proc counts in, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

const NANOS_PER_SECOND = 1e9;

/** CPU time in s of a process with one thread, exact to the ns, unlike `cpuSecondsOf`; 0 when there is none. */
export function threadSecondsOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / NANOS_PER_SECOND;
  } catch {
    return 0;
  }
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** User and system time in s of `pid`, of its living children, and of those that have ended; 0 without /proc. */
export function cpuSecondsOf(pid: number): number {
  let ticks = 0;
  for (const stat of stats()) if (stat.pid === pid || stat.parent === pid) ticks += stat.ticks;
  return ticks / TICKS_PER_SECOND;
}

function stats(): Stat[] {
  const all: Stat[] = [];
  for (const name of names()) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The command may hold spaces and parentheses: the fields begin after the last one.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
      all.push({
        pid: Number(name),
        parent: Number(fields[1]),
        ticks: (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0),
      });
    } catch {
      // It ended meanwhile.
    }
  }
  return all;
}

function names(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}
