/**
 * How far garbage may pile up. V8 lets the old generation grow to several times what is alive before it collects,
 * which on a machine with much memory is 500 MB for a worker of which 60 MB are alive. A worker promises 400 MB
 * (L4), so its heap grows by half of what is alive. Measured with `npm run bench -- durable`.
 */
import { setFlagsFromString } from 'node:v8';

const GROWTH_PERCENT = 50;

/** Once, before the work starts: it holds for the whole process. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
