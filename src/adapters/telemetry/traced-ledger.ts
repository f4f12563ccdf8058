/**
 * A ledger whose commits are spans of the transactions in them, and whose rows say which trace a transaction is in.
 *
 * TL1 What is recorded comes after the answer of the ledger and changes nothing of it.
 */
import { isFinal, isHolding } from '../../core/states.ts';
import type {
  Begin,
  BeginParked,
  Change,
  Commit,
  Entry,
  EntryAnswer,
  Ledger,
  ParkedRow,
} from '../../engine/ports-ledger.ts';
import { LedgerError } from '../../engine/ports-ledger.ts';
import type { OpenTransaction, Traces } from './traces.ts';

interface CommitTimes {
  readonly startMs: number;
  readonly endMs: number;
}

export function tracedLedger(ledger: Ledger, traces: Traces, worker: string): Ledger {
  return {
    commit: async (given) => {
      const commit = asGiven(given, traces);
      const startMs = traces.nowMs();
      try {
        const answer = await ledger.commit(commit);
        const times = { startMs, endMs: traces.nowMs() };
        for (const [index, entry] of commit.entries.entries()) {
          const of = answer.answers[index];
          if (of !== undefined) committed(traces, entry, of, times);
        }
        return answer;
      } catch (error) {
        const why = error instanceof LedgerError ? error.failure : 'failed';
        const times = { startMs, endMs: traces.nowMs() };
        for (const entry of commit.entries) failed(traces, entry, why, times);
        throw error;
      }
    },
    takeOver: async (partition) => {
      const startMs = traces.nowMs();
      const answer = await ledger.takeOver(partition);
      if (answer.outcome !== 'owned') return answer;
      const endMs = traces.nowMs();
      for (const row of answer.holders) {
        const of = traces.openedRow(row);
        const attributes = {
          'signalbox.worker': worker,
          'signalbox.epoch': answer.epoch,
          'signalbox.state': row.state,
        };
        if (of !== null) traces.child(of, { name: 'take over', startMs, endMs, attributes });
      }
      return answer;
    },
    read: async (ids, partitions) => {
      const rows = await ledger.read(ids, partitions);
      for (const row of rows) {
        const known = traces.get(row.id);
        const { state, reason, finishedAtMs } = row;
        if (isHolding(state)) traces.openedRow(row);
        // A commit whose answer was lost had ended it.
        else if (known !== undefined && finishedAtMs !== null)
          traces.finished(known, { state, reason, endMs: finishedAtMs });
      }
      return rows;
    },
    parked: async (lane) => {
      const rows = await ledger.parked(lane);
      for (const row of rows) parkedRead(traces, lane, row);
      return rows;
    },
    raise: (owned) => ledger.raise(owned),
    misplaced: (location, partition) => ledger.misplaced?.(location, partition) ?? null,
    results: (partition, after, limit) => ledger.results(partition, after, limit),
    commits: (partitions) => ledger.commits(partitions),
    skipNumbers: (partition, epoch, number) => ledger.skipNumbers(partition, epoch, number),
    commands: (partitions) => ledger.commands(partitions),
    limits: (sinceMs) => ledger.limits(sinceMs),
    prune: (partition, olderThanMs, limit) => ledger.prune(partition, olderThanMs, limit),
    notePartitions: (count) => ledger.notePartitions(count),
    heartbeat: (heartbeat, series) => ledger.heartbeat(heartbeat, series),
    close: () => ledger.close(),
  };
}

/** Dead letters with the headers that their producer wrote. */
function asGiven(commit: Commit, traces: Traces): Commit {
  if (!commit.entries.some(({ kind }) => kind === 'dead-letter')) return commit;
  const entries = commit.entries.map((entry) =>
    entry.kind === 'dead-letter' ? { ...entry, headers: traces.withoutAdded(entry.headers) } : entry,
  );
  return { ...commit, entries };
}

/** A page of a lane that is read again changes nothing: its rows are the same. */
function parkedRead(
  traces: Traces,
  { partition, location }: { readonly partition: number; readonly location: string },
  { id, traceparent, type, recordTimeMs }: ParkedRow,
): void {
  if (traces.get(id) === undefined) {
    traces.opened({ id, traceparent, location, type, partition, sinceMs: recordTimeMs });
  }
}

function committed(traces: Traces, entry: Entry, answer: EntryAnswer, times: CommitTimes): void {
  switch (entry.kind) {
    case 'begin':
      begun(traces, entry, answer, times);
      break;
    case 'begin-parked':
      begunParked(traces, entry, answer, times);
      break;
    case 'change':
      changed(traces, entry, answer, times);
      break;
    case 'park':
    case 'dead-letter':
      // Parked rows come back by `parked`; a bad record has no transaction.
      traces.arrivalOf(entry.partition, entry.offset, { forget: true });
  }
}

function begun(traces: Traces, begin: Begin, { status }: EntryAnswer, times: CommitTimes): void {
  const waits = status === 'busy' || status === 'paused' || status === 'fenced';
  const arrivedMs = traces.arrivalOf(begin.partition, begin.offset, { forget: !waits });
  if (status !== 'done' && status !== 'expired') return;
  const of = traces.opened({ ...begin, sinceMs: arrivedMs ?? times.startMs });
  if (of !== null) begins(traces, of, { slot: begin.slot, expired: status === 'expired', times });
}

function begunParked(
  traces: Traces,
  { id, slot }: BeginParked,
  { status }: EntryAnswer,
  times: CommitTimes,
): void {
  const of = traces.get(id);
  if (of === undefined || (status !== 'done' && status !== 'expired')) return;
  begins(traces, of, { slot, expired: status === 'expired', times });
}

function begins(
  traces: Traces,
  of: OpenTransaction,
  { slot, expired, times }: { readonly slot: number; readonly expired: boolean; readonly times: CommitTimes },
): void {
  const attributes = { 'signalbox.location': of.location, 'signalbox.slot': slot };
  traces.child(of, { name: 'lane', startMs: of.sinceMs, endMs: times.startMs, attributes });
  traces.child(of, { name: 'begin', ...times, attributes });
  if (expired) traces.finished(of, { state: 'rolled_back', reason: 'expired', endMs: times.endMs });
}

function changed(traces: Traces, change: Change, answer: EntryAnswer, times: CommitTimes): void {
  const of = traces.get(change.id);
  if (of === undefined || answer.status !== 'done' || !('state' in answer)) return;
  const final = isFinal(answer.state);
  const attributes = {
    'signalbox.event': change.event,
    'signalbox.from': change.fromState,
    'signalbox.to': answer.state,
    ...(change.code === null ? {} : { 'signalbox.code': change.code }),
  };
  traces.child(of, { name: final ? 'finish' : 'change', ...times, attributes });
  if (final) traces.finished(of, { state: answer.state, reason: change.reason, endMs: times.endMs });
}

/** The commit may have landed all the same: what follows says so, in spans of its own. */
function failed(traces: Traces, entry: Entry, why: string, times: CommitTimes): void {
  const of = entry.kind === 'change' || entry.kind === 'begin-parked' ? traces.get(entry.id) : undefined;
  const opening = entry.kind === 'begin' ? tried(traces, entry, times) : of;
  if (opening === null || opening === undefined) return;
  const name = entry.kind === 'change' ? 'change' : 'begin';
  traces.child(opening, { name, ...times, attributes: {}, error: `commit ${why}` });
}

function tried(traces: Traces, begin: Begin, { startMs }: CommitTimes): OpenTransaction | null {
  const arrivedMs = traces.arrivalOf(begin.partition, begin.offset, { forget: false });
  return traces.opened({ ...begin, sinceMs: arrivedMs ?? startMs });
}
