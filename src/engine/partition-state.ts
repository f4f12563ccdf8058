/**
 * What one owner knows of one partition in the ledger: epoch, numbers and watermark. Made by a take-over, ends
 * with it: what is in memory belongs to (partition, epoch) and dies with it.
 *
 * PS1 Once `alive` is false nothing of it is sent to the ledger any more.
 * PS2 `epoch`, `lastNumber` and `commits` change only by an answer of the ledger.
 */
import type { Tally } from '../core/tally.ts';
import type { Watermark } from '../core/watermark.ts';
import type { PartitionHead } from './ports-ledger.ts';

export interface PartitionState {
  readonly partition: number;
  readonly watermark: Watermark;
  /** Duplicates that the watermark has not passed yet. */
  readonly duplicates: Tally;
  epoch: number;
  /** Number of the last result given in this partition. */
  lastNumber: number;
  /** Commits of the partition, from the beginning, that are known to have landed. */
  commits: number;
  /** Results up to here are acknowledged by the broker. */
  published: number;
  /** What the ledger is known to hold of watermark and published. */
  landedWatermark: number | null;
  landedPublished: number;
  /** Monotonic time of the last head that was written. */
  headAtMs: number;
  alive: boolean;
}

export function headIsDirty(state: PartitionState): boolean {
  return state.watermark.ready !== state.landedWatermark || state.published !== state.landedPublished;
}

/** The head of a commit: with watermark and published number when `whole`, else only what fences and numbers. */
export function headOf(state: PartitionState, whole: boolean): PartitionHead {
  const watermark = whole ? state.watermark.ready : null;
  return {
    partition: state.partition,
    epoch: state.epoch,
    watermark,
    published: whole ? state.published : null,
    duplicates: watermark === null ? 0 : state.duplicates.passed(watermark),
    lastNumber: state.lastNumber,
    commits: state.commits,
  };
}

/** The commit that carried `head` is known to have landed. */
export function headLanded(state: PartitionState, head: PartitionHead, nowMs: number): void {
  if (head.watermark !== null) {
    state.landedWatermark = head.watermark;
    state.duplicates.confirm(head.watermark);
  }
  if (head.published !== null) state.landedPublished = head.published;
  if (head.watermark !== null || head.published !== null) state.headAtMs = nowMs;
}
