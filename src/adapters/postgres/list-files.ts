/** The statements of the lists, one a file in sql/; each answers one json value in the column `answer`. */
import { readFileSync } from 'node:fs';

function sqlFile(name: string): string {
  return readFileSync(new URL(`./sql/list-${name}.sql`, import.meta.url), 'utf8');
}

export const LIST_SQL = {
  holding: sqlFile('holding'),
  parked: sqlFile('parked'),
  finals: sqlFile('finals'),
  finalsOf: sqlFile('finals-of'),
  numberAt: sqlFile('number-at'),
  lastNumbers: sqlFile('last-numbers'),
  series: sqlFile('series'),
  events: sqlFile('events'),
  openLocations: sqlFile('open-locations'),
  locationNames: sqlFile('location-names'),
  recent: sqlFile('recent'),
  locationDetail: sqlFile('location-detail'),
  attention: sqlFile('attention'),
  deadLetterCodes: sqlFile('dead-letter-codes'),
  commands: sqlFile('commands'),
  audit: sqlFile('audit'),
  limits: sqlFile('limits'),
} as const;
