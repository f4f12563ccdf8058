/** Reads the answer of `GET /v1/capabilities` (contract 6). */
import { GRADES, type Grade } from '../../core/grade.ts';
import type { Capabilities } from '../../engine/ports.ts';

/**
 * Null for anything that is not a whole and consistent answer: a participant that calls itself G3 without a
 * fence, or G2 without replay, is taken at no word at all.
 */
export function parseCapabilities(body: unknown): Capabilities | null {
  if (typeof body !== 'object' || body === null) return null;
  const { contract, grade, replay, fence, status, reverse, retentionSeconds } = body as Record<
    string,
    unknown
  >;
  if (contract !== 1 || !isGrade(grade)) return null;
  if (typeof replay !== 'boolean' || typeof fence !== 'boolean') return null;
  if (typeof status !== 'boolean' || typeof reverse !== 'boolean') return null;
  if (typeof retentionSeconds !== 'number' || !(retentionSeconds >= 0)) return null;
  if (grade === 'G3' && !(replay && fence && status)) return null;
  if (grade === 'G2' && !replay) return null;
  if (grade === 'G1' && !status) return null;
  return { contract, grade, replay, fence, status, reverse, retentionSeconds };
}

function isGrade(value: unknown): value is Grade {
  return (GRADES as readonly unknown[]).includes(value);
}
