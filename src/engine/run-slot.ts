/**
 * The life of a transaction in its slot (design 4 and 5):
 *
 *   begin ─ commit ─ call ─ decide ─ commit ─ … until it is final; the commit that ends it begins the next one.
 *
 * RS1 No call starts before the commit that allows it has been answered.
 * RS2 Every answer of a participant goes through `decide` and a commit; nothing else changes a transaction.
 * RS3 When the partition is over, the slot ends without another commit or call.
 */
import { backOff } from '../core/back-off.ts';
import { type Decision, decide } from '../core/decide.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { type FinalState, isFinal, isHolding } from '../core/states.ts';
import { type Opening, opened, openRecord } from './begin-record.ts';
import { changeOf, giveUp } from './change.ts';
import type { Fate } from './committer.ts';
import type { Change, ChangeAnswer, Entry, Row } from './ports-ledger.ts';
import type { Slot } from './slot.ts';
import { type Holder, holderOfRow, type WaitingRecord } from './slot-work.ts';
import { type Called, callFor, callStep } from './step-call.ts';

/** Runs a slot from a record taken into it until nothing follows. */
export async function runSlot(slot: Slot, record: WaitingRecord): Promise<void> {
  const opening = openRecord(slot, record);
  const [fate] = await commit(slot, [opening.entry]);
  if (fate !== undefined) await goOn(slot, await opened(slot, opening, fate));
}

/** Goes on with a holder that a take-over found in the slot. */
export async function adoptHolder(slot: Slot, row: Row): Promise<void> {
  if (!isHolding(row.state) || row.state === 'held') return; // held: it keeps the slot until a person decides
  const plan = slot.partition.doors.types.storedPlan(row.type, row.plan);
  if (plan !== null && plan.steps[row.step] !== undefined) {
    await goOn(slot, holderOfRow(row, row.state, plan));
    return;
  }
  report(slot, row.id, new SignalboxError('SB-4202', `${row.type} ${row.plan}`));
  await commit(slot, [giveUp(slot, row, 'SB-4202', `${row.type} ${row.plan}`)]);
}

async function goOn(slot: Slot, first: Holder | null): Promise<void> {
  let holder = first;
  while (holder !== null) holder = await advance(slot, holder);
}

/** One call and what follows from it: the holder afterwards, the next one of the lane, or null. */
async function advance(slot: Slot, holder: Holder): Promise<Holder | null> {
  const { partition } = slot;
  const kind = callFor(holder.state);
  if (kind === null) return null;
  if (holder.waitMs > 0) await nap(slot, holder.waitMs);
  if (!partition.state.alive) return null;
  const called = await callStep(slot, holder, kind);
  if (!partition.state.alive) return null;
  const decision = decide({ plan: holder.plan, position: holder, call: kind, answer: called.answer });
  const waitMs = waitAfter(slot, holder, decision);
  const change = changeOf({ slot, holder, called, decision, waitMs });
  const next = isFinal(decision.to) ? partition.takeInto(slot.lane, slot.number) : null;
  const opening = next === null ? null : openRecord(slot, next);
  const fates = await commit(slot, opening === null ? [change] : [change, opening.entry]);
  return conclude({ slot, holder, called, decision, waitMs, change, opening, fates });
}

interface Conclusion {
  readonly slot: Slot;
  readonly holder: Holder;
  readonly called: Called;
  readonly decision: Decision;
  readonly waitMs: number;
  readonly change: Change;
  readonly opening: Opening | null;
  readonly fates: readonly Fate[];
}

async function conclude(conclusion: Conclusion): Promise<Holder | null> {
  const { slot, holder, change, opening, fates } = conclusion;
  const { partition } = slot;
  const [changed, began] = fates;
  if (changed === undefined || !partition.state.alive) return null;
  const { outcome } = changed;
  if (outcome.status === 'rejected') return rejected(conclusion);
  if (outcome.status !== 'done' || !('state' in outcome)) {
    // Only this worker writes the row: somebody changed it by hand, or we are not who we think we are.
    partition.disturbed();
    return null;
  }
  if (conclusion.decision.code !== null) {
    report(slot, holder.id, new SignalboxError(conclusion.decision.code, change.detail ?? ''));
  }
  if (!isFinal(outcome.state)) return stillHolding(conclusion, outcome);
  partition.finished(
    storedResult(conclusion, outcome.state, outcome.number ?? 0, changed.atMs),
    holder.beganAtMs,
  );
  if (opening !== null && began !== undefined) return opened(slot, opening, began);
  partition.release(slot.lane, slot.number);
  return null;
}

type Done = Extract<ChangeAnswer, { status: 'done' }>;

function stillHolding({ slot, holder, change, decision, waitMs }: Conclusion, done: Done): Holder | null {
  if (!isHolding(done.state) || done.state === 'held') return null; // the slot stays in use
  return {
    ...holder,
    state: done.state,
    step: done.step,
    token: done.token,
    notAfterMs: done.notAfterMs,
    evidence: change.evidence === null ? holder.evidence : JSON.parse(change.evidence),
    reason: change.reason ?? holder.reason,
    asked: done.step === holder.step ? holder.asked + 1 : 0,
    waitMs: done.state === decision.to ? waitMs : slot.partition.doors.settings.askAgainFirstMs,
  };
}

/** Evidence or text that the ledger cannot store is left out; the outcome itself is not in question. */
async function rejected(conclusion: Conclusion): Promise<Holder | null> {
  const { slot, change, opening } = conclusion;
  const bare: Change = {
    ...change,
    evidence: change.evidence === null ? null : '{}',
    reason: null,
    detail: 'SB-2008',
  };
  if (change.detail === bare.detail) throw new Error(`the ledger rejects a bare change of ${change.id}`);
  const [fate] = await commit(slot, [bare]);
  if (opening !== null && conclusion.fates[1] !== undefined) await opened(slot, opening, conclusion.fates[1]);
  return conclude({ ...conclusion, change: bare, opening: null, fates: fate === undefined ? [] : [fate] });
}

function storedResult(
  { slot, holder, change }: Conclusion,
  state: FinalState,
  number: number,
  finishedAtMs: number,
) {
  return {
    number,
    id: holder.id,
    location: slot.lane.key,
    type: holder.type,
    state,
    reason: state === 'completed' ? null : (change.reason ?? holder.reason),
    evidence: change.evidence ?? evidenceText(holder),
    finishedAtMs,
    traceparent: holder.traceparent,
  };
}

function evidenceText(holder: Holder): string | null {
  return Object.keys(holder.evidence).length === 0 ? null : JSON.stringify(holder.evidence);
}

/** How long to wait before the next call, in ms: longer with every call that did not get the step on. */
function waitAfter(slot: Slot, holder: Holder, decision: Decision): number {
  if (!decision.askAgain) return 0;
  const { settings, world } = slot.partition.doors;
  const { askAgainFirstMs: firstMs, askAgainMaxMs: maxMs } = settings;
  return backOff({ attempt: holder.asked, firstMs, maxMs, random: world.random });
}

function commit(slot: Slot, entries: Entry[]): Promise<Fate[]> {
  return slot.partition.committer.submit(slot.partition.state, entries);
}

/** A slot that naps is not at work: a hand-over need not wait for it, the ledger knows all of it. */
async function nap(slot: Slot, ms: number): Promise<void> {
  slot.partition.inactive();
  await slot.partition.naps.nap(ms);
  slot.partition.active();
}

function report(slot: Slot, id: string, error: SignalboxError): void {
  const { observer } = slot.partition.doors;
  observer.problem(error, { partition: slot.partition.state.partition, location: slot.lane.key, id });
}
