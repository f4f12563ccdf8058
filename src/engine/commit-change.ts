/**
 * From the change of a holder to what the ledger says of it. The commit that ends a holder begins the lane's next
 * record.
 */
import type { Decision } from '../core/decide.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { type FinalState, isFinal, isHolding } from '../core/states.ts';
import { type Opening, opened, openRecord } from './begin-record.ts';
import type { Fate } from './committer.ts';
import type { Change, ChangeAnswer, Entry, StoredResult } from './ports-ledger.ts';
import type { Slot } from './slot.ts';
import type { Holder } from './slot-work.ts';

/** What is to become of a holder. */
export interface Intended {
  readonly decision: Decision;
  readonly waitMs: number;
  readonly change: Change;
}

/** Commits the change, with the begin of the lane's next record when it ends the holder. */
export async function commitChange(slot: Slot, holder: Holder, intended: Intended): Promise<Holder | null> {
  const { change, decision } = intended;
  const next = isFinal(decision.to) ? slot.partition.takeInto(slot.lane, slot.number) : null;
  const opening = next === null ? null : openRecord(slot, next);
  const fates = await commit(slot, opening === null ? [change] : [change, opening.entry]);
  return conclude({ ...intended, slot, holder, opening, fates });
}

interface Conclusion extends Intended {
  readonly slot: Slot;
  readonly holder: Holder;
  readonly opening: Opening | null;
  readonly fates: readonly Fate[];
}

function conclude(conclusion: Conclusion): Holder | null | Promise<Holder | null> {
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
    report(slot, holder, new SignalboxError(conclusion.decision.code, change.detail ?? ''));
  }
  if (!isFinal(outcome.state)) return stillHolding(conclusion, outcome);
  partition.finished(
    storedResult(conclusion, outcome.state, { number: outcome.number ?? 0, finishedAtMs: changed.atMs }),
    holder.beganAtMs,
  );
  if (opening !== null && began !== undefined) return opened(slot, opening, began);
  partition.release(slot.lane, slot.number);
  return null;
}

type Done = Extract<ChangeAnswer, { status: 'done' }>;

function stillHolding({ slot, holder, change, decision, waitMs }: Conclusion, done: Done): Holder | null {
  if (!isHolding(done.state)) return null;
  return {
    ...holder,
    state: done.state,
    step: done.step,
    token: done.token,
    notAfterMs: done.notAfterMs,
    evidence: change.evidence === null ? holder.evidence : JSON.parse(change.evidence),
    evidenceText: change.evidence ?? holder.evidenceText,
    reason: change.reason ?? holder.reason,
    code: change.code,
    byPerson: change.byPerson ?? holder.byPerson,
    asked: done.step === holder.step ? holder.asked + 1 : 0,
    waitMs: done.state === decision.to ? waitMs : slot.partition.doors.settings.askAgainFirstMs,
  };
}

/** Evidence or text that the ledger cannot store is left out; the outcome itself is not in question. */
async function rejected(conclusion: Conclusion): Promise<Holder | null> {
  const { slot, change } = conclusion;
  const bare: Change = {
    ...change,
    evidence: change.evidence === null ? null : '{}',
    reason: null,
    detail: 'SB-2008',
  };
  if (change.detail === bare.detail) throw new Error(`the ledger rejects a bare change of ${change.id}`);
  const [fate] = await commit(slot, [bare]);
  const [, began] = conclusion.fates;
  const fates = [fate, began].filter((each) => each !== undefined);
  return conclude({ ...conclusion, change: bare, fates });
}

function storedResult(
  { slot, holder, change }: Conclusion,
  state: FinalState,
  end: { readonly number: number; readonly finishedAtMs: number },
): StoredResult {
  return {
    ...end,
    id: holder.id,
    location: slot.lane.key,
    type: holder.type,
    state,
    reason: state === 'completed' ? null : (change.reason ?? holder.reason),
    evidence: change.evidence ?? holder.evidenceText,
    traceparent: holder.traceparent,
  };
}

export function commit(slot: Slot, entries: Entry[]): Promise<Fate[]> {
  return slot.partition.committer.submit(slot.partition.state, entries);
}

function report({ partition, lane }: Slot, { id, traceparent }: Holder, error: SignalboxError): void {
  const context = { partition: partition.state.partition, location: lane.key, id, traceparent };
  partition.doors.observer.problem(error, context);
}
