/** The statements of the ledger, one verb a file in sql/, read once when the module is loaded. */
import { readFileSync } from 'node:fs';

function sqlFile(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');
}

export const SQL = {
  session: sqlFile('session'),
  commit: sqlFile('commit'),
  takeOverKnow: sqlFile('take-over-know'),
  takeOverRaise: sqlFile('take-over-raise'),
  takeOverOwner: sqlFile('take-over-owner'),
  takeOverHistory: sqlFile('take-over-history'),
  takeOverDoubt: sqlFile('take-over-doubt'),
  takeOverHolders: sqlFile('take-over-holders'),
  takeOverParked: sqlFile('take-over-parked'),
  takeOverEvent: sqlFile('take-over-event'),
  raise: sqlFile('raise'),
  read: sqlFile('read'),
  results: sqlFile('results'),
  commits: sqlFile('commits'),
  skipNumbers: sqlFile('skip-numbers'),
  parked: sqlFile('parked'),
  commands: sqlFile('commands'),
  limits: sqlFile('limits'),
  prune: sqlFile('prune'),
  notePartitions: sqlFile('note-partitions'),
  heartbeat: sqlFile('heartbeat'),
} as const;
