/** aiokafka with a semaphore for each location, as the article has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPython, sourceFolder } from './installed.ts';
import type { Peer } from './peer.ts';

export const peer: Peer = {
  id: 'aiokafka-semaphore',
  title: 'aiokafka, a semaphore a location',
  settings: 'a task a message, auto commit every 5 s (default)',
  works: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'crash'],
  install: async () => {
    installPython();
    const text = readFileSync(join(sourceFolder('python'), 'requirements.txt'), 'utf8');
    return Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split('==') as [string, string]),
    );
  },
  command: (job) => ({
    program: 'python3',
    args: [join(sourceFolder('python'), 'aiokafka_semaphore.py'), JSON.stringify(job)],
    env: { PYTHONPATH: installPython(), PYTHONDONTWRITEBYTECODE: '1' },
  }),
};
