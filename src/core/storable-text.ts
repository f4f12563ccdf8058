/** Text from outside, made fit for the ledger, the log and the eyes of a person. */

/** Characters of a foreign text that a detail shows. */
const SHOWN_MAX = 64;

/** At most `max` characters; U+0000 and lone surrogates, which Postgres refuses, become U+FFFD. */
export function storableText(text: string, max: number): string {
  return text.slice(0, max).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** A foreign value in a detail: its beginning as JSON, so that control characters and lone surrogates are escaped. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_MAX));
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return storableText(String(value), SHOWN_MAX);
}
