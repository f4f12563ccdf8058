/** Catalogue, docs and sources name the same error codes. */
import type { TextFile } from './sources.ts';

export const ERRORS_PAGE = 'docs/reference/errors.md';

/** Where a code may be made up: the tests of this rule and of others. */
const EXAMPLES = /\.test\.ts$/;

export function errorCodes(codes: readonly string[], files: readonly TextFile[]): string[] {
  const known = new Set(codes);
  const page = files.find(({ path }) => path === ERRORS_PAGE);
  if (page === undefined) return [`${ERRORS_PAGE} is missing: run node tools/errors-doc.ts`];
  const documented = new Set(codesIn(page.text));
  const violations = codes
    .filter((code) => !documented.has(code))
    .map((code) => `${code} is not in ${ERRORS_PAGE}: run node tools/errors-doc.ts`);
  for (const { path, text } of files) {
    if (EXAMPLES.test(path)) continue;
    for (const code of new Set(codesIn(text))) {
      if (!known.has(code)) violations.push(`${path} names ${code}, which is not in the catalogue`);
    }
  }
  return violations;
}

function codesIn(text: string): string[] {
  return text.match(/\bSB-\d{4}\b/g) ?? [];
}
