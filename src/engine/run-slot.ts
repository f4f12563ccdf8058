/**
 * The life of a transaction in its slot (design 4 and 5):
 *
 *   begin ─ commit ─ call ─ decide ─ commit ─ … until it is final; the commit that ends it begins the next one.
 *
 * RS1 No call starts before the commit that allows it has been answered.
 * RS2 Every answer of a participant goes through `decide` and a commit; nothing else changes a transaction.
 * RS3 When the partition is over, the slot ends without another commit or call.
 */

import type { CallKind } from '../core/answer.ts';
import { callOf, decide, needsGrade } from '../core/decide.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { Grade } from '../core/grade.ts';
import { isHolding } from '../core/states.ts';
import { opened, openRecord } from './begin-record.ts';
import { carryOut } from './carry-out.ts';
import { changeOf, giveUp } from './change.ts';
import { commit, commitChange } from './commit-change.ts';
import type { Row } from './ports-ledger.ts';
import type { Slot } from './slot.ts';
import { nap, waitAfter } from './slot-wait.ts';
import { type Holder, holderOfRow, type Waiting } from './slot-work.ts';
import { callStep, gradeAt } from './step-call.ts';

/** Runs a slot from a record taken into it until nothing follows. */
export async function runSlot(slot: Slot, record: Waiting): Promise<void> {
  const opening = openRecord(slot, record);
  const [fate] = await commit(slot, [opening.entry]);
  if (fate !== undefined) await goOn(slot, await opened(slot, opening, fate));
}

/** Goes on with a holder that a take-over found in the slot. */
export async function adoptHolder(slot: Slot, row: Row): Promise<void> {
  if (isHolding(row.state)) await goOn(slot, holderOfRow(row, row.state, slot.partition.doors.types));
}

async function goOn(slot: Slot, first: Holder | null): Promise<void> {
  let holder = first;
  while (holder !== null && slot.partition.state.alive) holder = await advance(slot, holder);
}

/** One thing happens to the holder: the holder afterwards, the next one of the lane, or null. */
function advance(slot: Slot, holder: Holder): Promise<Holder | null> {
  const command = slot.partition.decisions.for(holder.id);
  if (command !== null) return carryOut(slot, holder, command);
  if (holder.state === 'held') return nap(slot, holder.id, null).then(() => holder);
  if (!holder.planKnown) {
    return endAutomation(slot, holder, { code: 'SB-4202', detail: `${holder.type}, step ${holder.step}` });
  }
  if (holder.waitMs > 0) {
    return nap(slot, holder.id, holder.waitMs).then(() => ({ ...holder, waitMs: 0 }));
  }
  return holder.state === 'executing' ? call(slot, holder, 'execute') : resolve(slot, holder);
}

/** In doubt or reversing: what comes next depends on the grade of the participant. */
async function resolve(slot: Slot, holder: Holder): Promise<Holder | null> {
  const grade = await gradeAt(slot, holder);
  if (grade === null) return { ...holder, asked: holder.asked + 1, waitMs: waitAfter(slot, holder) };
  const kind = callOf(holder.state, grade, holder.byPerson);
  if (kind !== null) return call(slot, holder, kind, grade);
  return endAutomation(slot, holder, { code: 'SB-4205', detail: `grade ${grade}` });
}

/** Calls the participant and commits what follows from its answer. */
async function call(
  slot: Slot,
  holder: Holder,
  kind: CallKind,
  knownGrade: Grade | null = null,
): Promise<Holder | null> {
  const { partition } = slot;
  const { world, settings } = partition.doors;
  const called = await callStep(slot, holder, kind);
  if (!partition.state.alive) return null;
  const { answer } = called;
  const grade = knownGrade ?? (needsGrade(holder.state, answer) ? await gradeAt(slot, holder) : null);
  if (!partition.state.alive) return null;
  const quiet = world.now() > holder.notAfterMs + settings.quietMs;
  const decision = decide({ plan: holder.plan, position: holder, call: kind, answer, grade, quiet });
  const waitMs = decision.askAgain ? waitAfter(slot, holder) : 0;
  return commitChange(slot, holder, {
    decision,
    waitMs,
    change: changeOf({ slot, holder, called, decision, waitMs }),
  });
}

function endAutomation(
  slot: Slot,
  holder: Holder,
  why: { readonly code: ErrorCode; readonly detail: string },
): Promise<Holder | null> {
  const { decision, change } = giveUp(slot, holder, why);
  return commitChange(slot, holder, { decision, waitMs: 0, change });
}
