/**
 * The names of the contract (contract 8). Compared byte by byte; being ASCII, text and ByteString of one are the
 * same string.
 */
const NAME = /^[A-Za-z0-9._~-]{1,128}$/;

/** Longest name of a type or a step, in characters. */
const TYPE_MAX = 64;

export function isLocation(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

export function isTransactionId(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

export function isTypeName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TYPE_MAX && NAME.test(value);
}
