import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence, OffsetSample, TransitionRow } from './evidence.ts';
import { type Accounting, Lookup, placeText } from './lookup.ts';

/**
 * S9: below a committed offset, the group's or the ledger's, every record is accounted, and was when the sample
 * was taken; and the group's never passes the ledger's.
 */
export class CommittedOffsets implements Checker {
  readonly name = 'S9';
  readonly promise = 'Committed offsets never pass an unaccounted record.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const history = firstTransitions(evidence.transitions);
    for (const { partition, groupOffset, watermark, atMs } of evidence.offsets) {
      findings.expect(
        groupOffset === null || (watermark !== null && groupOffset <= watermark),
        () =>
          `partition ${partition} at ${shownTime(atMs)}: group offset ${groupOffset} passes watermark ${watermark}`,
      );
    }
    const passings = firstPassings(evidence.offsets);
    for (const record of evidence.records) {
      const sample = passings.get(record.partition)?.find((passing) => passing.offset > record.offset);
      if (sample === undefined) continue;
      const since = accountedSince(lookup.accounting(record), history);
      findings.expect(
        since <= sample.atMs + evidence.clockToleranceMs,
        () =>
          `record ${placeText(record)} was passed by ${sample.offset} at ${shownTime(sample.atMs)}, ` +
          (since === Number.POSITIVE_INFINITY
            ? 'and is not accounted'
            : `but accounted at ${shownTime(since)}`),
      );
    }
    return findings.verdict();
  }
}

/** Per partition the samples that went further than any before, the first one that did. */
function firstPassings(samples: readonly OffsetSample[]): Map<number, { offset: number; atMs: number }[]> {
  const passings = new Map<number, { offset: number; atMs: number }[]>();
  for (const { partition, groupOffset, watermark, atMs } of samples) {
    const offset = Math.max(groupOffset ?? 0, watermark ?? 0);
    const list = passings.get(partition) ?? [];
    if (offset > (list.at(-1)?.offset ?? 0)) list.push({ offset, atMs });
    passings.set(partition, list);
  }
  return passings;
}

function firstTransitions(transitions: readonly TransitionRow[]): Map<string, number> {
  const first = new Map<string, number>();
  for (const { id, atMs } of transitions) if (!first.has(id)) first.set(id, atMs);
  return first;
}

/** When the ledger first held the record; Infinity when it does not. */
function accountedSince(accounting: Accounting, history: ReadonlyMap<string, number>): number {
  switch (accounting.as) {
    case 'dead letter':
      return accounting.deadLetter.atMs;
    case 'row':
    case 'duplicate': {
      const { id, parkedAtMs, beganAtMs, finishedAtMs } = accounting.row;
      const times = [history.get(id), parkedAtMs, beganAtMs, finishedAtMs];
      return Math.min(...times.filter((time) => typeof time === 'number'));
    }
    case 'unreported conflict':
    case 'nothing':
      return Number.POSITIVE_INFINITY;
  }
}

/** S10: the ledger's watermark over the samples, and in the rows at the end. */
export class WatermarkGrows implements Checker {
  readonly name = 'S10';
  readonly promise = "The ledger's watermark never moves back.";

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const last = new Map<number, OffsetSample>();
    for (const sample of evidence.offsets) {
      judge(last.get(sample.partition), sample, findings);
      last.set(sample.partition, sample);
    }
    for (const { partition, watermark } of evidence.partitions) {
      const before = last.get(partition);
      if (before !== undefined) judge(before, { partition, watermark, atMs: before.atMs }, findings);
    }
    return findings.verdict();
  }
}

function judge(
  before: OffsetSample | undefined,
  { partition, watermark, atMs }: Pick<OffsetSample, 'partition' | 'watermark' | 'atMs'>,
  findings: Findings,
): void {
  if (before === undefined) return;
  findings.expect(
    (watermark ?? -1) >= (before.watermark ?? -1),
    () =>
      `partition ${partition}: watermark ${before.watermark} at ${shownTime(before.atMs)}, ` +
      `then ${watermark} (sampled after ${shownTime(atMs)})`,
  );
}
