/** Fields that many routes take or answer, each with the text "what is allowed". */
import { z } from 'zod';
import { CATALOGUE, type ErrorCode } from '../core/errors/catalogue.ts';
import { STATES } from '../core/states.ts';

const NAME = /^[A-Za-z0-9._~-]{1,128}$/;
const NAME_ALLOWED = '1 to 128 of A-Z a-z 0-9 . _ ~ -';

export const name = z.string({ error: NAME_ALLOWED }).regex(NAME, { error: NAME_ALLOWED });
export const pattern = z
  .string({ error: 'a location, or a pattern with * and ?' })
  .regex(/^[A-Za-z0-9._~?*-]{1,128}$/, { error: 'a location, or a pattern with * and ?' });
export const typeName = z
  .string({ error: 'the name of a type' })
  .regex(/^[A-Za-z0-9._~-]{1,64}$/, { error: 'the name of a type' });

export const codes = Object.keys(CATALOGUE) as [ErrorCode, ...ErrorCode[]];
export const errorCode = z.enum(codes, { error: 'a code of the catalogue, SB-…' });
export const state = z.enum(STATES, { error: `one of: ${STATES.join(', ')}` });

/** RFC 3339, UTC. */
export const time = z.iso.datetime({ offset: true, error: 'a time as in RFC 3339' });
export const count = z.number().int().min(0);
export const number = z.number().int();

/** In a query, where everything is text. */
export function wholeNumber(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

export function limit(max: number, otherwise: number) {
  return wholeNumber(1, max).default(otherwise);
}

export const yesOrNo = z.enum(['true', 'false'], { error: 'true or false' });

export const cursor = z.string().regex(/^[A-Za-z0-9_-]{1,8192}$/, { error: 'the cursor of an answer' });

const REASON = 'a reason of 1 to 500 characters';
/** Kept in the audit; nothing that breaks a line. */
export const reason = z
  .string({ error: REASON })
  .max(500, { error: REASON })
  .refine((text) => text.trim() !== '' && text.isWellFormed() && !hasControl(text), { error: REASON });

function hasControl(text: string): boolean {
  return [...text].some((character) => {
    const point = character.codePointAt(0) ?? 0;
    return point < 32 || point === 127;
  });
}

/** A comma between them: `held,in_doubt`. */
export function listOf<T extends string>(allowed: readonly T[]) {
  const error = `one or more of, with a comma between: ${allowed.join(', ')}`;
  return z
    .string({ error })
    .refine((text) => text.split(',').every((each) => (allowed as readonly string[]).includes(each)), {
      error,
    });
}

export const json: z.ZodType<unknown> = z.unknown();
