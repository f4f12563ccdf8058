/** Waits of a slot between two calls. */
import { backOff } from '../core/back-off.ts';
import type { Slot } from './slot.ts';
import type { Holder } from './slot-work.ts';

/** How long to wait before the next call, in ms: longer with every call that did not get the step on. */
export function waitAfter(slot: Slot, holder: Holder): number {
  const { settings, world } = slot.partition.doors;
  const { askAgainFirstMs: firstMs, askAgainMaxMs: maxMs } = settings;
  return backOff({ attempt: holder.asked, firstMs, maxMs, random: world.random });
}

/** A slot that naps is not at work: a hand-over need not wait for it, the ledger knows all of it. */
export async function nap(slot: Slot, id: string, ms: number | null): Promise<void> {
  slot.partition.inactive();
  await slot.partition.naps.nap(id, ms);
  slot.partition.active();
}
