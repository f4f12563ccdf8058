/** `signalbox conformance <endpoint>`: which rules for participants hold at a real endpoint, and what broke the others. */
import { type RuleFinding, type RunSubject, runParticipantRules } from '../conformance/participant-run.ts';
import { GRADES, type Grade } from '../core/grade.ts';
import { type Cell, show, type Terminal, table } from './terminal.ts';

/** What each grade means for whoever operates it (design 7). */
const MEANS: Readonly<Record<Grade, string>> = {
  G3: 'doubt is resolved by itself, both ways',
  G2: 'doubt is resolved forward, by the same key again; never rolled back on its own',
  G1: 'doubt is resolved by status after a quiet time; "never" is held for a person',
  G0: 'one attempt; every doubt is held for a person',
};

/** 0 when it keeps to what its capabilities say (nothing said: G0), and more; else 1. */
export async function conformanceCommand(subject: RunSubject, terminal: Terminal): Promise<number> {
  const found = await runParticipantRules(subject, ({ status, name }) => {
    if (terminal.tty) terminal.err(`${status.padEnd(4)} ${name}`);
  });
  const { grade, claims, findings } = found;
  const claimed = claims ?? 'G0';
  const keeps = GRADES.indexOf(grade) <= GRADES.indexOf(claimed);
  show(terminal, { ...found, keeps }, () => [
    ...table(
      ['', 'rule', 'what it says'],
      findings.map(({ status, rule, name }): Cell[] => [status, rule, name]),
    ),
    ...findings.flatMap(findingText),
    '',
    `grade ${grade}: ${MEANS[grade]}`,
    claims === null ? 'it gives no capabilities, so it counts as G0' : `it says of itself: ${claims}`,
    ...(keeps ? [] : [`it does not keep to what it says: name it "grade: '${grade}'" in the configuration`]),
  ]);
  return keeps ? 0 : 1;
}

function findingText({ status, rule, name, says, exchange }: RuleFinding): string[] {
  if (status === 'ok') return [];
  return [
    '',
    `${status} ${rule} ${name}`,
    ...says.split('\n').map((line) => `  ${line}`),
    ...exchange.map((line) => `    ${line}`),
  ];
}
