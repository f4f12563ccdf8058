/** The process of a peer on Node: one job, one line `RESULT {…}`. */
import { setTimeout as delay } from 'node:timers/promises';
import { handlerOf } from './handler.ts';
import type { Job } from './job.ts';
import type { Consume } from './peer.ts';
import { Tracker } from './tracker.ts';

const CLOSE_MS_MAX = 12_000;

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const { consume } = (await import(`./${job.peer}.ts`)) as { consume: Consume };
const tracker = new Tracker(job);
const { close, server } = await consume({ job, tracker, handler: () => handlerOf(job, tracker) });
await Promise.race([tracker.all, delay(job.timeoutMs)]);
console.log(`RESULT ${JSON.stringify({ ...tracker.result(), ...server?.() })}`);
await delay(job.lingerMs);
// With a handler that never ends, some would wait for it.
if (job.stuckLocation === null) await Promise.race([close().catch(() => undefined), delay(CLOSE_MS_MAX)]);
process.exit(0);
