/**
 * POST /v1/transactions: the body is one record value with its location; it is checked exactly as the engine
 * will check it, then produced. Sending the same again is harmless: the ledger drops duplicates by id.
 */
import { z } from 'zod';
import { byteString } from '../core/byte-string.ts';
import { decodeRecord } from '../core/decode.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Types } from '../engine/options.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import { json, name, time, typeName } from './fields.ts';

/** W3C trace context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** For the document: what the body holds is checked as the engine checks a record. */
export const submissionSchema = z.object({
  id: name,
  type: typeName,
  location: name,
  data: z.record(z.string(), json).optional(),
  expiresAt: time.optional(),
});

export interface SubmitDoors {
  readonly world: World;
  readonly sender: TransactionSender;
  readonly types: Types;
  readonly dedupeWindowMs: number;
  /** Throws SB-6004 when the caller does not count for the location. */
  readonly mayAt: (location: string) => void;
}

export interface Submitted {
  readonly id: string;
  readonly location: string;
}

/** Throws SB-11xx for a body that would become a dead letter, SB-3xxx when it could not be produced. */
export async function submit(
  body: Buffer,
  traceparent: string | null,
  doors: SubmitDoors,
): Promise<Submitted> {
  const location = locationIn(body);
  const nowMs = doors.world.now();
  const decoded = decodeRecord(
    {
      key: location === null ? null : byteString(Buffer.from(location, 'utf8')),
      value: byteString(body),
      headers: [],
      timestampMs: nowMs,
    },
    { nowMs, dedupeWindowMs: doors.dedupeWindowMs, knownType: (type) => doors.types.planOf(type) !== null },
  );
  if (!decoded.ok) {
    if (location === null)
      throw new SignalboxError('SB-6002', 'location: a text is needed, it becomes the record key');
    throw new SignalboxError(decoded.code, decoded.detail);
  }
  const headers = traceparent !== null && TRACEPARENT.test(traceparent) ? { headers: { traceparent } } : {};
  doors.mayAt(decoded.location);
  await doors.sender.send([{ key: decoded.location, value: body, ...headers }]);
  return { id: decoded.id, location: decoded.location };
}

/** Null when there is none; a body that is no JSON object is given any location, so that decoding names its fault. */
function locationIn(body: Buffer): string | null {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return 'unknown';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'unknown';
  const location: unknown = Reflect.get(value, 'location');
  return typeof location === 'string' && location !== '' ? location : null;
}
