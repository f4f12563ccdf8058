/** `signalbox send <location> <type> [data]`: puts one transaction on the topic. */
import { byteString } from '../core/byte-string.ts';
import { decodeRecord } from '../core/decode.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Types } from '../engine/options.ts';
import type { TransactionSender } from '../engine/ports.ts';
import { show, type Terminal } from './terminal.ts';

export interface SendRequest {
  readonly location: string;
  readonly type: string;
  /** JSON object as text. */
  readonly data: string | undefined;
  readonly id: string;
  readonly expiresAt: string | undefined;
  readonly nowMs: number;
  readonly dedupeWindowMs: number;
  /** Where it goes, for people. */
  readonly topic: string;
}

/** Throws SB-11xx for what would become a dead letter. */
export async function sendCommand(
  request: SendRequest,
  { sender, types }: { sender: TransactionSender; types: Types },
  terminal: Terminal,
): Promise<number> {
  const { location, type, id, expiresAt, nowMs, dedupeWindowMs, topic } = request;
  const value = Buffer.from(
    JSON.stringify({
      id,
      type,
      data: parsedData(request.data),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }),
  );
  const decoded = decodeRecord(
    { key: byteString(Buffer.from(location)), value: byteString(value), headers: [], timestampMs: nowMs },
    { nowMs, dedupeWindowMs, knownType: (name) => types.planOf(name) !== null },
  );
  if (!decoded.ok) throw new SignalboxError(decoded.code, decoded.detail);
  await sender.send([{ key: location, value }]);
  show(terminal, { id, location, type, topic }, () => [
    `${id} is on ${topic}. See it with: signalbox show ${id}`,
  ]);
  return 0;
}

function parsedData(data: string | undefined): unknown {
  if (data === undefined) return {};
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new SignalboxError('SB-1112', `data: ${(error as Error).message}`);
  }
}
