/**
 * `npm run chaos -- --seed 7 --minutes 5 --workers 4 --locations 300 --rate 140`: a run for people. The same seed
 * gives the same schedule again. Exit code 0: every promise was kept, and every fault took hold.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChaos } from './run.ts';

const OPTIONS = {
  seed: { type: 'string' },
  minutes: { type: 'string', default: '5' },
  workers: { type: 'string', default: '4' },
  locations: { type: 'string', default: '300' },
  rate: { type: 'string', default: '140' },
} as const;
/** What the opening needs: a calm, a stuck tenth, and the loss of each worker, and then time for all other faults. */
const MINUTES_MIN = 2;
/** Hits of each kill point a minute that a run of four workers reaches. */
const ARMS_A_MINUTE = 0.8;

function within(name: string, text: string, [min, max]: readonly [number, number]): number {
  const number = Number(text);
  if (text !== '' && number >= min && number <= max) return number;
  throw new RangeError(`--${name}: found "${text}", allowed is a number from ${min} to ${max}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const seed = Math.trunc(within('seed', values.seed ?? `${Date.now() % 1_000_000}`, [0, 2 ** 31]));
  const minutes = within('minutes', values.minutes, [MINUTES_MIN, 24 * 60]);
  const found = await runChaos({
    seed,
    minutes,
    workers: Math.trunc(within('workers', values.workers, [3, 5])),
    locations: Math.trunc(within('locations', values.locations, [20, 5_000])),
    rate: within('rate', values.rate, [1, 2_000]),
    armsPerPoint: Math.max(1, Math.floor(minutes * ARMS_A_MINUTE)),
    pages: await mkdtemp(join(tmpdir(), 'signalbox-chaos-')),
    say: (line) => console.log(line),
  });
  if ('skip' in found) {
    console.error(found.skip);
    return 1;
  }
  for (const line of [
    ...found.stories,
    ...found.failures.map((each) => `FAILURE ${each}`),
    ...found.summary,
  ]) {
    console.log(line);
  }
  if (found.failures.length > 0) console.log(`again: npm run chaos -- --seed ${seed} --minutes ${minutes}`);
  return found.failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();
