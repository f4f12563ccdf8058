/** `signalbox conformance <endpoint>`: which rules for participants hold at a real endpoint, and what broke the others. */
import { type RuleFinding, type RunSubject, runParticipantRules } from '../conformance/participant-run.ts';
import { type Cell, show, type Terminal, table } from './terminal.ts';

/** 0 when every rule holds (advice apart), so that the endpoint may call itself G3; else 1. */
export async function conformanceCommand(subject: RunSubject, terminal: Terminal): Promise<number> {
  const findings: RuleFinding[] = [];
  for await (const finding of runParticipantRules(subject)) {
    findings.push(finding);
    if (terminal.tty) terminal.err(`${finding.status.padEnd(4)} ${finding.name}`);
  }
  const broken = findings.filter(({ status }) => status === 'fail').length;
  const g3 = broken === 0;
  show(terminal, { g3, findings }, () => [
    ...table(
      ['', 'rule', 'what it says'],
      findings.map(({ status, rule, name }): Cell[] => [status, rule, name]),
    ),
    ...findings.flatMap(({ status, rule, name, says }) =>
      status === 'ok'
        ? []
        : ['', `${status} ${rule} ${name}`, ...says.split('\n').map((line) => `  ${line}`)],
    ),
    '',
    g3 ? 'every rule holds: grade G3' : `${broken} of ${findings.length} rules are broken: not grade G3`,
  ]);
  return g3 ? 0 : 1;
}
