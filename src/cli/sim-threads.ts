/** Runs a simulation in threads, one a core. */
import { Worker } from 'node:worker_threads';
import { addTotals, noWorlds, type Totals } from '../sim/campaign.ts';
import type { SimNews, SimWork } from './sim-work.ts';

export interface SimResult {
  readonly totals: Totals;
  readonly unhappened: readonly string[];
}

export type SharedWork = Omit<SimWork, 'index' | 'of'>;

/** Rejects with what a thread threw. `told` hears of each step, with all that was run so far. */
export async function runThreads(
  work: SharedWork,
  { threads, told }: { readonly threads: number; readonly told: (totals: Totals) => void },
): Promise<SimResult> {
  const totals = noWorlds();
  const unhappened: string[] = [];
  const hear = (news: SimNews) => {
    addTotals(totals, news.totals);
    unhappened.push(...news.unhappened);
    told(totals);
  };
  const started = Array.from({ length: threads }, (_, index) =>
    thread({ ...work, index, of: threads }, hear),
  );
  try {
    await Promise.all(started.map(({ ended }) => ended));
  } finally {
    await Promise.all(started.map(({ worker }) => worker.terminate()));
  }
  return { totals, unhappened };
}

/** A world makes much that is gone at its end: more room for it means fewer collections. */
const YOUNG_MB = 64;

/** The file beside this one, built or not. */
const THREAD = import.meta.filename.replace(/threads(\.[jt]s)$/, 'thread$1');

function thread(
  workerData: SimWork,
  hear: (news: SimNews) => void,
): { worker: Worker; ended: Promise<void> } {
  const worker = new Worker(THREAD, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
  worker.on('message', hear);
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  return { worker, ended };
}
