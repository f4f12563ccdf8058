import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';
import { Lookup, rowText } from './lookup.ts';

/**
 * S11: in the order in which the ledger wrote them the epochs of a partition's changes never go down, no change
 * has an epoch above the partition's, and an epoch has one worker.
 */
export class StaleWorker implements Checker {
  readonly name = 'S11';
  readonly promise = 'A stale worker changes nothing.';

  check(evidence: Evidence): Verdict {
    const findings = new Findings();
    const lookup = new Lookup(evidence);
    const current = new Map(evidence.partitions.map(({ partition, epoch }) => [partition, epoch]));
    const owners = new Map(evidence.takeOvers.map((t) => [`${t.partition}/${t.epoch}`, t.worker]));
    const reached = new Map<number, number>();
    const judge = (
      change: { readonly partition: number; readonly epoch: number; readonly worker: string },
      text: () => string,
    ): void => {
      const { partition, epoch, worker } = change;
      const newest = current.get(partition) ?? -1;
      findings.expect(
        epoch <= newest,
        () => `${text()} under epoch ${epoch}, but partition ${partition} has epoch ${newest}`,
      );
      const owner = owners.get(`${partition}/${epoch}`) ?? worker;
      owners.set(`${partition}/${epoch}`, owner);
      findings.expect(
        owner === worker,
        () => `${text()} by ${worker} under epoch ${epoch} of partition ${partition}, which is of ${owner}`,
      );
    };
    for (const { id, event, atMs, epoch, worker } of evidence.transitions) {
      const row = lookup.row(id);
      if (row === undefined) continue;
      const text = (): string => `${rowText(row)}: ${event} at ${shownTime(atMs)}`;
      judge({ partition: row.partition, epoch, worker }, text);
      const highest = reached.get(row.partition) ?? epoch;
      findings.expect(
        epoch >= highest,
        () => `${text()} under epoch ${epoch}, after one of epoch ${highest}`,
      );
      reached.set(row.partition, Math.max(epoch, highest));
    }
    for (const row of lookup.rows) judge(row, () => `${rowText(row)} was written last`);
    return findings.verdict();
  }
}
