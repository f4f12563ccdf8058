/** The statements of people's decisions, one verb a file in sql/. */
import { readFileSync } from 'node:fs';

function sqlFile(name: string): string {
  return readFileSync(new URL(`./sql/operate-${name}.sql`, import.meta.url), 'utf8');
}

export const OPERATE = {
  setLimit: sqlFile('set-limit'),
  moveWatermark: sqlFile('move-watermark'),
  find: sqlFile('find'),
  propose: sqlFile('propose'),
  approve: sqlFile('approve'),
  command: sqlFile('command'),
  deny: sqlFile('deny'),
  outcome: sqlFile('outcome'),
  attention: sqlFile('attention'),
  audit: sqlFile('audit'),
  auditEnd: sqlFile('audit-end'),
} as const;
