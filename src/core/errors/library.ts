import type { ErrorEntry } from './entry.ts';

/** SB-7xxx: the library in somebody's own process. */
export const libraryErrors = {
  'SB-7001': {
    cause: 'As many functions wait for this key, or in all, as may.',
    remedy: 'Wait with room(key) before the next one, raise waitingMax, or refuse the work further up.',
    status: 429,
  },
  'SB-7002': {
    cause: 'These lanes, or this consumer, are closed.',
    remedy: 'Make new ones; what waited was not started.',
    status: 409,
  },
  'SB-7003': {
    cause: 'A function waited or ran longer than its time.',
    remedy: 'Raise the time, or let the function end when its signal aborts: until then it keeps its slot.',
    status: 504,
  },
  'SB-7004': {
    cause: 'This Signalbox does not run: it was not started yet, or was stopped.',
    remedy: 'Await start() first; after stop() make a new one.',
    status: 409,
  },
  'SB-7010': {
    cause: 'The handler of a record failed as often as it may.',
    remedy:
      'Look at the error beside it; the record is on the dead-letter topic, or its key waits, as configured.',
    status: 500,
  },
} as const satisfies Record<string, ErrorEntry>;
