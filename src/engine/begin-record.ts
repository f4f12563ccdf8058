/**
 * From a waiting record to what the ledger says of it (design 4.4): begun, expired, known before, or refused.
 *
 * B1 A record leaves this file accounted, holding its slot, or back at the head of its lane.
 */

import type { JsonObject } from '../core/answer.ts';
import { dataOf, sameContent } from '../core/content.ts';
import { type Decoded, decodeRecord, type Refused } from '../core/decode.ts';
import { assert, type RecordErrorCode } from '../core/errors/catalogue.ts';
import { type Plan, planText, standInPlan } from '../core/plan.ts';
import type { Fate, Outcome } from './committer.ts';
import type { Begin, BeginParked, DeadLetter, ExistingRow, Park } from './ports-ledger.ts';
import type { Slot, SlotHost } from './slot.ts';
import type { Holder, ParkedRecord, Waiting, WaitingRecord } from './slot-work.ts';

/** What goes into the commit for a record whose turn has come. */
export type Opening =
  | {
      readonly what: 'begin';
      readonly record: WaitingRecord;
      readonly entry: Begin;
      readonly plan: Plan;
      readonly data: JsonObject;
    }
  | {
      readonly what: 'begin-parked';
      readonly record: ParkedRecord;
      readonly entry: BeginParked;
      readonly plan: Plan;
      readonly planKnown: boolean;
      readonly data: JsonObject;
    }
  | { readonly what: 'refusal'; readonly record: WaitingRecord; readonly entry: DeadLetter };

export function openRecord(slot: Slot, record: Waiting): Opening {
  const { partition, lane } = slot;
  const { types } = partition.doors;
  if (record.parked !== null) return openParked(slot, record);
  const decoded = decode(partition, record);
  if (!decoded.ok) return { what: 'refusal', record, entry: deadLetter(partition, record, decoded) };
  const plan = types.planOf(decoded.type);
  const first = plan?.steps[0];
  assert(plan !== null && first !== undefined, `type ${decoded.type} has no plan with a step`);
  const entry: Begin = {
    kind: 'begin',
    partition: partition.state.partition,
    offset: record.offset,
    id: decoded.id,
    location: lane.key,
    slot: slot.number,
    type: decoded.type,
    payload: decoded.payload,
    plan: planText(plan),
    timeoutMs: first.timeoutMs,
    deadlineMs: plan.deadlineMs,
    expiresAtMs: decoded.expiresAtMs,
    concurrency: partition.limits.concurrencyWithoutRow(lane.key),
    traceparent: decoded.traceparent,
    recordTimeMs: record.timestampMs,
  };
  return { what: 'begin', record, entry, plan, data: decoded.data };
}

function decode(partition: SlotHost, record: WaitingRecord): Decoded | Refused {
  const { types, settings, world, ledger } = partition.doors;
  const decoded = decodeRecord(record, {
    nowMs: world.now(),
    dedupeWindowMs: settings.dedupeWindowMs,
    knownType: (type) => types.planOf(type) !== null,
  });
  if (!decoded.ok) return decoded;
  const { id, location } = decoded;
  const detail = ledger.misplaced?.(location, partition.state.partition) ?? null;
  return detail === null ? decoded : { ok: false, code: 'SB-1118', detail, id, location };
}

/** A type that is no longer configured begins with the plan it was parked with. */
function openParked({ partition, lane, number }: Slot, record: ParkedRecord): Opening {
  const { id, type, plan: stored, payload } = record.parked;
  const { types } = partition.doors;
  const known = types.planOf(type) ?? types.storedPlan(type, stored);
  const plan = known ?? standInPlan(type, stored);
  const entry: BeginParked = {
    kind: 'begin-parked',
    partition: partition.state.partition,
    id,
    location: lane.key,
    slot: number,
    plan: planText(plan),
    timeoutMs: plan.steps[0]?.timeoutMs ?? 0,
    deadlineMs: plan.deadlineMs,
    concurrency: partition.limits.concurrencyWithoutRow(lane.key),
  };
  return { what: 'begin-parked', record, entry, plan, planKnown: known !== null, data: dataOf(payload) };
}

/** What goes into the commit for a record that is parked: it, or a refusal. */
export function parkRecord(partition: SlotHost, location: string, record: WaitingRecord): Park | DeadLetter {
  const decoded = decode(partition, record);
  if (!decoded.ok) return deadLetter(partition, record, decoded);
  const plan = partition.doors.types.planOf(decoded.type);
  assert(plan !== null, `type ${decoded.type} has no plan`);
  return {
    kind: 'park',
    partition: partition.state.partition,
    offset: record.offset,
    id: decoded.id,
    location,
    type: decoded.type,
    payload: decoded.payload,
    plan: planText(plan),
    expiresAtMs: decoded.expiresAtMs,
    traceparent: decoded.traceparent,
    recordTimeMs: record.timestampMs,
  };
}

/** Whether the ledger holds the record as a parked row now; else it is dealt with: duplicate, dead letter. */
export async function parked(
  partition: SlotHost,
  { record, entry, fate }: { record: WaitingRecord; entry: Park | DeadLetter; fate: Fate },
): Promise<boolean> {
  const { outcome } = fate;
  if (entry.kind === 'dead-letter') {
    reportDeadLetter(partition, entry);
    return false;
  }
  if (outcome.status === 'exists' && 'row' in outcome) await known(partition, record, entry, outcome.row);
  else if (outcome.status === 'rejected') await writeDeadLetter(partition, record, unstorable(entry));
  else return true;
  return false;
}

/** What became of it. The holder when it has begun; else null, and the slot is dealt with. */
export async function opened(slot: Slot, opening: Opening, fate: Fate): Promise<Holder | null> {
  const { partition, lane, number } = slot;
  const { record } = opening;
  const { outcome } = fate;
  if (outcome.status === 'fenced') return null; // the partition is over
  if (opening.what === 'refusal') {
    reportDeadLetter(partition, opening.entry);
    partition.skip(lane, number, record);
    return null;
  }
  if (opening.what === 'begin-parked') return openedParked(slot, opening, fate);
  switch (outcome.status) {
    case 'done':
      partition.began(lane, number, record);
      return holderOf(opening, outcome, fate.atMs);
    case 'expired':
      publishExpired(partition, opening.entry, { number: outcome.number, finishedAtMs: fate.atMs });
      partition.skip(lane, number, record);
      return null;
    case 'exists':
      await known(partition, opening.record, opening.entry, outcome.row);
      if (partition.state.alive) partition.skip(lane, number, record);
      return null;
    case 'rejected':
      await writeDeadLetter(partition, opening.record, unstorable(opening.entry));
      if (partition.state.alive) partition.skip(lane, number, record);
      return null;
    case 'busy':
    case 'paused':
      partition.putBack(lane, number);
      return null;
    case 'changed':
      throw new Error('a begin is not answered with changed');
  }
}

async function openedParked(
  { partition, lane, number }: Slot,
  opening: Opening & { what: 'begin-parked' },
  { outcome, atMs }: Fate,
): Promise<Holder | null> {
  const { record, entry } = opening;
  const { type, traceparent } = record.parked;
  switch (outcome.status) {
    case 'done':
      partition.began(lane, number, record);
      return holderOf(opening, outcome, atMs);
    case 'expired':
      publishExpired(
        partition,
        { ...entry, type, traceparent },
        { number: outcome.number, finishedAtMs: atMs },
      );
      partition.skip(lane, number, record);
      return null;
    case 'changed': // a person cancelled it
      partition.parkedIsGone(entry.id);
      partition.skip(lane, number, record);
      return null;
    case 'busy':
    case 'paused':
    case 'rejected': // the committer has told; nothing in it comes from a record
      partition.putBack(lane, number);
      return null;
    default:
      throw new Error(`the begin of a parked row is not answered with ${outcome.status}`);
  }
}

function holderOf(
  opening: Opening & { what: 'begin' | 'begin-parked' },
  outcome: Outcome & { status: 'done' },
  atMs: number,
): Holder {
  const { plan, data } = opening;
  assert('token' in outcome, 'a begin is answered with its token');
  return {
    id: opening.entry.id,
    type: opening.what === 'begin' ? opening.entry.type : opening.record.parked.type,
    plan,
    planKnown: opening.what === 'begin' || opening.planKnown,
    data,
    state: 'executing',
    step: 0,
    token: outcome.token,
    evidence: {},
    evidenceText: null,
    reason: null,
    code: null,
    byPerson: false,
    notAfterMs: outcome.notAfterMs,
    traceparent: opening.what === 'begin' ? opening.entry.traceparent : opening.record.parked.traceparent,
    beganAtMs: atMs,
    asked: 0,
    waitMs: 0,
  };
}

function unstorable(begin: Begin | Park): Refusal {
  return { code: 'SB-1108', detail: 'the ledger cannot store it', id: begin.id, location: begin.location };
}

/** A known id: this very record again, a duplicate, or a conflict. */
async function known(
  partition: SlotHost,
  record: WaitingRecord,
  begin: Begin | Park,
  row: ExistingRow,
): Promise<void> {
  const { topic } = partition.doors.log;
  if (row.topic === topic.name && row.partition === begin.partition && row.offset === begin.offset) return;
  if (sameContent(begin.payload, begin.location, row.payload, row.location)) {
    partition.state.duplicates.add(record.offset);
    return;
  }
  const detail = `first accounted at ${row.topic}/${row.partition}/${row.offset}`;
  await writeDeadLetter(partition, record, {
    code: 'SB-1116',
    detail,
    id: begin.id,
    location: begin.location,
  });
}

function publishExpired(
  partition: SlotHost,
  { id, location, type, traceparent }: Pick<Begin, 'id' | 'location' | 'type' | 'traceparent'>,
  end: { readonly number: number; readonly finishedAtMs: number },
): void {
  const state = 'rolled_back';
  const result = {
    ...end,
    id,
    location,
    type,
    state,
    reason: 'expired',
    evidence: null,
    traceparent,
  } as const;
  partition.finished(result, null);
}

interface Refusal {
  readonly code: RecordErrorCode;
  readonly detail: string;
  readonly id: string | null;
  readonly location: string | null;
}

function deadLetter(partition: SlotHost, record: WaitingRecord, refusal: Refusal): DeadLetter {
  return {
    kind: 'dead-letter',
    partition: partition.state.partition,
    offset: record.offset,
    key: record.key,
    value: record.value,
    headers: record.headers,
    code: refusal.code,
    detail: refusal.detail,
    id: refusal.id,
    location: refusal.location,
    recordTimeMs: record.timestampMs,
  };
}

async function writeDeadLetter(partition: SlotHost, record: WaitingRecord, refusal: Refusal): Promise<void> {
  const entry = deadLetter(partition, record, refusal);
  await partition.committer.submit(partition.state, [entry]);
  if (partition.state.alive) reportDeadLetter(partition, entry);
}

function reportDeadLetter(partition: SlotHost, entry: DeadLetter): void {
  partition.doors.observer.deadLetter({ partition: entry.partition, offset: entry.offset, code: entry.code });
}

/** A record whose key names no location waits in no lane. */
export async function deadLetterWithoutLane(partition: SlotHost, record: WaitingRecord): Promise<void> {
  const { settings, world } = partition.doors;
  const options = { nowMs: world.now(), dedupeWindowMs: settings.dedupeWindowMs, knownType: () => true };
  const decoded = decodeRecord(record, options);
  assert(!decoded.ok, `record ${record.offset} has a location after all`);
  await writeDeadLetter(partition, record, decoded);
  partition.account(record);
}
