/**
 * What an error of `pg` means: for a person (a code of the catalogue), and for the commit protocol.
 *
 * PE1 `refused` and `rejected` are said only when the statement certainly did not land.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { LedgerError } from '../../engine/ports-ledger.ts';

/** SQLSTATE of an error that the server sent; null for broken connections and the like. */
export function sqlState(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  const severity = (error as { severity?: unknown } | null)?.severity;
  return typeof code === 'string' && severity !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** Problems of reaching and using the database, in the words of the catalogue. Anything else is SB-2001. */
export function connectionError(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const detail = messageOf(error);
  switch (sqlState(error)) {
    case '28P01': // wrong password
    case '28000': // no such user, or not allowed by pg_hba.conf
      return new SignalboxError('SB-2002', detail, { cause: error });
    case '42501': // insufficient privilege
      return new SignalboxError('SB-2009', detail, { cause: error });
    case '3D000':
      return new SignalboxError('SB-2010', detail, { cause: error });
    case '3F000': // no such schema
    case '42P01': // no such table
    case '42883': // no such function
      return new SignalboxError('SB-2003', detail, { cause: error });
    default:
      return new SignalboxError('SB-2001', detail, { cause: error });
  }
}

/** A failure before anything was sent: it did not land. */
export function notSent(error: unknown): LedgerError {
  const cause = connectionError(error);
  return new LedgerError('refused', cause.message, { cause });
}

/** A failure after the statement was sent. Without an answer of the server nothing is known. */
export function afterSent(error: unknown): LedgerError {
  const state = sqlState(error);
  const message = state === null ? messageOf(error) : `${messageOf(error)} (SQLSTATE ${state})`;
  if (state === null) return new LedgerError('lost', message, { cause: error });
  switch (state.slice(0, 2)) {
    case '22': // data exception
    case '23': // integrity constraint violation
      return new LedgerError('rejected', message, { cause: error });
    case '08': // connection exception
      return new LedgerError('lost', message, { cause: error });
    case '57':
      // 57014 is a cancelled statement (time-out); the others end the connection: shutdown, crash.
      return new LedgerError(state === '57014' ? 'refused' : 'lost', message, { cause: error });
    default:
      // Lock time-out 55P03, deadlock 40P01, 40001, resources 53xxx, and whatever else aborts a statement: the
      // server answered, so its transaction is rolled back.
      return new LedgerError('refused', message, { cause: error });
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}
