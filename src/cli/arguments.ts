/** Readers of command-line arguments: each gives the value, or says what is needed. */
import { InvalidArgumentError } from 'commander';
import type { JsonObject } from '../core/answer.ts';
import { CATALOGUE, type ErrorCode } from '../core/errors/catalogue.ts';

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number is needed');
}

export function within(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = wholeNumber(text);
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`a whole number from ${min} to ${max} is needed`);
  };
}

export function jsonObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // said below
  }
  throw new InvalidArgumentError('a JSON object is needed');
}

export function errorCode(text: string): ErrorCode {
  if (Object.hasOwn(CATALOGUE, text)) return text as ErrorCode;
  throw new InvalidArgumentError('a code such as SB-1106 is needed');
}
