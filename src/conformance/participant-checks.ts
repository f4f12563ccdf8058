/**
 * Checks of the participant suite that need a hand on the machine, and those that compare with a model.
 * They wait for named conditions (an effect has started), never for time.
 */
import assert from 'node:assert/strict';
import { setTimeout as pass } from 'node:timers/promises';
import type { Answer } from '../core/answer.ts';
import type { Caller } from './participant-caller.ts';
import type { ParticipantFixture } from './participant-fixture.ts';
import { ParticipantModel, randomCalls } from './participant-model.ts';
import { expectOutcome } from './participant-rules.ts';

type MachineCheck = (fixture: ParticipantFixture, caller: Caller) => Promise<void>;

export const MACHINE_CHECKS: readonly (readonly [name: string, check: MachineCheck])[] = [
  ['(1) each location has its own mark', markPerLocation],
  ['(2) pending while under way, whatever tokens come; recorded to its end', pendingWhileUnderWay],
  ['(3) refused is repeated; reverse of it is reversed (contract 2)', refusedIsRepeated],
  ['(6) retry speaks of one request: the key may start later', retryThenDone],
  ['(6) after retry an old copy of the request is fenced by a status', retryThenFenced],
  ['a call that times out is unknown, its effect happens once', timedOut],
  ['an abort ends the call at once as unknown', aborted],
  ['a call aborted before it was made asks nothing', abortedBefore],
];

const CONDITION_MS_MAX = 10_000;
const LOOK_AGAIN_MS = 5;
/** Shorter than any held effect, long enough for the request to leave on a busy machine. */
const SHORT_MS = 500;
/** Seeds 1 to this: about a second over HTTP with fsync. */
const HISTORIES = 15;
const HISTORY_CALLS = 30;
const RACED_KEYS = 25;

async function waitForEffect(fixture: ParticipantFixture, key: string): Promise<void> {
  const deadline = Date.now() + CONDITION_MS_MAX;
  while ((await fixture.effects(key)) === 0) {
    assert.ok(Date.now() < deadline, `the effect of ${key} has started`);
    await pass(LOOK_AGAIN_MS);
  }
}

async function markPerLocation(_fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const [low, high] = [caller.token(), caller.token()];
  const other = `${caller.location}-other`;
  expectOutcome(await caller.call('status', caller.key(), { token: high }), 'never');
  expectOutcome(await caller.call('status', caller.key(), { token: low, location: other }), 'never');
}

async function pendingWhileUnderWay(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  await fixture.hold(caller.location);
  const execute = caller.call('execute', key);
  await waitForEffect(fixture, key);
  for (const kind of ['execute', 'status', 'reverse', 'status'] as const) {
    expectOutcome(await caller.call(kind, key), 'pending');
  }
  // Another key passes the mark: the effect under way is not touched.
  expectOutcome(await caller.call('status', caller.key()), 'never');
  await fixture.release(caller.location);
  expectOutcome(await execute, 'done');
  assert.deepEqual(await caller.settled(key), await execute);
  assert.equal(await fixture.effects(key), 1);
}

async function refusedIsRepeated(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  await fixture.answerWith('refused');
  const first = await caller.call('execute', key);
  await fixture.answerWith('plain');
  expectOutcome(first, 'refused');
  for (const kind of ['execute', 'status'] as const) assert.deepEqual(await caller.call(kind, key), first);
  expectOutcome(await caller.call('reverse', key), 'reversed');
  for (const kind of ['execute', 'status', 'reverse'] as const) {
    expectOutcome(await caller.call(kind, key), 'reversed');
  }
  assert.equal(await fixture.effects(key), 0);
}

async function askedToRetry(
  fixture: ParticipantFixture,
  caller: Caller,
  key: string,
  token: bigint,
): Promise<void> {
  await fixture.answerWith('retry');
  const answer = await caller.call('execute', key, { token });
  await fixture.answerWith('plain');
  expectOutcome(answer, 'retry');
  assert.equal(await fixture.effects(key), 0);
}

async function retryThenDone(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  await askedToRetry(fixture, caller, key, caller.token());
  await caller.done(key);
  assert.equal(await fixture.effects(key), 1);
}

async function retryThenFenced(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  const token = caller.token();
  await askedToRetry(fixture, caller, key, token);
  expectOutcome(await caller.call('status', key), 'never');
  expectOutcome(await caller.call('execute', key, { token }), 'stale');
  assert.equal(await fixture.effects(key), 0);
}

function expectUnknown(answer: Answer, code: string): void {
  assert.equal(answer.outcome === 'unknown' ? answer.code : answer.outcome, code);
}

async function timedOut(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  await caller.call('status', key);
  await fixture.hold(caller.location);
  expectUnknown(await caller.call('execute', key, { timeoutMs: SHORT_MS }), 'SB-4101');
  await waitForEffect(fixture, key);
  expectOutcome(await caller.call('status', key), 'pending');
  await fixture.release(caller.location);
  expectOutcome(await caller.settled(key), 'done');
  expectOutcome(await caller.call('execute', key), 'done');
  assert.equal(await fixture.effects(key), 1);
}

async function aborted(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  const control = new AbortController();
  await fixture.hold(caller.location);
  const execute = caller.call('execute', key, { signal: control.signal });
  await waitForEffect(fixture, key);
  control.abort();
  expectUnknown(await execute, 'SB-4101');
  await fixture.release(caller.location);
  expectOutcome(await caller.settled(key), 'done');
  assert.equal(await fixture.effects(key), 1);
}

async function abortedBefore(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const key = caller.key();
  const token = caller.token();
  expectUnknown(await caller.call('execute', key, { token, signal: AbortSignal.abort() }), 'SB-4101');
  expectOutcome(await caller.call('status', key, { token }), 'never');
  assert.equal(await fixture.effects(key), 0);
}

/** One call after the other: each answer must be the model's, each stale mark too. */
export async function randomHistories(newCaller: () => Caller): Promise<void> {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const caller = newCaller();
    const model = new ParticipantModel();
    const keys = [caller.key(), caller.key(), caller.key()];
    const told: string[] = [];
    for (const { kind, keyIndex, slot, token } of randomCalls(seed, {
      calls: HISTORY_CALLS,
      keys: keys.length,
    })) {
      const key = keys[keyIndex] ?? '';
      const answer = await caller.call(kind, key, { slot, token });
      const brief = answer.outcome === 'stale' ? `stale ${answer.mark}` : answer.outcome;
      told.push(`${kind} ${key} slot ${slot} token ${token}: ${brief}`);
      assert.equal(brief, model.call(kind, { key, slot, token }), `seed ${seed}\n${told.join('\n')}`);
    }
  }
}

/** Everything of a key at once: two copies of an execute, a later one, a status between, a reverse of every third. */
export async function copiesRace(fixture: ParticipantFixture, caller: Caller): Promise<void> {
  const races = Array.from({ length: RACED_KEYS }, async (_, index) => {
    const key = caller.key();
    // A slot a key: what races is the key, not the mark.
    const slot = index + 1;
    const [first, asked, second] = [caller.token(), caller.token(), caller.token()];
    const calls = [
      caller.call('execute', key, { slot, token: first }),
      caller.call('status', key, { slot, token: asked }),
      caller.call('execute', key, { slot, token: first }),
      index % 3 === 0
        ? caller.call('reverse', key, { slot, token: second })
        : caller.call('execute', key, { slot, token: second }),
    ];
    const answers = await Promise.all(calls);
    const last = await caller.settled(key, { slot });
    const effects = await fixture.effects(key);
    const told = `${key}: ${JSON.stringify(answers)}, at last ${JSON.stringify(last)}, ${effects} effects`;
    expectOutcome(last, 'done', 'reversed');
    assert.ok(effects <= 1, told);
    if (last.outcome === 'done') assert.equal(effects, 1, told);
    for (const answer of answers) {
      if (answer.outcome === 'done' && last.outcome === 'done') assert.deepEqual(answer, last, told);
      if (answer.outcome === 'done') assert.equal(effects, 1, told);
    }
    assert.ok(
      answers.every(({ outcome }) => ['done', 'pending', 'never', 'stale', 'reversed'].includes(outcome)),
      told,
    );
  });
  await Promise.all(races);
}
