/**
 * What became of the entries of a commit whose answer was lost, told from the rows as they are after the epoch
 * was raised (design 5). Pure: the caller has raised and read, in this order.
 *
 * Only this worker writes these partitions, so a row that differs from what we expected to find before the
 * commit was changed by the commit.
 */
import type { Begin, Change, Entry, EntryAnswer, Row } from './ports-ledger.ts';

/** `again`: it did not land and must be sent again. */
export type Settled = EntryAnswer | 'again';

export function settle(entry: Entry, row: Row | undefined, numberBefore: number): Settled {
  switch (entry.kind) {
    case 'begin':
      return settleBegin(entry, row, numberBefore);
    case 'change':
      return settleChange(entry, row);
    case 'dead-letter':
      return 'again'; // unique by its coordinates: a second one changes nothing
  }
}

function settleBegin(begin: Begin, row: Row | undefined, numberBefore: number): Settled {
  if (row === undefined) return 'again';
  const own = row.partition === begin.partition && row.offset === begin.offset;
  // In memory the slot was free before this commit, so an executing row in it can only come from the commit.
  if (own && row.state === 'executing' && row.slot === begin.slot) {
    return { status: 'done', token: row.token, notAfterMs: row.notAfterMs };
  }
  if (own && row.number !== null && row.number > numberBefore && row.reason === 'expired') {
    return { status: 'expired', number: row.number };
  }
  return 'again'; // the ledger answers `exists` with everything needed
}

function settleChange(change: Change, row: Row | undefined): Settled {
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
