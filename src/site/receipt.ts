/** The receipt a machine prints: evidence of an effect. */
import { hash } from 'node:crypto';
import type { JsonObject } from '../core/answer.ts';
import type { Notes } from './dispenser.ts';

/** `{ receipt, notes?, at }`; the number is the same for the same seed and key. `at` is RFC 3339, the start of the effect. */
export function receiptOf(seed: string, key: string, notes: Notes | null): JsonObject {
  const receipt = hash('sha256', `receipt ${seed} ${key}`).slice(0, 12);
  const at = new Date().toISOString();
  return notes === null ? { receipt, at } : { receipt, notes: { ...notes }, at };
}
