/**
 * What became of the entries of a commit whose answer was lost, told from the rows as they are after the epoch
 * was raised (design 5). Pure: the caller has raised and read, in this order.
 *
 * Only this worker writes these partitions, so a row that differs from what we expected to find before the
 * commit was changed by the commit.
 */
import { CANCELLED, isRefusal } from './decisions.ts';
import type { Begin, BeginParked, Change, Entry, EntryAnswer, Park, Row } from './ports-ledger.ts';

/** `again`: it did not land and must be sent again. */
export type Settled = EntryAnswer | 'again';

export function settle(entry: Entry, row: Row | undefined, numberBefore: number): Settled {
  switch (entry.kind) {
    case 'begin':
      return settleBegin(entry, row, numberBefore);
    case 'begin-parked':
      return settleParked(entry, row, numberBefore);
    case 'park':
      return settlePark(entry, row);
    case 'change':
      return settleChange(entry, row, numberBefore);
    case 'dead-letter':
      return 'again'; // unique by its coordinates: a second one changes nothing
  }
}

function settleBegin(begin: Begin, row: Row | undefined, numberBefore: number): Settled {
  if (row === undefined) return 'again';
  const own = isOwn(begin, row);
  // In memory the slot was free before this commit, so an executing row in it can only come from the commit.
  if (own && row.state === 'executing' && row.slot === begin.slot) {
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs };
  }
  if (own && expiredUnbegun(row, numberBefore)) {
    return { status: 'expired', number: row.number };
  }
  return 'again'; // the ledger answers `exists` with everything needed
}

/**
 * A row that was parked before this commit looks the same. Its lane then expects a row too many, and the partition is
 * taken over again when it finds out; a row too few would let a later record overtake it.
 */
function settlePark(park: Park, row: Row | undefined): Settled {
  return isOwn(park, row) && row?.state === 'received' ? { status: 'done' } : 'again';
}

function settleParked(begin: BeginParked, row: Row | undefined, numberBefore: number): Settled {
  if (row === undefined || row.state === 'received') return 'again';
  if (row.state === 'executing' && row.slot === begin.slot) {
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs };
  }
  if (expiredUnbegun(row, numberBefore)) {
    return { status: 'expired', number: row.number };
  }
  return 'again'; // cancelled: the ledger says what it found
}

/**
 * Expired instead of begun, by the commit in question. What had begun and was rolled back when its deadline had passed
 * keeps its slot; it may have ended in the same commit, and this entry is its record, read once more.
 */
function expiredUnbegun(row: Row, numberBefore: number): row is Row & { readonly number: number } {
  return row.slot === 0 && row.reason === 'expired' && row.number !== null && row.number > numberBefore;
}

function isOwn({ partition, offset }: Begin | Park, row: Row | undefined): boolean {
  return row?.partition === partition && row.offset === offset;
}

/** A row that is parked, or that a begin of an earlier commit took: the one entry that may find something else. */
function settleCancel(row: Row | undefined, numberBefore: number): Settled {
  if (row === undefined) return { status: 'changed', state: null, token: null };
  if (row.state === 'received') return 'again';
  const { state, token, step, notAfterMs, number } = row;
  const own = row.reason === CANCELLED && number !== null && number > numberBefore;
  return own
    ? { status: 'done', state, step, token, notAfterMs, number }
    : { status: 'changed', state, token };
}

function settleChange(change: Change, row: Row | undefined, numberBefore: number): Settled {
  if (isRefusal(change)) return 'again';
  if (change.fromState === 'received') return settleCancel(row, numberBefore);
  if (row === undefined) return { status: 'changed', state: null, token: null };
  if (row.state === change.fromState && row.token === change.fromToken) return 'again';
  return {
    status: 'done',
    state: row.state,
    step: row.step,
    token: row.token,
    notAfterMs: row.notAfterMs,
    number: row.number,
  };
}
