/**
 * A workload as data, made from a seed: transactions at skewed locations, and among them duplicates, conflicts, bad
 * records, CloudEvents and expired ones, each at a known share.
 *
 * WL1 A duplicate or conflict stands behind the record it repeats.
 * WL2 The same settings give the same records, but for the times in expired ones and the ids' run part.
 */

import { BAD_RECORDS, type BadRecord } from './bad-records.ts';
import type { RecordToProduce } from './broker-client.ts';
import { Seeded, skewed } from './seeded.ts';

export interface WorkloadSettings {
  readonly seed: number;
  /** Goes before every id. */
  readonly run: string;
  /** Different transactions that a worker must carry out, expired ones among them. */
  readonly transactions: number;
  readonly locations: number;
  /** 0: all locations alike; 1: the busiest gets twice as much as the second. */
  readonly skew: number;
  /** Records of each kind besides, as a share of the transactions. */
  readonly shares: {
    readonly duplicate: number;
    readonly conflict: number;
    readonly bad: number;
    /** Of the transactions themselves. */
    readonly expired: number;
    readonly event: number;
  };
}

export type Kind = 'transaction' | 'expired' | 'duplicate' | 'conflict' | 'bad';

export interface PlannedRecord {
  readonly kind: Kind;
  /** Of a bad one: which. */
  readonly bad: BadRecord | null;
  /** Of the transaction, or of the one repeated; of a bad one an id that nothing else has. */
  readonly id: string;
  readonly location: string;
  readonly record: RecordToProduce;
}

interface Original {
  readonly id: string;
  readonly location: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A repeat follows its original within this many transactions: the two are often in one batch, often not. */
const REPEAT_WITHIN = 200;
/** Minor units of the smallest note. */
const NOTE = 1_000;
const NOTES_MAX = 20;

export function makeWorkload(settings: WorkloadSettings): PlannedRecord[] {
  const { seed, run, transactions, locations, skew, shares } = settings;
  const random = new Seeded(seed);
  const positionOf = skewed(locations, skew);
  const place = (): string => locationName(positionOf(random));
  const planned: PlannedRecord[] = [];
  const recent: Original[] = [];
  let bad = 0;
  for (let number = 1; number <= transactions; number += 1) {
    const original = { id: `${run}-${number}`, location: place(), data: dataOf(random, number) };
    planned.push(transactionRecord(original, random, shares));
    recent.push(original);
    if (recent.length > REPEAT_WITHIN) recent.shift();
    if (random.next() < shares.duplicate) planned.push(duplicateOf(random.pick(recent), random));
    if (random.next() < shares.conflict) planned.push(conflictWith(random.pick(recent), random, place));
    if (random.next() < shares.bad) {
      // Each kind in turn, so that none is missing.
      planned.push(badRecord(BAD_RECORDS[bad % BAD_RECORDS.length], place(), `${run}-bad-${bad}`));
      bad += 1;
    }
  }
  return planned;
}

export function locationName(position: number): string {
  return `ATM-${String(position).padStart(4, '0')}`;
}

function dataOf(random: Seeded, number: number): Original['data'] {
  return {
    amount: (1 + random.below(NOTES_MAX)) * NOTE,
    currency: 'EUR',
    sequence: number,
    note: 'Größe 5 €',
  };
}

function transactionRecord(
  original: Original,
  random: Seeded,
  shares: WorkloadSettings['shares'],
): PlannedRecord {
  const { id, location, data } = original;
  const kind = random.next() < shares.expired ? 'expired' : 'transaction';
  const expiry = kind === 'expired' ? { expiresAt: new Date(Date.now() - 60_000).toISOString() } : {};
  const form = random.next();
  const record =
    form < shares.event / 2
      ? structuredEvent(original, expiry)
      : form < shares.event
        ? binaryEvent(original, expiry)
        : { key: location, value: bytes({ id, type: 'withdraw', ...expiry, data }) };
  return { kind, bad: null, id, location, record };
}

function structuredEvent({ id, location, data }: Original, expiry: { expiresAt?: string }): RecordToProduce {
  const { expiresAt } = expiry;
  const given = expiresAt === undefined ? {} : { expiresat: expiresAt };
  const event = { specversion: '1.0', source: '/tests', id, type: 'withdraw', time: '2026-01-01T00:00:00Z' };
  const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
  return { key: location, value: bytes({ ...event, ...given, data }), headers };
}

function binaryEvent({ id, location, data }: Original, expiry: { expiresAt?: string }): RecordToProduce {
  const headers = {
    ce_specversion: '1.0',
    ce_source: '/tests',
    ce_id: id,
    ce_type: 'withdraw',
    'content-type': 'application/json',
    ...(expiry.expiresAt === undefined ? {} : { ce_expiresat: expiry.expiresAt }),
  };
  return { key: location, value: bytes(data), headers };
}

/** The same bytes, or the same content written in another way. */
function duplicateOf({ id, location, data }: Original, random: Seeded): PlannedRecord {
  const reordered = Object.fromEntries(Object.entries(data).reverse());
  const texts = [
    bytes({ id, type: 'withdraw', data }),
    Buffer.from(JSON.stringify({ data: reordered, location, type: 'withdraw', id }, null, 2)).toString(
      'latin1',
    ),
    // The same in ASCII: escapes instead of the characters themselves.
    bytes({ type: 'withdraw', id, data }).replace('"EUR"', '"\\u0045UR"'),
  ];
  return { kind: 'duplicate', bad: null, id, location, record: { key: location, value: random.pick(texts) } };
}

/** Other data, another type, or the same at another location. */
function conflictWith({ id, location, data }: Original, random: Seeded, place: () => string): PlannedRecord {
  const elsewhere = place();
  const other = { ...data, amount: Number(data.amount) + NOTE };
  const records = [
    { key: location, value: bytes({ id, type: 'withdraw', data: other }) },
    { key: location, value: bytes({ id, type: 'deposit', data }) },
    {
      key: elsewhere === location ? `${location}-B` : elsewhere,
      value: bytes({ id, type: 'withdraw', data }),
    },
  ];
  const record = random.pick(records);
  return { kind: 'conflict', bad: null, id, location: record.key, record };
}

function badRecord(bad: BadRecord | undefined, location: string, id: string): PlannedRecord {
  if (bad === undefined) throw new Error('there is no kind of bad record');
  return { kind: 'bad', bad, id, location, record: bad.make(location, id) };
}

/** JSON in UTF-8, a character a byte. */
function bytes(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}
