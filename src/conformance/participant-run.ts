/**
 * Runs the rules for participants on a participant of anybody: what `signalbox conformance <endpoint>` prints.
 * It acts for real, about 25 times, at one location in slots 1 and 2, and leaves that location's marks up to ten
 * times higher than it found them: use a location for tests.
 */
import type { CallKind } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import type { Participant, StepCall } from '../engine/ports.ts';
import { Caller, type Subject } from './participant-caller.ts';
import { type Ability, PARTICIPANT_RULES, type ParticipantRule } from './participant-rules.ts';

export interface RuleFinding {
  /** As design 7 numbers them, "(1)" to "(6)", or the paragraph of the contract. */
  readonly rule: string;
  readonly name: string;
  readonly ability: Ability;
  /** `warn`: it does not follow an advice. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found instead; empty when ok. */
  readonly says: string;
  /** The calls that showed it and their answers, the last ones; empty when ok. */
  readonly exchange: readonly string[];
}

export interface Conformance {
  /** What it keeps to, as far as its answers show. */
  readonly grade: Grade;
  /** What its capabilities say; null: nothing, which stands for G0. */
  readonly claims: Grade | null;
  readonly findings: readonly RuleFinding[];
}

export type RunSubject = Omit<Subject, 'firstToken' | 'hasStatus'>;

/** The slots the rules use. */
const SLOTS = [1, 2] as const;
/** What a person reads of a broken rule. */
const EXCHANGE_MAX = 12;

/** Never throws: what a rule throws is its finding. `onFinding` hears of each as it is found. */
export async function runParticipantRules(
  subject: RunSubject,
  onFinding: (finding: RuleFinding) => void = () => undefined,
): Promise<Conformance> {
  const findings: RuleFinding[] = [];
  let hasStatus = true;
  for (const [index, rule] of PARTICIPANT_RULES.entries()) {
    const finding = await findingOf(rule, { ...subject, prefix: `${subject.prefix}-${index}`, hasStatus });
    if (rule.ability === 'status') hasStatus = finding.status === 'ok';
    findings.push(finding);
    onFinding(finding);
  }
  const { participant, location } = subject;
  const capabilities = await participant.capabilities(location);
  const claims = typeof capabilities === 'string' ? null : capabilities.grade;
  return { grade: gradeOf(findings), claims, findings };
}

function gradeOf(findings: readonly RuleFinding[]): Grade {
  const has = (wanted: Ability): boolean =>
    findings.every(({ ability, status }) => ability !== wanted || status !== 'fail');
  if (has('replay')) return has('fence') && has('status') ? 'G3' : 'G2';
  return has('status') ? 'G1' : 'G0';
}

async function findingOf(
  { rule, name, ability, advice, check }: ParticipantRule,
  subject: Omit<Subject, 'firstToken'>,
): Promise<RuleFinding> {
  const told: string[] = [];
  const participant = telling(subject.participant, (line) => told.push(line));
  try {
    const firstToken = await tokenAbove(subject);
    await check({ ...subject, participant, firstToken });
    return { rule, name, ability, status: 'ok', says: '', exchange: [] };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    const exchange = told.slice(-EXCHANGE_MAX);
    return { rule, name, ability, status: advice ? 'warn' : 'fail', says, exchange };
  }
}

/** The same participant; each call and its answer is told, in the order of the answers. */
function telling(participant: Participant, tell: (line: string) => void): Participant {
  const call = (kind: CallKind) => async (step: StepCall) => {
    const answer = await participant[kind](step);
    tell(`${kind} ${step.key}, slot ${step.slot}, token ${step.token}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    execute: call('execute'),
    status: call('status'),
    reverse: call('reverse'),
    capabilities: (location) => participant.capabilities(location),
    close: () => participant.close(),
  };
}

/** A token above the marks of the location, found by the status of keys that nobody used; 1 where none is told. */
async function tokenAbove(subject: Omit<Subject, 'firstToken'>): Promise<bigint> {
  let above = 1n;
  for (const slot of SLOTS) {
    const prefix = `${subject.prefix}-mark-${slot}`;
    const caller = new Caller({ ...subject, prefix, firstToken: 1n });
    const answer = await caller.call('status', caller.key(), { slot });
    const mark = answer.outcome === 'stale' ? BigInt(answer.mark) : 1n;
    if (mark >= above) above = mark + 1n;
  }
  return above;
}
