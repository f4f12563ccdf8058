/**
 * Problems of a configuration, all of them at once: each names the field, what was found and what is allowed.
 * C2 Found values of secret fields are never shown.
 */
import type { z } from 'zod';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { withoutSecrets } from './config.ts';

export interface Problem {
  /** Dotted path in the file, or `environment NAME`, or `option --name`. */
  readonly field: string;
  readonly found: string;
  readonly allowed: string;
}

/** Longest text of a found value that is shown. */
const FOUND_MAX = 80;
const SECRET = /password|token$|secret|headers|sasl|session_?key$|(^|[._ ])key$/i;

/** The problems of one zod error; `root` stands before each path, `raw` is the value that was checked. */
export function problemsOf(error: z.ZodError, raw: unknown, root: string): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, raw, root));
}

function problemsOfIssue(issue: z.core.$ZodIssue, raw: unknown, root: string): Problem[] {
  const path = issue.path.map(String);
  const field = [root, ...path].filter((part) => part !== '').join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      found: 'an unknown field',
      allowed: issue.message,
    }));
  }
  if (issue.code === 'invalid_key') {
    const allowed = issue.issues.map((each) => each.message).join('; ');
    return [{ field, found: `the name ${JSON.stringify(path.at(-1) ?? '')}`, allowed }];
  }
  return [{ field, found: found(field, valueAt(raw, issue.path)), allowed: issue.message }];
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

/** A value as a problem shows it: bounded, without secrets. */
export function found(field: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (SECRET.test(field)) return 'a value that is not shown';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const shown = typeof value === 'string' && value.includes('@') ? withoutSecrets(value) : value;
  const text = typeof shown === 'string' ? JSON.stringify(shown) : String(shown);
  return text.length > FOUND_MAX ? `${text.slice(0, FOUND_MAX)}…` : text;
}

/** One SB-5002 with every problem in its detail, a line each. */
export function configurationError(problems: readonly Problem[]): SignalboxError {
  const lines = problems.map(
    ({ field, found: value, allowed }) => `${field}: found ${value}, allowed is ${allowed}`,
  );
  return new SignalboxError('SB-5002', lines.join('\n'), { final: true });
}
