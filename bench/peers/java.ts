/** The processes of peers on Java. */
import { join } from 'node:path';
import { java } from './installed.ts';
import type { Job } from './job.ts';
import type { Command } from './peer.ts';

/** As java/pom.xml says. */
export const PARALLEL_CONSUMER = '0.5.3.3';

export function onJava(main: string, classPath: string, job: Job): Command {
  return { program: join(java(), 'java'), args: ['-Xmx2g', '-cp', classPath, main, JSON.stringify(job)] };
}
