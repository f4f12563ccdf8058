/** The servers of the ledger: none (the embedded one), one, or the shards in their order. */
import type { Problem } from './problems.ts';

export function ledgerUrls(get: <T>(setting: string) => T | null, problems: Problem[]): readonly string[] {
  const url = get<string>('ledger.url');
  const urls = get<readonly string[]>('ledger.urls');
  if (urls === null) return url === null ? [] : [url];
  const field = 'ledger.urls';
  if (url !== null) problems.push({ field, found: 'ledger.url beside it', allowed: 'one of the two' });
  if (urls.length > 1 && get<unknown>('kafka.brokers') === null) {
    const allowed = 'one without kafka.brokers: the embedded log lies in the database of the ledger';
    problems.push({ field, found: `${urls.length} servers`, allowed });
  }
  return urls;
}
