import { type Checker, Findings, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';

const REBALANCES_MAX = 3;

/**
 * L5: a rebalance gives a partition to another worker at most once, so no partition may have changed its owner more
 * than three times for each thing that was done: a start, stop or kill of a worker, or any other fault.
 */
export class FewRebalances implements Checker {
  readonly name = 'L5';
  readonly promise = 'One fault causes at most three rebalances.';

  check({ takeOvers, workers, disturbances }: Evidence): Verdict {
    const findings = new Findings();
    const done = workers.filter(({ event }) => event !== 'exited').length + disturbances;
    const owners = new Map<number, { worker: string; changes: number }>();
    for (const { partition, worker } of takeOvers) {
      const { worker: last, changes } = owners.get(partition) ?? { worker: '', changes: 0 };
      owners.set(partition, { worker, changes: last === worker ? changes : changes + 1 });
    }
    for (const [partition, { changes }] of owners) {
      findings.expect(
        changes <= REBALANCES_MAX * done,
        () => `partition ${partition} changed its owner ${changes} times, ${done} things were done`,
      );
    }
    return findings.verdict();
  }
}
