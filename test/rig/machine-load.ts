/** How busy the machine is: tests of times share it with other tests. */
import { availableParallelism, loadavg } from 'node:os';

/** A stage alone keeps about three processes a core runnable, and keeps its times. */
const OWN_LOAD = 3;

/** 1 on a machine that does this only; 2 when it is asked for twice as much. Work takes that many times as long. */
export function slowdown(): number {
  const [lastMinute = 0] = loadavg();
  return Math.max(1, lastMinute / (OWN_LOAD * availableParallelism()));
}
