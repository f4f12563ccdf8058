/**
 * Where the next page of a search begins, as one opaque text. Pure.
 * A search goes through three parts in order: those that hold a slot, those that are parked, those with an outcome.
 */
import { z } from 'zod';
import { SignalboxError } from '../../core/errors/catalogue.ts';

const schema = z.union([
  z.strictObject({ part: z.literal('holding'), atMs: z.number(), id: z.string() }),
  z.strictObject({
    part: z.literal('parked'),
    after: z.nullable(z.strictObject({ partition: z.int(), location: z.string(), offset: z.number() })),
  }),
  z.strictObject({ part: z.literal('finals'), below: z.nullable(z.record(z.string(), z.number())) }),
  z.strictObject({
    part: z.literal('finals-of'),
    after: z.nullable(z.strictObject({ atMs: z.number(), id: z.string() })),
  }),
]);

export type Cursor = z.infer<typeof schema>;

export function cursorText(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Throws SB-6002 for a text that is not a cursor of ours. */
export function cursorOf(text: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    value = null;
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw new SignalboxError('SB-6002', 'cursor: not one that this search gave');
}
