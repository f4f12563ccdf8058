/** The answers of participants, in the words of the contract (design, section 7). */
import type { ErrorCode } from './errors/catalogue.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Fencing token: decimal integer below 2^63 as text; compare with `BigInt`, never as text. */
export type Token = string;

export type CallKind = 'execute' | 'status' | 'reverse';

export type Answer =
  | { readonly outcome: 'done'; readonly evidence: JsonObject }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'retry'; readonly reason: string }
  | { readonly outcome: 'pending' }
  | { readonly outcome: 'never' }
  | { readonly outcome: 'reversed' }
  | { readonly outcome: 'stale'; readonly mark: Token }
  /** Anything else: time-out, broken connection, garbage. The effect of the call is not known. */
  | { readonly outcome: 'unknown'; readonly code: ErrorCode; readonly detail: string };
