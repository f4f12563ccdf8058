/** What the simulated ledger cannot store (SQLSTATE class 22), and what is too large for one answer. */
import {
  type Entry,
  type EntryAnswer,
  LedgerError,
  type Park,
  type PartitionHead,
} from '../engine/ports-ledger.ts';
import type { SimPartition, SimRow } from './ledger-rows.ts';

/** An answer carries at most this much payload of existing rows (migrations/0003_begins.sql). */
const PAYLOAD_ROOM = 8 * 1024 * 1024;

/** Throws LedgerError `rejected` before anything of the commit is applied. */
export function refuseUnstorable(entries: readonly Entry[], rows: ReadonlyMap<string, SimRow>): void {
  for (const entry of entries) {
    for (const text of textsOf(entry)) {
      if (text?.includes('\u0000')) throw rejected(`a text of ${entry.kind} holds a null character`);
    }
  }
  refuseLargeAnswer(
    entries.filter((entry) => entry.kind === 'park'),
    rows,
  );
}

/** The writer counts result numbers differently (SB002): nothing is written. Throws LedgerError `refused`. */
export function refuseOtherNumber({ partition, lastNumber }: PartitionHead, known: SimPartition): void {
  if (lastNumber === known.lastNumber) return;
  const message = `partition ${partition} has result number ${known.lastNumber}, not ${lastNumber}`;
  throw new LedgerError('refused', message);
}

/** The known rows of parks are answered with their payloads, unless these are the entry's own. */
function refuseLargeAnswer(parks: readonly Park[], rows: ReadonlyMap<string, SimRow>): void {
  let room = PAYLOAD_ROOM;
  const fresh = new Map<string, string>();
  for (const { id, payload } of parks) {
    const known = rows.get(id)?.payload ?? fresh.get(id);
    if (known === undefined) fresh.set(id, payload);
    else if (known !== payload) room -= known.length;
    if (room < 0) throw rejected('the known rows are too large for one answer');
  }
}

/** Columns of type text; keys, values and payloads are bytes. */
function textsOf(entry: Entry): readonly (string | null)[] {
  switch (entry.kind) {
    case 'begin':
    case 'park':
      return [entry.id, entry.location, entry.type, entry.plan, entry.traceparent];
    case 'begin-parked':
      return [entry.plan];
    case 'change':
      return [entry.evidence, entry.reason, entry.detail];
    case 'dead-letter':
      return [entry.detail, entry.id, entry.location];
  }
}

export function rejected(why: string): LedgerError {
  return new LedgerError('rejected', why);
}

/** A begin whose known row does not fit the answer any more is busy, and asked again. */
export function busyBeyondRoom(entries: readonly Entry[], answers: EntryAnswer[]): void {
  let room = PAYLOAD_ROOM;
  for (const [index, answer] of answers.entries()) {
    if (answer.status !== 'exists' || entries[index]?.kind !== 'begin') continue;
    if (answer.row.payload.length > room) answers[index] = { status: 'busy' };
    else room -= answer.row.payload.length;
  }
}
