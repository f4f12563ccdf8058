/**
 * Carries out a person's decision about a transaction that holds a slot: applied if it was decided on the state and
 * token that the holder has, else refused by the ledger with what it finds.
 */
import { decideCommand } from '../core/decide.ts';
import { decidedChange } from './change.ts';
import { commit, commitChange } from './commit-change.ts';
import { refusalOf } from './decisions.ts';
import type { Command } from './ports-ledger.ts';
import type { Slot } from './slot.ts';
import { nap } from './slot-wait.ts';
import type { Holder } from './slot-work.ts';
import { gradeAt } from './step-call.ts';

/** The holder afterwards, the next one of the lane, or null. */
export async function carryOut(slot: Slot, holder: Holder, command: Command): Promise<Holder | null> {
  const { partition } = slot;
  const { action, expectedState, expectedToken } = command;
  const { passing, settings } = partition.doors;
  if (action === 'cancel' || expectedState !== holder.state || expectedToken !== holder.token) {
    partition.decisions.sending(command);
    await commit(slot, [refusalOf(command)]);
    partition.decisions.answered(command);
    return partition.state.alive ? holder : null;
  }
  const grade = await gradeAt(slot, holder);
  if (!partition.state.alive) return null;
  if (grade === null) {
    // What a roll back means depends on what the participant keeps: the command waits until it can be asked.
    await nap(slot, holder.id, settings.askAgainFirstMs);
    return holder;
  }
  const decision = decideCommand({ plan: holder.plan, position: holder, code: holder.code, action, grade });
  const change = decidedChange(slot, holder, command, decision);
  partition.decisions.sending(command);
  passing?.('commanding');
  const next = await commitChange(slot, holder, { decision, waitMs: 0, change });
  partition.decisions.answered(command);
  return next;
}
