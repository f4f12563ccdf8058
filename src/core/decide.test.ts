import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ANSWERS, planOf } from '../../test/fixtures/decisions.ts';
import type { Answer, CallKind } from './answer.ts';
import { type Decision, decide } from './decide.ts';
import { HOLDING_STATES, type HoldingState, isFinal, isHolding, isLegal, type State } from './states.ts';

const CALLS: readonly CallKind[] = ['execute', 'status', 'reverse'];

const CALL_OF: Partial<Record<HoldingState, CallKind>> = {
  executing: 'execute',
  in_doubt: 'status',
  reversing: 'reverse',
};

const PLANS = ['r', 'i', 'rr', 'ri', 'ir', 'ii', 'rrr', 'rri', 'rir', 'rii', 'irr', 'iri', 'iir', 'iii'];

interface Case {
  readonly letters: string;
  readonly state: HoldingState;
  readonly step: number;
  readonly call: CallKind;
  readonly answer: Answer;
}

function* everyCase(): Generator<Case> {
  for (const letters of PLANS) {
    for (const state of HOLDING_STATES) {
      for (let step = 0; step < letters.length; step += 1) {
        for (const call of CALLS) {
          for (const answer of ANSWERS) yield { letters, state, step, call, answer };
        }
      }
    }
  }
}

function decideCase({ letters, state, step, call, answer }: Case): Decision {
  const position = { state, step, byPerson: false };
  return decide({ plan: planOf(letters), position, call, answer, grade: 'G3', quiet: false });
}

test('every state, call, answer and position: legal, or a defect when the state does not make the call', () => {
  const transitions = new Set<string>();
  for (const given of everyCase()) {
    const where = JSON.stringify(given);
    if (given.state === 'in_doubt' && given.call === 'execute') continue; // grade G2
    if (CALL_OF[given.state] !== given.call) {
      assert.throws(() => decideCase(given), { code: 'SB-5006' }, where);
      continue;
    }
    const decision = decideCase(given);
    for (const to of [decision.to, decision.lateTo]) {
      if (to === null) continue;
      assert.ok(isLegal(given.state, decision.event, to), `${where} ${decision.event} ${to}`);
      transitions.add(`${given.state} ${decision.event} ${to}`);
    }
    checkFields(given, decision, where);
  }
  assert.deepEqual([...transitions].sort(), REACHED);
});

/** All transitions that an answer can lead to. Every other one of states.ts has another cause than an answer. */
const REACHED = [
  'executing done completed',
  'executing done executing',
  'executing give_up held',
  'executing refused reversing',
  'executing refused rolled_back',
  'executing retry executing',
  'executing retry in_doubt',
  'executing reversed reversing',
  'executing reversed rolled_back',
  'executing stale in_doubt',
  'executing unknown in_doubt',
  'in_doubt done completed',
  'in_doubt done executing',
  'in_doubt give_up held',
  'in_doubt never executing',
  'in_doubt never held',
  'in_doubt never reversing',
  'in_doubt never rolled_back',
  'in_doubt refused reversing',
  'in_doubt refused rolled_back',
  'in_doubt reversed reversing',
  'in_doubt reversed rolled_back',
  'in_doubt stale in_doubt',
  'in_doubt unknown in_doubt',
  'reversing give_up held',
  'reversing reversed reversing',
  'reversing reversed rolled_back',
  'reversing stale reversing',
  'reversing unknown reversing',
];

function checkFields(given: Case, decision: Decision, where: string): void {
  const { to, step, lateTo, lateStep, newToken, code, askAgain } = decision;
  for (const index of [step, lateStep]) assert.ok(index >= 0 && index < given.letters.length, where);
  if (lateTo === null) assert.equal(lateStep, step, where);
  const attempt = to === 'executing' || (to === 'reversing' && given.state !== 'reversing');
  const intoDoubt = to === 'in_doubt' && given.state !== 'in_doubt';
  const moved = to === 'reversing' && step !== given.step;
  const above = given.answer.outcome === 'stale';
  assert.equal(newToken, attempt || intoDoubt || moved || above, where);
  if (to === 'in_doubt' || to === 'held' || lateTo === 'in_doubt' || lateTo === 'held')
    assert.notEqual(code, null, where);
  if (isFinal(to)) assert.equal(code, null, where);
  if (askAgain) assert.ok(isHolding(to) && to !== 'held' && step === given.step, where);
  const repeated = to === given.state && step === given.step;
  if (repeated) assert.ok(askAgain, `${where} would be asked again without a wait`);
}

/** The fields that matter, in one line. */
function line(letters: string, state: HoldingState, step: number, answer: Answer): string {
  const call = CALL_OF[state];
  assert.ok(call !== undefined);
  const {
    event,
    to,
    lateTo,
    step: next,
    lateStep,
    newToken,
    code,
    askAgain,
    reason,
  } = decideCase({ letters, state, step, call, answer });
  const late = lateTo === null ? '' : ` late ${lateTo}(${lateStep})`;
  const notes = [
    newToken ? 'token' : null,
    askAgain ? 'again' : null,
    code,
    reason === null ? null : `"${reason}"`,
  ];
  return `${event} → ${to}(${next})${late} ${notes.filter((note) => note !== null).join(' ')}`.trimEnd();
}

const answerOf = (outcome: Answer['outcome']): Answer => {
  const answer = ANSWERS.find((one) => one.outcome === outcome);
  assert.ok(answer !== undefined);
  return answer;
};

const EXPECTED: readonly (readonly [string, HoldingState, number, Answer['outcome'], string])[] = [
  ['r', 'executing', 0, 'done', 'done → completed(0)'],
  ['rr', 'executing', 0, 'done', 'done → executing(1) token'],
  ['rr', 'executing', 1, 'done', 'done → completed(1)'],
  ['i', 'executing', 0, 'refused', 'refused → rolled_back(0) "no cash"'],
  ['rr', 'executing', 1, 'refused', 'refused → reversing(0) token "no cash"'],
  ['ri', 'executing', 1, 'refused', 'refused → reversing(0) token "no cash"'],
  ['ir', 'executing', 1, 'refused', 'give_up → held(1) SB-4204 "no cash"'],
  ['irr', 'executing', 2, 'refused', 'give_up → held(2) SB-4204 "no cash"'],
  ['r', 'executing', 0, 'retry', 'retry → executing(0) late in_doubt(0) token again SB-4110 "door open"'],
  ['r', 'executing', 0, 'pending', 'unknown → in_doubt(0) token again SB-4109'],
  ['r', 'executing', 0, 'unknown', 'unknown → in_doubt(0) token SB-4101'],
  ['r', 'executing', 0, 'stale', 'stale → in_doubt(0) token SB-4107'],
  ['r', 'executing', 0, 'reversed', 'reversed → rolled_back(0) "reversed"'],
  ['rr', 'executing', 1, 'reversed', 'reversed → reversing(0) token "reversed"'],
  ['r', 'executing', 0, 'never', 'unknown → in_doubt(0) token SB-4111'],
  ['rr', 'in_doubt', 0, 'done', 'done → executing(1) token'],
  ['rr', 'in_doubt', 1, 'done', 'done → completed(1)'],
  ['r', 'in_doubt', 0, 'refused', 'refused → rolled_back(0) "no cash"'],
  ['ir', 'in_doubt', 1, 'refused', 'give_up → held(1) SB-4204 "no cash"'],
  ['r', 'in_doubt', 0, 'never', 'never → executing(0) late rolled_back(0) token again "expired"'],
  ['rr', 'in_doubt', 1, 'never', 'never → executing(1) late reversing(0) token again "expired"'],
  ['ir', 'in_doubt', 1, 'never', 'never → executing(1) late held(1) token again SB-4206 "expired"'],
  ['r', 'in_doubt', 0, 'pending', 'unknown → in_doubt(0) again SB-4109'],
  ['r', 'in_doubt', 0, 'unknown', 'unknown → in_doubt(0) again SB-4101'],
  ['r', 'in_doubt', 0, 'stale', 'stale → in_doubt(0) token again SB-4107'],
  ['rr', 'in_doubt', 1, 'reversed', 'reversed → reversing(0) token "reversed"'],
  ['r', 'in_doubt', 0, 'retry', 'unknown → in_doubt(0) again SB-4111'],
  ['rr', 'reversing', 0, 'reversed', 'reversed → rolled_back(0)'],
  ['rrr', 'reversing', 1, 'reversed', 'reversed → reversing(0) token'],
  ['irr', 'reversing', 1, 'reversed', 'give_up → held(1) SB-4204'],
  ['i', 'reversing', 0, 'reversed', 'reversed → rolled_back(0)'],
  ['rr', 'reversing', 0, 'refused', 'give_up → held(0) SB-4203 "no cash"'],
  ['rr', 'reversing', 0, 'pending', 'unknown → reversing(0) again SB-4109'],
  ['rr', 'reversing', 0, 'unknown', 'unknown → reversing(0) again SB-4101'],
  ['rr', 'reversing', 0, 'stale', 'stale → reversing(0) token again SB-4107'],
  ['rr', 'reversing', 0, 'done', 'unknown → reversing(0) again SB-4111'],
  ['rr', 'reversing', 0, 'retry', 'unknown → reversing(0) again SB-4111'],
];

for (const [letters, state, step, outcome, expected] of EXPECTED) {
  test(`plan ${letters}, ${state}(${step}), ${outcome}: ${expected}`, () => {
    assert.equal(line(letters, state, step, answerOf(outcome)), expected);
  });
}

test('a step that the plan does not have is a defect', () => {
  for (const step of [-1, 1, 0.5]) {
    const given: Case = { letters: 'r', state: 'executing', step, call: 'execute', answer: answerOf('done') };
    assert.throws(() => decideCase(given), { code: 'SB-5006' });
  }
});

/** What a participant's answers said of each step so far. */
type Effects = ('none' | 'done' | 'undone')[];

interface Life {
  readonly letters: string;
  /** What is answered, and whether the deadline has passed by then. */
  readonly script: readonly (readonly [Answer, boolean])[];
  /** What is answered after the script; null: nothing. */
  readonly plain: ((state: State) => Answer) | null;
}

function live({ letters, script, plain }: Life): { state: State; effects: Effects } {
  const plan = planOf(letters);
  const effects: Effects = [...letters].map(() => 'none');
  let state: State = 'executing';
  let step = 0;
  const rest = plain === null ? 0 : 2 * letters.length; // at most once forwards and once back
  for (let index = 0; index < script.length + rest; index += 1) {
    const call: CallKind | undefined = isHolding(state) ? CALL_OF[state] : undefined;
    if (call === undefined || !isHolding(state)) break;
    if (call === 'reverse')
      assert.equal(letters[step], 'r', 'E3: nobody but a person reverses an irreversible step');
    const [answer, late]: readonly [Answer, boolean] = script[index] ?? [
      plain?.(state) ?? answerOf('pending'),
      true,
    ];
    const position = { state, step, byPerson: false };
    const decision = decide({ plan, position, call, answer, grade: 'G3', quiet: false });
    if (decision.event === 'done') effects[step] = 'done';
    if (decision.event === 'reversed' && call === 'reverse') effects[step] = 'undone';
    const lateTo: State | null = late ? decision.lateTo : null;
    assert.ok(isLegal(state, decision.event, lateTo ?? decision.to));
    state = lateTo ?? decision.to;
    step = lateTo === null ? decision.step : decision.lateStep;
  }
  return { state, effects };
}

const script = fc.array(fc.tuple(fc.constantFrom(...ANSWERS), fc.boolean()), { maxLength: 30 });

test('S7: whatever is answered, completed means all steps done, rolled back means none is', () => {
  const ends = new Set<State>();
  fc.assert(
    fc.property(fc.constantFrom(...PLANS), script, (letters, answers) => {
      const { state, effects } = live({ letters, script: answers, plain: null });
      ends.add(state);
      if (state === 'completed') assert.ok(effects.every((effect) => effect === 'done'));
      if (state === 'rolled_back') assert.ok(effects.every((effect) => effect !== 'done'));
    }),
    { numRuns: 20_000, seed: 20260102 },
  );
  for (const state of ['completed', 'rolled_back', 'held'] as const) assert.ok(ends.has(state), state);
});

test('L3: once the participant answers plainly, every life ends, even a late one', () => {
  const outcome = fc.constantFrom('done', 'refused', 'reversed');
  fc.assert(
    fc.property(fc.constantFrom(...PLANS), script, outcome, (letters, answers, forwards) => {
      const plain = (state: State) => answerOf(state === 'reversing' ? 'reversed' : forwards);
      const { state } = live({ letters, script: answers, plain });
      assert.ok(isFinal(state) || state === 'held', state);
    }),
    { numRuns: 5_000, seed: 20260103 },
  );
});
