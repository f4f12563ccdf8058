import type { ErrorEntry } from './entry.ts';

/** SB-2xxx: the ledger (Postgres). */
export const ledgerErrors = {
  'SB-2001': {
    cause: 'The ledger cannot be reached.',
    remedy: 'Check DATABASE_URL and that Postgres is up; Signalbox retries by itself.',
    status: 503,
  },
  'SB-2002': {
    cause: 'The ledger refused the user or password.',
    remedy: 'Correct user and password in DATABASE_URL.',
    status: 503,
  },
  'SB-2003': {
    cause: 'The ledger has not been migrated, or is older than this version.',
    remedy: 'Run "signalbox migrate", or allow migration at start.',
    status: 503,
  },
  'SB-2004': {
    cause: 'The ledger was migrated by a newer version of Signalbox.',
    remedy: 'Run the version that migrated it, or a newer one.',
    status: 503,
  },
  'SB-2005': {
    cause: 'The partition belongs to another consumer group in this ledger.',
    remedy: 'Use one group for one ledger; give a second deployment its own database.',
    status: 409,
  },
  'SB-2006': {
    cause: 'The topic has another topic id than the one this ledger knows: it was deleted and made again.',
    remedy:
      'Find out what was lost with the old topic, then give the ledger a new database or the topic a new name.',
    status: 409,
  },
  'SB-2007': {
    cause: 'The ledger holds less than is known elsewhere: it lost history, or somebody reset the group.',
    remedy: 'Fetching goes on from the ledger; check for a restore of the database or a reset of the group.',
    status: 409,
  },
  'SB-2008': {
    cause: 'The ledger refused a value.',
    remedy: 'This is a defect of Signalbox: report the log line with this code.',
    status: 500,
  },
  'SB-2009': {
    cause: 'The database user may not create or use the schema signalbox.',
    remedy: 'Grant it, or run "signalbox migrate" with a user who may.',
    status: 503,
  },
  'SB-2010': {
    cause: 'The database in DATABASE_URL does not exist.',
    remedy: 'Create it, or correct the name in DATABASE_URL.',
    status: 503,
  },
  'SB-2011': {
    cause: 'The embedded Postgres could not be started.',
    remedy: 'Read the log named beside this message, or set DATABASE_URL to a Postgres of your own.',
    status: 503,
  },
  'SB-2012': {
    cause: 'As many rows of the partition are parked as may be: its fetch pauses when memory is full too.',
    remedy: 'Free the stuck locations ("signalbox attention", "signalbox why"), or raise parkedMax.',
    status: 503,
  },
  'SB-2013': {
    cause: 'The servers of the ledger are not those that it was made of, or not in their order.',
    remedy: 'Name the same servers in the same order as at the first start; their number does not change.',
    status: 503,
  },
  'SB-2014': {
    cause: 'The topic has another number of partitions than when its ledger was made of several servers.',
    remedy: 'Take a new topic with a ledger of its own for more partitions (docs/operations.md).',
    status: 409,
  },
  'SB-2015': {
    cause: 'It is not known yet on which server of the ledger the location lies.',
    remedy: 'Start a worker first: it notes how many partitions the topic has.',
    status: 409,
  },
} as const satisfies Record<string, ErrorEntry>;
