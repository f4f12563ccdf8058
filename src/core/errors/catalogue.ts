/**
 * The catalogue of every error a person can meet, and the class that carries one. SB-1xxx records, SB-2xxx
 * ledger, SB-3xxx log, SB-4xxx participants, SB-5xxx process, SB-6xxx API,
 * SB-7xxx the library. A code never changes its meaning.
 */
import type { ErrorEntry } from './entry.ts';
import { ledgerErrors } from './ledger.ts';
import { libraryErrors } from './library.ts';
import { logErrors } from './log.ts';
import { participantErrors } from './participant.ts';
import { processErrors } from './process.ts';
import { recordErrors } from './record.ts';

export const CATALOGUE = {
  ...recordErrors,
  ...ledgerErrors,
  ...logErrors,
  ...participantErrors,
  ...processErrors,
  ...libraryErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof CATALOGUE;
export type RecordErrorCode = keyof typeof recordErrors;

/**
 * An error with a code of the catalogue. `detail` is the particular case (an address, a field, a name);
 * `final` says that retrying cannot help, so the process should end or the partition stop.
 */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly final: boolean;

  constructor(code: ErrorCode, detail = '', options: { cause?: unknown; final?: boolean } = {}) {
    const { cause: sentence } = CATALOGUE[code];
    super(`${code} ${sentence}${detail === '' ? '' : ` (${detail})`}`, { cause: options.cause });
    this.name = 'SignalboxError';
    this.code = code;
    this.detail = detail;
    this.final = options.final ?? false;
  }

  get remedy(): string {
    return CATALOGUE[this.code].remedy;
  }
}

/** A fact that must hold: assertions stay on in production. Throws SB-5006. */
export function assert(fact: boolean, what: string): asserts fact {
  if (!fact) throw new SignalboxError('SB-5006', what, { final: true });
}
