import { type Checker, Findings, shownTime, type Verdict } from './checker.ts';
import type { AuditRow, Evidence } from './evidence.ts';

/**
 * S16: the audit is one chain without gaps, each row with actor, reason and a time that does not go back; and every
 * decision about a transaction stands in it, its end too.
 */
export class ActsAudited implements Checker {
  readonly name = 'S16';
  readonly promise = 'Every act of an operator has actor, reason and time in an append-only audit.';

  check({ audit, commands }: Evidence): Verdict {
    const findings = new Findings();
    let before: AuditRow | null = null;
    for (const row of audit) {
      const { sequence, actor, reason, previousHash } = row;
      const last = before;
      const problem =
        sequence !== (last?.sequence ?? 0) + 1
          ? `follows row ${last?.sequence ?? 0}`
          : previousHash !== (last?.hash ?? '')
            ? 'does not name the hash of the row before'
            : actor === '' || reason === ''
              ? 'has no actor or no reason'
              : last !== null && row.atMs < last.atMs
                ? `is of ${shownTime(row.atMs)}, the row before of ${shownTime(last.atMs)}`
                : null;
      findings.expect(problem === null, () => `row ${sequence} of the audit ${problem}`);
      before = row;
    }
    const acts = new Set(audit.map(({ action, target }) => `${action} ${target}`));
    for (const { sequence, action, id, outcome } of commands) {
      for (const end of ['proposed', ...(outcome === null ? [] : [outcome])]) {
        findings.expect(
          acts.has(`${action} ${end} transaction ${id}`),
          () => `command ${sequence}, ${action} of ${id}, was ${end} and the audit does not say so`,
        );
      }
    }
    return findings.verdict();
  }
}
