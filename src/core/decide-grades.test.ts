/** What grades and people's decisions make of a transaction: everything is legal, nothing is done that a grade does not carry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWERS, planOf } from '../../test/fixtures/decisions.ts';
import type { Answer } from './answer.ts';
import { COMMAND_STATES } from './commands.ts';
import { callOf, type Decision, decide, decideCommand, needsGrade } from './decide.ts';
import { GRADES, type Grade } from './grade.ts';
import { HOLDING_STATES, type HoldingState, isLegal } from './states.ts';

const ACTIONS = ['ask', 'complete', 'roll_back', 'retry'] as const;

function line({ event, to, lateTo, step, newToken, code, askAgain }: Decision): string {
  const notes = [newToken ? 'token' : '', askAgain ? 'again' : '', code ?? ''].filter((note) => note !== '');
  return [`${event} → ${to}(${step})`, ...(lateTo === null ? [] : [`late ${lateTo}`]), ...notes].join(' ');
}

interface Case {
  readonly grade: Grade;
  readonly state: HoldingState;
  readonly outcome: Answer['outcome'];
  readonly quiet?: boolean;
  readonly byPerson?: boolean;
  readonly letters?: string;
  readonly step?: number;
}

function decided({
  grade,
  state,
  outcome,
  quiet = false,
  byPerson = false,
  letters = 'rr',
  step = 1,
}: Case): string {
  const call = callOf(state, grade, byPerson);
  const answer = ANSWERS.find((one) => one.outcome === outcome);
  assert.ok(call !== null && answer !== undefined);
  return line(
    decide({ plan: planOf(letters), position: { state, step, byPerson }, call, answer, grade, quiet }),
  );
}

test('every grade, state, answer and position: legal, and a rest is never asked about without a wait', () => {
  let cases = 0;
  for (const letters of ['r', 'i', 'rr', 'ri', 'ir', 'rir', 'iri']) {
    for (const grade of GRADES) {
      for (const state of HOLDING_STATES) {
        for (const byPerson of [false, true]) {
          const call = callOf(state, grade, byPerson);
          if (call === null) continue;
          for (let step = 0; step < letters.length; step += 1) {
            for (const answer of ANSWERS) {
              for (const quiet of [false, true]) {
                const position = { state, step, byPerson };
                const found = decide({ plan: planOf(letters), position, call, answer, grade, quiet });
                const where = JSON.stringify({ letters, grade, ...position, answer, quiet });
                for (const to of [found.to, found.lateTo]) {
                  if (to !== null) assert.ok(isLegal(state, found.event, to), `${where}: ${line(found)}`);
                }
                const repeated = found.to === state && found.step === step;
                if (repeated && state !== 'executing') assert.ok(found.askAgain, where);
                cases += 1;
              }
            }
          }
        }
      }
    }
  }
  assert.ok(cases > 2_000, `${cases} cases`);
});

const EXPECTED: readonly (readonly [Case, string])[] = [
  // G2: forward only, by the same key
  [{ grade: 'G2', state: 'in_doubt', outcome: 'done' }, 'done → completed(1)'],
  [{ grade: 'G2', state: 'in_doubt', outcome: 'refused' }, 'refused → reversing(0) token'],
  [{ grade: 'G2', state: 'in_doubt', outcome: 'retry' }, 'retry → in_doubt(1) late held again SB-4110'],
  [{ grade: 'G2', state: 'in_doubt', outcome: 'unknown' }, 'unknown → in_doubt(1) again SB-4101'],
  [{ grade: 'G2', state: 'in_doubt', outcome: 'never' }, 'unknown → in_doubt(1) again SB-4111'],
  [
    { grade: 'G2', state: 'executing', outcome: 'retry' },
    'retry → executing(1) late held token again SB-4110',
  ],
  [{ grade: 'G2', state: 'reversing', outcome: 'unknown' }, 'unknown → reversing(1) again SB-4101'],
  // G1: one attempt; never proves nothing before the quiet time has passed
  [{ grade: 'G1', state: 'executing', outcome: 'retry' }, 'unknown → in_doubt(1) token again SB-4110'],
  [{ grade: 'G1', state: 'in_doubt', outcome: 'never' }, 'unknown → in_doubt(1) again SB-4112'],
  [{ grade: 'G1', state: 'in_doubt', outcome: 'never', quiet: true }, 'give_up → held(1) SB-4205'],
  [{ grade: 'G1', state: 'in_doubt', outcome: 'done' }, 'done → completed(1)'],
  [{ grade: 'G1', state: 'reversing', outcome: 'unknown' }, 'give_up → held(1) SB-4205'],
  [{ grade: 'G1', state: 'reversing', outcome: 'pending' }, 'give_up → held(1) SB-4205'],
  // G0: one attempt
  [{ grade: 'G0', state: 'executing', outcome: 'retry' }, 'unknown → in_doubt(1) token again SB-4110'],
  // G3 once a person has decided to roll back
  [{ grade: 'G3', state: 'in_doubt', outcome: 'never', byPerson: true }, 'never → reversing(0) token'],
  [{ grade: 'G3', state: 'in_doubt', outcome: 'done', byPerson: true }, 'done → reversing(1) token'],
  [
    { grade: 'G3', state: 'in_doubt', outcome: 'done', byPerson: true, letters: 'ri' },
    'give_up → held(1) SB-4203',
  ],
  [
    { grade: 'G3', state: 'in_doubt', outcome: 'never', byPerson: true, letters: 'ir' },
    'never → rolled_back(0)',
  ],
  // E5: who decided in doubt did not know that the reversal would be refused
  [{ grade: 'G3', state: 'reversing', outcome: 'refused', byPerson: true }, 'give_up → held(1) SB-4203'],
  [{ grade: 'G2', state: 'reversing', outcome: 'refused', byPerson: true }, 'give_up → held(1) SB-4203'],
  [
    { grade: 'G3', state: 'in_doubt', outcome: 'pending', byPerson: true },
    'unknown → in_doubt(1) again SB-4109',
  ],
];

for (const [given, expected] of EXPECTED) {
  test(`${JSON.stringify(given)}: ${expected}`, () => assert.equal(decided(given), expected));
}

test('where automation ends', () => {
  assert.equal(callOf('in_doubt', 'G0', false), null);
  assert.equal(callOf('reversing', 'G0', false), null);
  assert.equal(
    callOf('in_doubt', 'G2', true),
    null,
    'a person decided to roll back: nothing is executed again',
  );
  for (const grade of GRADES) assert.equal(callOf('held', grade, false), null);
});

test('below G3 only a recorded answer rolls back, and below G2 nothing is executed twice', () => {
  for (const grade of GRADES) {
    for (const state of HOLDING_STATES) {
      const call = callOf(state, grade, false);
      for (const answer of ANSWERS) {
        if (call === null) continue;
        const position = { state, step: 0, byPerson: false };
        const found = decide({ plan: planOf('r'), position, call, answer, grade, quiet: true });
        const recorded = answer.outcome === 'refused' || answer.outcome === 'reversed';
        if (grade !== 'G3' && (found.to === 'rolled_back' || found.lateTo === 'rolled_back'))
          assert.ok(recorded, `${grade} ${state} ${answer.outcome}`);
        if (grade === 'G1' || grade === 'G0')
          assert.ok(
            found.to !== 'executing' || answer.outcome === 'done',
            `${grade} ${state} ${answer.outcome}`,
          );
      }
    }
  }
});

test('the straight path needs no grade', () => {
  for (const answer of ANSWERS) assert.equal(needsGrade('executing', answer), answer.outcome === 'retry');
  assert.equal(needsGrade('in_doubt', ANSWERS[0] ?? { outcome: 'pending' }), true);
});

test('people: every decision is legal where it makes sense, and a roll back always leads to an end', () => {
  for (const grade of GRADES) {
    for (const action of ACTIONS) {
      for (const state of HOLDING_STATES) {
        const position = { state, step: 1, byPerson: false };
        const question = { plan: planOf('ir'), position, code: null, action, grade };
        if (!COMMAND_STATES[action].includes(state)) {
          assert.throws(() => decideCommand(question), { code: 'SB-5006' });
          continue;
        }
        const found = decideCommand(question);
        assert.ok(isLegal(state, 'decide', found.to), `${grade} ${action} ${state} ${found.to}`);
        assert.equal(found.event, 'decide');
        const changesMind = { ask: null, complete: false, retry: false, roll_back: true };
        assert.equal(found.byPerson, changesMind[action]);
        assert.equal(found.newDeadline, action === 'retry');
      }
    }
  }
  const rollBack = (grade: Grade, state: HoldingState): string =>
    line(
      decideCommand({
        plan: planOf('ir'),
        position: { state, step: 1, byPerson: false },
        code: null,
        action: 'roll_back',
        grade,
      }),
    );
  assert.equal(rollBack('G3', 'held'), 'decide → in_doubt(1) token', 'the fence first');
  assert.equal(rollBack('G3', 'reversing'), 'decide → reversing(1) token');
  assert.equal(rollBack('G2', 'held'), 'decide → reversing(1) token');
  assert.equal(rollBack('G1', 'in_doubt'), 'decide → rolled_back(0)', 'by the person’s word');
});

test('people: what is done and was not undone is rolled back by the word of who had seen that, one step at a time', () => {
  const decided = (
    action: 'ask' | 'roll_back',
    letters: string,
    step: number,
    grade: Grade = 'G3',
  ): string => {
    const position = { state: 'held', step, byPerson: false } as const;
    return line(decideCommand({ plan: planOf(letters), position, code: 'SB-4203', action, grade }));
  };
  for (const grade of GRADES) {
    assert.equal(decided('roll_back', 'r', 0, grade), 'decide → rolled_back(0)');
    assert.equal(decided('roll_back', 'rr', 1, grade), 'decide → reversing(0) token');
  }
  assert.equal(decided('roll_back', 'ri', 1), 'decide → reversing(0) token');
  assert.equal(decided('roll_back', 'ir', 1), 'decide → rolled_back(0)');
  assert.equal(decided('ask', 'rr', 1), 'decide → reversing(1) token', 'the reversal is asked for again');
  assert.equal(decided('ask', 'ri', 1), 'decide → in_doubt(1) token');
});
