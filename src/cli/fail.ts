/**
 * How an error ends a command: code, cause, detail and remedy on standard error, and the exit code (sysexits):
 * 78 a configuration that cannot work, 69 something is not available, 1 everything else.
 */
import { CATALOGUE, type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import type { Terminal } from './terminal.ts';

export const EXIT_OTHER = 1;
const EXIT_UNAVAILABLE = 69;
const EXIT_CONFIGURATION = 78;

const CONFIGURATION: ReadonlySet<ErrorCode> = new Set([
  'SB-5001',
  'SB-5002',
  'SB-5003',
  'SB-5004',
  'SB-5005',
  'SB-5009',
]);

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof SignalboxError)) return EXIT_OTHER;
  if (CONFIGURATION.has(error.code)) return EXIT_CONFIGURATION;
  if (error.code === 'SB-5006') return EXIT_OTHER;
  if (error.final) return EXIT_CONFIGURATION;
  return CATALOGUE[error.code].status === 503 ? EXIT_UNAVAILABLE : EXIT_OTHER;
}

/** Prints the error; returns the exit code. */
export function fail(error: unknown, terminal: Pick<Terminal, 'json' | 'err'>): number {
  const known =
    error instanceof SignalboxError
      ? error
      : new SignalboxError('SB-6005', describe(error), { cause: error });
  const { code, detail, remedy } = known;
  const { cause } = CATALOGUE[code];
  if (terminal.json) terminal.err(JSON.stringify({ error: { code, cause, detail, remedy } }));
  else for (const line of errorLines(known)) terminal.err(line);
  return exitCodeOf(error);
}

/** `SB-2001 The ledger cannot be reached.`, then detail and remedy, indented. */
export function errorLines({ code, detail, remedy }: SignalboxError): string[] {
  const details = detail === '' ? [] : detail.split('\n').map((line) => `  ${line}`);
  return [`${code} ${CATALOGUE[code].cause}`, ...details, `  Remedy: ${remedy}`];
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
