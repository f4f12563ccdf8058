/**
 * From a waiting record to what the ledger says of it (design 4.4): begun, expired, known before, or refused.
 *
 * B1 A record leaves this file accounted, holding its slot, or back at the head of its lane.
 */

import type { JsonObject } from '../core/answer.ts';
import { sameContent } from '../core/content.ts';
import { decodeRecord } from '../core/decode.ts';
import { assert, type RecordErrorCode } from '../core/errors/catalogue.ts';
import { type Plan, planText } from '../core/plan.ts';
import type { Fate, Outcome } from './committer.ts';
import type { Begin, DeadLetter, ExistingRow } from './ports-ledger.ts';
import type { Slot, SlotHost } from './slot.ts';
import type { Holder, WaitingRecord } from './slot-work.ts';

/** What goes into the commit for a record whose turn has come. */
export type Opening =
  | {
      readonly what: 'begin';
      readonly record: WaitingRecord;
      readonly entry: Begin;
      readonly plan: Plan;
      readonly data: JsonObject;
    }
  | { readonly what: 'refusal'; readonly record: WaitingRecord; readonly entry: DeadLetter };

export function openRecord(slot: Slot, record: WaitingRecord): Opening {
  const { partition, lane } = slot;
  const { types, settings, world } = partition.doors;
  const decoded = decodeRecord(record, {
    nowMs: world.now(),
    dedupeWindowMs: settings.dedupeWindowMs,
    knownType: (type) => types.planOf(type) !== null,
  });
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
    concurrency: types.concurrencyOf(lane.key),
    traceparent: decoded.traceparent,
    recordTimeMs: record.timestampMs,
  };
  return { what: 'begin', record, entry, plan, data: decoded.data };
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
  switch (outcome.status) {
    case 'done':
      partition.began(lane, number, record);
      return holderOf(opening, outcome, fate.atMs);
    case 'expired':
      publishExpired(partition, opening.entry, outcome.number, fate.atMs);
      partition.skip(lane, number, record);
      return null;
    case 'exists':
      await known(partition, record, opening.entry, outcome.row);
      if (partition.state.alive) partition.skip(lane, number, record);
      return null;
    case 'rejected':
      await writeDeadLetter(partition, record, unstorable(opening.entry));
      if (partition.state.alive) partition.skip(lane, number, record);
      return null;
    case 'busy':
    case 'paused':
      partition.putBack(lane, number, record);
      return null;
    case 'changed':
      throw new Error('a begin is not answered with changed');
  }
}

function holderOf(
  opening: Opening & { what: 'begin' },
  outcome: Outcome & { status: 'done' },
  atMs: number,
): Holder {
  const { entry, plan, data } = opening;
  assert('token' in outcome, 'a begin is answered with its token');
  return {
    id: entry.id,
    type: entry.type,
    plan,
    data,
    state: 'executing',
    step: 0,
    token: outcome.token,
    evidence: {},
    reason: null,
    notAfterMs: outcome.notAfterMs,
    traceparent: entry.traceparent,
    beganAtMs: atMs,
    asked: 0,
    waitMs: 0,
  };
}

function unstorable(begin: Begin): Refusal {
  return { code: 'SB-1108', detail: 'the ledger cannot store it', id: begin.id, location: begin.location };
}

/** A known id: this very record again, a duplicate, or a conflict. */
async function known(
  partition: SlotHost,
  record: WaitingRecord,
  begin: Begin,
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

function publishExpired(partition: SlotHost, begin: Begin, number: number, finishedAtMs: number): void {
  partition.finished(
    {
      number,
      id: begin.id,
      location: begin.location,
      type: begin.type,
      state: 'rolled_back',
      reason: 'expired',
      evidence: null,
      finishedAtMs,
      traceparent: begin.traceparent,
    },
    null,
  );
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
