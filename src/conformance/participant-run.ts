/**
 * Runs the rules for participants on a participant of anybody: what `signalbox conformance <endpoint>` prints.
 * It acts for real, about 20 times, at one location in slots 1 and 2, and leaves that location's marks up to ten
 * times higher than it found them: use a location for tests.
 */
import { AssertionError } from 'node:assert/strict';
import { Caller, type Subject } from './participant-caller.ts';
import { checkCapabilities, PARTICIPANT_RULES } from './participant-rules.ts';

export interface RuleFinding {
  /** As design 7 numbers them, "(1)" to "(6)", or the paragraph of the contract. */
  readonly rule: string;
  readonly name: string;
  /** `warn`: it does not follow an advice. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found instead; empty when ok. */
  readonly says: string;
}

export type RunSubject = Omit<Subject, 'firstToken'>;

/** The slots the rules use. */
const SLOTS = [1, 2] as const;

/** One finding a rule, in order. Never throws: what a rule throws is its finding. */
export async function* runParticipantRules(subject: RunSubject): AsyncGenerator<RuleFinding> {
  const { participant, location, prefix } = subject;
  const capabilities = { rule: 'contract 6', name: 'says what it keeps to, as grade G3', advice: false };
  yield await findingOf(capabilities, () => checkCapabilities(participant, location));
  for (const [index, rule] of PARTICIPANT_RULES.entries()) {
    yield await findingOf(rule, async () => {
      const firstToken = await tokenAbove(subject, `${prefix}-${index}`);
      await rule.check({ ...subject, prefix: `${prefix}-${index}`, firstToken });
    });
  }
}

async function findingOf(
  rule: { readonly rule: string; readonly name: string; readonly advice: boolean },
  check: () => Promise<void>,
): Promise<RuleFinding> {
  const { rule: number, name, advice } = rule;
  try {
    await check();
    return { rule: number, name, status: 'ok', says: '' };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { rule: number, name, status: advice ? 'warn' : 'fail', says };
  }
}

/** A token above the marks of the location, found by the status of keys that nobody used. */
async function tokenAbove(subject: RunSubject, prefix: string): Promise<bigint> {
  let above = 1n;
  for (const slot of SLOTS) {
    const caller = new Caller({ ...subject, prefix: `${prefix}-mark-${slot}`, firstToken: 1n });
    const answer = await caller.call('status', caller.key(), { slot });
    if (answer.outcome === 'unknown') {
      throw new AssertionError({ message: `status: ${answer.code} ${answer.detail}` });
    }
    const mark = answer.outcome === 'stale' ? BigInt(answer.mark) : 1n;
    if (mark >= above) above = mark + 1n;
  }
  return above;
}
