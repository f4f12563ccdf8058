/** `signalbox dead-letters`: records that became no transaction, and what people do about them. */
import { type ByteString, bytesOf } from '../core/byte-string.ts';
import { type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import type { DeadLetterDesk, StoredDeadLetter } from '../engine/ports-dead-letters.ts';
import type { Who } from '../engine/ports-operate.ts';
import type { DeadLetterAt, DeadLetterFilter, DeadLetterView, ReadModel } from '../engine/ports-read.ts';
import {
  discardDeadLetter,
  findDeadLetter,
  type Replay,
  type ReplayDoors,
  replayDeadLetter,
} from '../engine/replay-dead-letter.ts';
import { type Cell, clock, fields, show, type Terminal, table } from './terminal.ts';

/** Which ones: one, or every open one with a code. */
export type Chosen =
  | { readonly at: DeadLetterAt }
  | { readonly code: ErrorCode; readonly limit: number; readonly read: Pick<ReadModel, 'deadLetters'> };

/** What was done about one of them. */
interface Outcome extends DeadLetterAt {
  readonly outcome: string;
  /** Id of the transaction of a replay. */
  readonly id: string | null;
  readonly error: string | null;
}

export async function deadLettersCommand(
  filter: DeadLetterFilter,
  read: Pick<ReadModel, 'deadLetters'>,
  terminal: Terminal,
): Promise<number> {
  const list = await read.deadLetters(filter);
  const none = filter.unresolved ? 'no dead letter is open' : 'there is no dead letter';
  show(terminal, list, () => (list.length === 0 ? [none] : tableOf(list)));
  return 0;
}

function tableOf(list: readonly DeadLetterView[]): string[] {
  return table(
    ['dead letter', 'time', 'location', 'id', 'state', 'code', 'detail'],
    list.map((row): Cell[] => [
      placeText(row),
      clock(row.at),
      row.location,
      row.id,
      row.replayedAs === null ? row.state : `${row.state} as ${row.replayedAs}`,
      row.code,
      row.detail,
    ]),
  );
}

/** Throws SB-6001. */
export async function showDeadLetterCommand(
  at: DeadLetterAt,
  desk: DeadLetterDesk,
  terminal: Terminal,
): Promise<number> {
  const letter = await findDeadLetter(at, desk);
  const headers = letter.headers.map(({ name, value }): [string, string | null] => [
    name,
    value === null ? null : value.toString(),
  ]);
  const key = letter.key === null ? null : bytesOf(letter.key);
  const value = letter.value === null ? null : bytesOf(letter.value);
  const machine = {
    ...letter,
    key: key?.toString() ?? null,
    keyBase64: key?.toString('base64') ?? null,
    value: value?.toString() ?? null,
    valueBase64: value?.toString('base64') ?? null,
    headers,
  };
  show(terminal, machine, () => fields([...entriesOf(letter), ...headers.map(headerLine)]));
  return 0;
}

function entriesOf(letter: StoredDeadLetter): [string, Cell][] {
  const { resolvedAt, resolvedBy, resolvedReason, replayedAs } = letter;
  const cause = new SignalboxError(letter.code, letter.detail);
  return [
    ['dead letter', `${letter.topic}/${placeText(letter)}`],
    ['state', letter.state],
    ['why', cause.message],
    ['remedy', cause.remedy],
    ['id', letter.id],
    ['location', letter.location],
    ['record of', clock(letter.recordAt)],
    ['refused', clock(letter.at)],
    ['dealt with', resolvedAt && `${clock(resolvedAt)} by ${resolvedBy}: ${resolvedReason}`],
    ['replayed as', replayedAs],
    ['key', bytesText(letter.key)],
    ['value', bytesText(letter.value)],
  ];
}

/** As text where it is text without control characters, else in hexadecimal. */
function bytesText(bytes: ByteString | null): string {
  if (bytes === null) return 'none';
  const buffer = bytesOf(bytes);
  const text = buffer.toString();
  const printable = Buffer.from(text).equals(buffer) && !/\p{Cc}/u.test(text.replace(/[\n\r\t]/g, ''));
  return printable ? text : `0x${buffer.toString('hex')}`;
}

function headerLine([name, value]: [string, string | null]): [string, Cell] {
  return ['header', `${name}: ${value ?? 'none'}`];
}

/** 0: all of them were sent; 1: some were not, each with its reason. */
export async function replayCommand(
  { chosen, who, mended }: { chosen: Chosen; who: Who; mended: Pick<Replay, 'key' | 'value'> },
  doors: ReplayDoors,
  terminal: Terminal,
): Promise<number> {
  return await forEach(chosen, terminal, async (at) => {
    const id = await replayDeadLetter({ ...at, ...who, ...mended }, doors);
    return { ...at, outcome: 'replayed', id, error: null };
  });
}

/** 0: all of them are discarded; 1: some are not, each with its reason. */
export async function discardCommand(
  { chosen, who }: { chosen: Chosen; who: Who },
  desk: DeadLetterDesk,
  terminal: Terminal,
): Promise<number> {
  return await forEach(chosen, terminal, async (at) => {
    await discardDeadLetter({ ...at, ...who }, desk);
    return { ...at, outcome: 'discarded', id: null, error: null };
  });
}

async function forEach(
  chosen: Chosen,
  terminal: Terminal,
  work: (at: DeadLetterAt) => Promise<Outcome>,
): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const at of await placesOf(chosen)) {
    outcomes.push(
      await work(at).catch((error: unknown) => {
        // One that cannot be replayed must not stop the others; anything but its own fault stops all.
        if (!(error instanceof SignalboxError) || 'at' in chosen) throw error;
        return { ...at, outcome: 'left', id: null, error: error.message };
      }),
    );
  }
  show(terminal, outcomes, () =>
    outcomes.length === 0 ? ['no open dead letter has this code'] : outcomes.map(outcomeText),
  );
  return outcomes.some(({ error }) => error !== null) ? 1 : 0;
}

async function placesOf(chosen: Chosen): Promise<DeadLetterAt[]> {
  if ('at' in chosen) return [chosen.at];
  const { code, limit, read } = chosen;
  const list = await read.deadLetters({ unresolved: true, code, limit });
  // The oldest first, as their records were.
  return list.toReversed().map(({ partition, offset }) => ({ partition, offset }));
}

function outcomeText(each: Outcome): string {
  const place = placeText(each);
  if (each.error !== null) return `${place} left as it was: ${each.error}`;
  return each.id === null
    ? `${place} ${each.outcome}`
    : `${place} ${each.outcome} as ${each.id}. See it with: signalbox show ${each.id}`;
}

function placeText({ partition, offset }: DeadLetterAt): string {
  return `${partition}/${offset}`;
}
