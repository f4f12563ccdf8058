/**
 * The rules for participants of grade G3 (design 7, contract 1 to 7) as checks that need nothing but the
 * participant itself. The suite in participant.ts runs them on ours, `signalbox conformance` on anybody's.
 */
import assert from 'node:assert/strict';
import type { Answer, CallKind } from '../core/answer.ts';
import type { Participant } from '../engine/ports.ts';
import { Caller, type Subject } from './participant-caller.ts';

/** What a rule is about; a grade is what somebody can do (design 7). */
export type Ability = 'status' | 'replay' | 'fence';

export interface ParticipantRule {
  /** As design 7 numbers them, "(1)" to "(6)", or the paragraph of the contract. */
  readonly rule: string;
  readonly name: string;
  readonly ability: Ability;
  /** Breaking it is a warning: the contract calls it advice at this grade. */
  readonly advice: boolean;
  /** Throws AssertionError when the participant breaks the rule. */
  check(subject: Subject): Promise<void>;
}

type Check = (caller: Caller) => Promise<void>;

/** Copies of one request sent at once. */
const COPIES = 8;
const KINDS: readonly CallKind[] = ['execute', 'status', 'reverse'];

export const PARTICIPANT_RULES: readonly ParticipantRule[] = [
  rule('status', 'contract 6', 'status tells what became of a key', statusTells),
  rule(
    'fence',
    '(1)',
    'a lower token is stale with the mark and does nothing, whatever the request',
    lowerToken,
  ),
  rule('fence', '(1)', 'each slot has its own mark', markPerSlot),
  rule('fence', 'contract 4', 'a token equal to the mark is for the key that raised it only', equalToken),
  rule('fence', 'contract 4', 'tokens are compared as numbers', numbersNotText),
  rule('fence', 'contract 4', 'every accepted request raises the mark', everyRequestRaises),
  rule('replay', '(2)', 'copies of one request act once', copiesActOnce),
  rule('fence', '(2)', 'a status that races an execute is right about it', statusRaces),
  rule('replay', '(3)', 'done is repeated to every later execute and status', doneIsRepeated),
  rule('replay', '(3)', 'reversed is repeated, and a reversed key is never done again', reversedIsRepeated),
  rule('replay', '(4)', 'reverse of an unknown key leaves a tombstone', tombstone),
  rule(
    'fence',
    '(5)',
    'never has raised the mark: the older execute is stale, a newer one is legal',
    neverFences,
  ),
  rule('replay', '(6)', 'retry speaks of one request: the key may start later', retryIsOfOneRequest),
  {
    ...rule('fence', 'contract 3', 'after not-after nothing is started, the answer is retry', notAfter),
    advice: true,
  },
];

/** Contract 6. */
export async function checkCapabilities(participant: Participant, location: string): Promise<void> {
  const capabilities = await participant.capabilities(location);
  assert.ok(typeof capabilities !== 'string', 'GET /v1/capabilities gives no answer of the contract');
  const { contract, grade, replay, fence, status } = capabilities;
  assert.deepEqual(
    { contract, grade, replay, fence, status },
    { contract: 1, grade: 'G3', replay: true, fence: true, status: true },
  );
}

function rule(ability: Ability, number: string, name: string, check: Check): ParticipantRule {
  return { ability, rule: number, name, advice: false, check: (subject) => check(new Caller(subject)) };
}

export function expectOutcome(answer: Answer, ...outcomes: Answer['outcome'][]): void {
  assert.ok(
    outcomes.includes(answer.outcome),
    `expected ${outcomes.join(' or ')}, got ${JSON.stringify(answer)}`,
  );
}

function expectStale(answer: Answer, mark: bigint): void {
  expectOutcome(answer, 'stale');
  assert.equal(answer.outcome === 'stale' && answer.mark, String(mark), 'stale names the mark');
}

async function statusTells(caller: Caller): Promise<void> {
  expectOutcome(await caller.call('status', caller.key()), 'never');
  const key = caller.key();
  const evidence = await caller.done(key);
  assert.deepEqual(await caller.call('status', key), { outcome: 'done', evidence });
}

async function lowerToken(caller: Caller): Promise<void> {
  const low = caller.token();
  const high = caller.token();
  const first = caller.key();
  expectOutcome(await caller.call('status', first, { token: high }), 'never');
  for (const kind of KINDS) {
    const key = caller.key();
    expectStale(await caller.call(kind, key, { token: low }), high);
    expectOutcome(await caller.call('status', first, { token: high }), 'never');
    expectStale(await caller.call(kind, first, { token: low }), high);
  }
  const done = caller.key();
  const evidence = await caller.done(done);
  expectOutcome(await caller.call('reverse', done, { token: low }), 'stale');
  assert.deepEqual(
    await caller.call('status', done),
    { outcome: 'done', evidence },
    'a stale reverse undid it',
  );
}

async function markPerSlot(caller: Caller): Promise<void> {
  const low = caller.token();
  const high = caller.token();
  expectOutcome(await caller.call('status', caller.key(), { token: high, slot: 1 }), 'never');
  expectOutcome(await caller.call('status', caller.key(), { token: low, slot: 2 }), 'never');
  expectStale(await caller.call('status', caller.key(), { token: low, slot: 1 }), high);
}

async function equalToken(caller: Caller): Promise<void> {
  const token = caller.token();
  const key = caller.key();
  expectOutcome(await caller.call('status', key, { token }), 'never');
  for (const kind of KINDS) expectStale(await caller.call(kind, caller.key(), { token }), token);
  expectOutcome(await caller.call('status', key, { token }), 'never');
}

async function numbersNotText(caller: Caller): Promise<void> {
  // The next power of ten and no more: marks stay for ever, and tokens end at 2^63.
  const power = 10n ** BigInt(String(caller.token() + 1n).length);
  caller.raise(power + 1n);
  expectOutcome(await caller.call('status', caller.key(), { token: power - 1n }), 'never');
  expectOutcome(await caller.call('status', caller.key(), { token: power }), 'never');
  expectStale(await caller.call('status', caller.key(), { token: power - 1n }), power);
}

async function everyRequestRaises(caller: Caller): Promise<void> {
  const done = caller.key();
  await caller.done(done);
  const reversed = caller.key();
  expectOutcome(await caller.call('reverse', reversed), 'reversed');
  for (const kind of KINDS) {
    for (const key of kind === 'reverse' ? [reversed] : [done, reversed]) {
      const low = caller.token();
      const high = caller.token();
      await caller.call(kind, key, { token: high });
      expectStale(await caller.call('execute', caller.key(), { token: low }), high);
    }
  }
}

async function copiesActOnce(caller: Caller): Promise<void> {
  const key = caller.key();
  const token = caller.token();
  const copies = Array.from({ length: COPIES }, () => caller.call('execute', key, { token }));
  const answers = await Promise.all(copies);
  for (const answer of answers) expectOutcome(answer, 'done', 'pending');
  const settled = await caller.settled(key);
  expectOutcome(settled, 'done');
  for (const answer of answers) {
    if (answer.outcome === 'done') assert.deepEqual(answer, settled, 'all copies have the same evidence');
  }
}

async function statusRaces(caller: Caller): Promise<void> {
  for (let round = 0; round < COPIES; round++) {
    const key = caller.key();
    const [older, newer] = [caller.token(), caller.token()];
    const [execute, status] = await Promise.all([
      caller.call('execute', key, { token: older }),
      caller.call('status', key, { token: newer }),
    ]);
    expectOutcome(status, 'never', 'pending', 'done');
    const settled = await caller.settled(key);
    if (status.outcome === 'never') {
      expectStale(execute, newer);
      expectOutcome(settled, 'never');
    } else {
      expectOutcome(execute, 'done', 'pending');
      expectOutcome(settled, 'done');
    }
  }
}

async function doneIsRepeated(caller: Caller): Promise<void> {
  const key = caller.key();
  const evidence = await caller.done(key);
  for (const kind of ['execute', 'status', 'execute'] as const) {
    if (!caller.kinds.includes(kind)) continue;
    assert.deepEqual(await caller.call(kind, key), { outcome: 'done', evidence });
  }
}

async function reversedIsRepeated(caller: Caller): Promise<void> {
  const key = caller.key();
  await caller.done(key);
  const answer = await caller.call('reverse', key);
  const last = answer.outcome === 'pending' ? await caller.settled(key) : answer;
  // Refusing to reverse is allowed (contract 2): then it stays done.
  if (last.outcome === 'refused') return expectOutcome(await caller.settled(key), 'done');
  expectOutcome(last, 'reversed');
  for (const kind of caller.kinds) expectOutcome(await caller.call(kind, key), 'reversed');
}

async function tombstone(caller: Caller): Promise<void> {
  const key = caller.key();
  expectOutcome(await caller.call('reverse', key), 'reversed');
  for (const kind of caller.kinds) expectOutcome(await caller.call(kind, key), 'reversed');
}

async function neverFences(caller: Caller): Promise<void> {
  const key = caller.key();
  const [older, newer] = [caller.token(), caller.token()];
  expectOutcome(await caller.call('status', key, { token: newer }), 'never');
  expectStale(await caller.call('execute', key, { token: older }), newer);
  expectOutcome(await caller.call('status', key), 'never');
  await caller.done(key);
}

/** A minute ago, for clocks that differ. */
const past = (): number => Date.now() - 60_000;

/** A request past its not-after is what makes anybody answer retry; one that carries it out shows nothing here. */
async function retryIsOfOneRequest(caller: Caller): Promise<void> {
  const key = caller.key();
  const first = await caller.call('execute', key, { notAfterMs: past() });
  if (first.outcome !== 'retry') return;
  await caller.done(key);
}

async function notAfter(caller: Caller): Promise<void> {
  const key = caller.key();
  expectOutcome(await caller.call('execute', key, { notAfterMs: past() }), 'retry');
  expectOutcome(await caller.call('status', key), 'never');
  await caller.done(key);
}
