/**
 * The story of one location, or of a partition where a violation names no location: its records, rows, transitions,
 * journal lines and results, and what was done around them, in time order.
 */
import type { Evidence, TransactionRow } from '../../src/checkers/evidence.ts';
import { partitionOf } from '../../src/core/murmur2.ts';
import type { FaultEntry } from './fault-log.ts';

/** Who tells it: a column of the page. */
export const VOICES = ['fault', 'worker', 'topic', 'ledger', 'site', 'results'] as const;
export type Voice = (typeof VOICES)[number];

export interface Moment {
  readonly atMs: number;
  readonly voice: Voice;
  readonly text: string;
  /** The transaction it is about. */
  readonly id: string | null;
}

export interface Story {
  readonly subject: string;
  readonly violation: string;
  readonly moments: readonly Moment[];
}

/** Faults and take-overs so long before the first and after the last moment of the location belong to it. */
const AROUND_MS = 20_000;

/** Null when the violation names nothing that the evidence knows. */
export function storyOf(violation: string, evidence: Evidence, faults: readonly FaultEntry[]): Story | null {
  const row = evidence.transactions.find(({ id }) => names(violation, id));
  const location = row?.location ?? locationIn(violation, evidence);
  if (location === null) return null;
  const partition = row?.partition ?? partitionOf(location, evidence.partitions.length);
  const own = ownMoments(location, partition, evidence);
  // Of a long run: what surrounds the transaction that is named.
  const ofRow = row === undefined ? own : own.filter(({ id }) => id === row.id);
  const times = (ofRow.length === 0 ? own : ofRow).map(({ atMs }) => atMs);
  const fromMs = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) - AROUND_MS;
  const toMs = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) + AROUND_MS;
  const moments = [...own, ...faultMoments(faults), ...workerMoments(evidence, partition)]
    .filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    .sort((a, b) => a.atMs - b.atMs);
  return { subject: `${location} (partition ${partition})`, violation, moments };
}

/** The id stands in the text as a whole word. */
function names(violation: string, id: string): boolean {
  const at = violation.indexOf(id);
  return at >= 0 && !/[\w.~-]/.test(violation[at + id.length] ?? ' ');
}

function locationIn(violation: string, { records }: Evidence): string | null {
  const found = records.find(({ key, partition, offset }) => {
    if (key === null || key === '') return false;
    return names(violation, key) || names(violation, `${partition}/${offset}`);
  });
  return found?.key ?? null;
}

function ownMoments(location: string, partition: number, evidence: Evidence): Moment[] {
  const ids = new Set(evidence.transactions.flatMap((row) => (row.location === location ? [row.id] : [])));
  return [
    ...evidence.records
      .filter(({ key }) => key === location)
      .map((record) => {
        const id = evidence.transactionOf(record)?.id ?? null;
        const text = `record ${record.partition}/${record.offset} ${id ?? 'which is no transaction'}`;
        return { atMs: record.producedAtMs, voice: 'topic' as const, text, id };
      }),
    ...evidence.transactions.filter((row) => row.location === location).flatMap(rowMoments),
    ...evidence.transitions
      .filter(({ id }) => ids.has(id))
      .map(({ id, atMs, event, from, to, token, worker, epoch }) => {
        const text = `${id} ${event}: ${from} → ${to}, token ${token ?? 'none'}, ${worker} epoch ${epoch}`;
        return { atMs, voice: 'ledger' as const, text, id };
      }),
    ...evidence.journal
      .filter((line) => line.location === location)
      .map(({ at, event, key, kind, token, accepted, outcome }) => {
        const refused = accepted === false ? ', not accepted' : '';
        const text = `${event} ${kind} of ${key}, token ${token}${refused}${outcome === undefined ? '' : `: ${outcome}`}`;
        return { atMs: at, voice: 'site' as const, text, id: key.slice(0, key.lastIndexOf(':')) };
      }),
    ...evidence.deadLetters
      .filter((letter) => letter.partition === partition && letter.location === location)
      .map(({ atMs, offset, code, id }) => {
        const text = `dead letter of record ${partition}/${offset}: ${code}`;
        return { atMs, voice: 'ledger' as const, text, id };
      }),
  ];
}

function rowMoments(row: TransactionRow): Moment[] {
  const { id, state, slot, parkedAtMs, beganAtMs, finishedAtMs, token, worker, epoch, reason } = row;
  const moment = (atMs: number | null, text: string, voice: Voice = 'ledger'): Moment[] =>
    atMs === null ? [] : [{ atMs, voice, text: `${id} ${text}`, id }];
  return [
    ...moment(parkedAtMs, 'parked'),
    ...moment(beganAtMs, `began in slot ${slot ?? 'none'}`),
    ...moment(
      finishedAtMs,
      `${state}${reason === null ? '' : ` (${reason})`}, token ${token ?? 'none'}, ${worker} epoch ${epoch}`,
    ),
    ...(row.number === null ? [] : moment(finishedAtMs, `result ${row.number}`, 'results')),
  ];
}

function faultMoments(faults: readonly FaultEntry[]): Moment[] {
  return faults.flatMap(({ kind, target, fromMs, toMs, detail, fired }) => {
    const about = `${kind} ${target}${detail === '' ? '' : ` (${detail})`}${fired ? '' : ', without effect'}`;
    const begins = { atMs: fromMs, voice: 'fault' as const, text: about, id: null };
    if (toMs === null || toMs - fromMs < 1) return [begins];
    return [begins, { atMs: toMs, voice: 'fault' as const, text: `${kind} ${target} ends`, id: null }];
  });
}

function workerMoments({ workers, takeOvers }: Evidence, partition: number): Moment[] {
  return [
    ...workers.map(({ worker, atMs, event }) => {
      return { atMs, voice: 'worker' as const, text: `${worker} ${event}`, id: null };
    }),
    ...takeOvers
      .filter((event) => event.partition === partition)
      .map(({ worker, atMs, epoch }) => {
        const text = `${worker} takes partition ${partition} over, epoch ${epoch}`;
        return { atMs, voice: 'worker' as const, text, id: null };
      }),
  ];
}

export function storyText({ subject, violation, moments }: Story): string[] {
  const lines = moments.map(
    ({ atMs, voice, text }) => `  ${new Date(atMs).toISOString().slice(11)} ${voice.padEnd(7)} ${text}`,
  );
  return [`story of ${subject}: ${violation}`, ...lines];
}
