/**
 * A dead letter goes on the topic once more, as it is or mended.
 *
 * RD1 What would become a dead letter again is not sent, and changes nothing.
 * RD2 The replay is noted, with its audit, before the record is sent, and again after it; when the second is missing
 *     the same replay can be begun again: its id makes a second record a duplicate.
 * RD3 The new record names the old one in a header, the dead letter names the transaction.
 */
import { byteString, bytesOf } from '../core/byte-string.ts';
import { type Decoded, decodeRecord } from '../core/decode.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { RecordHeader } from '../core/record-headers.ts';
import type { Types } from './options.ts';
import type { TransactionSender } from './ports.ts';
import type { DeadLetterDesk, StoredDeadLetter } from './ports-dead-letters.ts';
import type { Who } from './ports-operate.ts';
import type { DeadLetterAt } from './ports-read.ts';

const REPLAY_HEADER = 'signalbox-replay-of';

export interface Replay extends DeadLetterAt, Who {
  /** Instead of the record's own. */
  readonly key?: string;
  readonly value?: Buffer;
}

export interface ReplayDoors {
  readonly desk: DeadLetterDesk;
  readonly sender: TransactionSender;
  readonly types: Types;
  /** Unix time in ms. */
  readonly nowMs: number;
  readonly dedupeWindowMs: number;
}

/**
 * Resolves with the id of the transaction. Throws SB-6001 when there is no such dead letter, SB-6010 when somebody
 * has dealt with it, SB-6011 when the ledger holds the id already, SB-11xx when it would be a dead letter again.
 */
export async function replayDeadLetter(replay: Replay, doors: ReplayDoors): Promise<string> {
  const { desk, sender } = doors;
  const letter = await findDeadLetter(replay, desk);
  const { id, location, value, headers } = recordOf(letter, replay, doors);
  if (letter.state === 'open' && (await desk.holdsTransaction(id))) throw new SignalboxError('SB-6011', id);
  if (!(await desk.replaying(replay, id, replay))) throw new SignalboxError('SB-6010', stateText(letter));
  const of = `${letter.topic}/${letter.partition}/${letter.offset}`;
  await sender.send([{ key: location, value, headers: { ...headers, [REPLAY_HEADER]: of } }]);
  await desk.replayed(replay);
  return id;
}

/** Throws SB-6001. */
export async function findDeadLetter(at: DeadLetterAt, desk: DeadLetterDesk): Promise<StoredDeadLetter> {
  const letter = await desk.find(at);
  if (letter === null) throw new SignalboxError('SB-6001', `dead letter ${at.partition}/${at.offset}`);
  return letter;
}

/** Throws SB-6001, and SB-6010 when somebody has dealt with it. */
export async function discardDeadLetter(at: DeadLetterAt & Who, desk: DeadLetterDesk): Promise<void> {
  const letter = await findDeadLetter(at, desk);
  if (!(await desk.discard(at, at))) throw new SignalboxError('SB-6010', stateText(letter));
}

function recordOf(letter: StoredDeadLetter, replay: Replay, doors: ReplayDoors) {
  const key = replay.key === undefined ? letter.key : byteString(Buffer.from(replay.key));
  const value = replay.value === undefined ? letter.value : byteString(replay.value);
  const decoded = decodeRecord(
    { key, value, headers: letter.headers, timestampMs: doors.nowMs },
    {
      nowMs: doors.nowMs,
      dedupeWindowMs: doors.dedupeWindowMs,
      knownType: (name) => doors.types.planOf(name) !== null,
    },
  );
  if (!decoded.ok) throw new SignalboxError(decoded.code, decoded.detail);
  const { id, location }: Decoded = decoded;
  return { id, location, value: value === null ? null : bytesOf(value), headers: named(letter.headers) };
}

function named(headers: readonly RecordHeader[]): Record<string, Buffer> {
  return Object.fromEntries(headers.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])));
}

function stateText({ partition, offset, state, replayedAs, resolvedBy }: StoredDeadLetter): string {
  const as = replayedAs === null ? '' : ` as ${replayedAs}`;
  const by = resolvedBy === null ? '' : ` by ${resolvedBy}`;
  return `${partition}/${offset} is ${state}${as}${by}`;
}
