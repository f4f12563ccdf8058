/**
 * Writes docs/reference/errors.md from the catalogue: `node tools/errors-doc.ts`. test/tidy.test.ts fails when
 * the page is not what this makes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CATALOGUE, type ErrorCode } from '../src/core/errors/catalogue.ts';

const AREAS: readonly (readonly [prefix: string, title: string])[] = [
  ['SB-1', 'Records'],
  ['SB-2', 'Ledger'],
  ['SB-3', 'Log'],
  ['SB-4', 'Participants, doubt and held transactions'],
  ['SB-5', 'Configuration, process, command line'],
  ['SB-6', 'API'],
  ['SB-7', 'Library'],
];

const INTRODUCTION = `# Errors

Every error has a code that never changes its meaning. Log, API, command line and dashboard show the same code,
with the particular case beside it. "HTTP" is the status of an API answer that carries the code.

This page is made from the catalogue in \`src/core/errors\` by \`node tools/errors-doc.ts\`.
`;

/** The whole page as Markdown. */
export function errorsPage(): string {
  const codes = (Object.keys(CATALOGUE) as ErrorCode[]).sort();
  const sections = AREAS.map(([prefix, title]) => {
    const entries = codes.filter((code) => code.startsWith(prefix)).map(entryText);
    return `\n## ${title} (${prefix}xxx)\n${entries.join('')}`;
  });
  return INTRODUCTION + sections.join('');
}

function entryText(code: ErrorCode): string {
  const { cause, remedy, status } = CATALOGUE[code];
  return `\n### ${code}\n\n${cause}\n\n- What to do: ${remedy}\n- HTTP: ${status}\n`;
}

if (import.meta.main) {
  const path = resolve(import.meta.dirname, '../docs/reference/errors.md');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, errorsPage());
  console.log(`wrote ${path}`);
}
