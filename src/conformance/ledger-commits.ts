/** Contract of Ledger: what each entry of a commit does, and how it is answered. */
import assert from 'node:assert/strict';
import { after, begunOf, type Check, changedOf, openOf, type Scene, statuses } from './ledger-scene.ts';

const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
/** The largest record value there is. */
const PAYLOAD_MAX = 256 * 1024;

async function beginIsStored(scene: Scene): Promise<void> {
  await scene.own();
  const begin = scene.begin({
    payload: EVERY_BYTE,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692-01',
  });
  const answer = await scene.commit([begin]);
  const begun = begunOf(answer.answers[0]);
  assert(Number.isInteger(answer.atMs));
  assert.deepEqual(answer.fenced, []);
  assert.equal(begun.notAfterMs, answer.atMs + begin.timeoutMs);
  assert.partialDeepStrictEqual(await scene.row(begin.id), {
    id: begin.id,
    partition: 0,
    offset: begin.offset,
    location: begin.location,
    slot: 1,
    state: 'executing',
    step: 0,
    token: begun.token,
    type: 'withdraw',
    plan: '1:dispense',
    payload: EVERY_BYTE,
    evidence: null,
    reason: null,
    code: null,
    takeovers: 0,
    notAfterMs: begun.notAfterMs,
    deadlineMs: answer.atMs + begin.deadlineMs,
    beganAtMs: answer.atMs,
    finishedAtMs: null,
    number: null,
    traceparent: begin.traceparent,
  });
}

async function deadlineBoundsTheAttempt(scene: Scene): Promise<void> {
  await scene.own();
  const short = scene.begin({ timeoutMs: 5_000, deadlineMs: 1_000 });
  const expiresAtMs = Math.floor(Date.now()) + 60_000;
  const expiring = scene.begin({ timeoutMs: 120_000, deadlineMs: 240_000, expiresAtMs });
  const answer = await scene.commit([short, expiring]);
  assert.equal(begunOf(answer.answers[0]).notAfterMs, answer.atMs + 1_000);
  assert.equal(begunOf(answer.answers[1]).notAfterMs, expiresAtMs);
  assert.equal((await scene.row(short.id)).notAfterMs, answer.atMs + 1_000);
  const row = await scene.row(expiring.id);
  assert.deepEqual([row.notAfterMs, row.deadlineMs], [expiresAtMs, expiresAtMs]);
}

async function finishFreesTheSlot(scene: Scene): Promise<void> {
  await scene.own();
  const first = await scene.opened();
  const next = scene.begin({ location: first.location });
  // The begin stands before the change that frees its slot: changes are applied first.
  const answer = await scene.commit([next, scene.change(first)]);
  assert(BigInt(begunOf(answer.answers[0]).token) > BigInt(first.token));
  const finished = changedOf(answer.answers[1]);
  assert.deepEqual([finished.state, finished.step, finished.token], ['completed', 0, first.token]);
  assert.equal(finished.number, 1);
  const row = await scene.row(first.id);
  assert.deepEqual([row.state, row.number, row.finishedAtMs], ['completed', 1, answer.atMs]);
  assert.equal(row.evidence, '{"dispense":{"receipt":"1"}}');
}

async function knownIds(scene: Scene): Promise<void> {
  await scene.own();
  await scene.own(2);
  const payload = `${EVERY_BYTE}${'x'.repeat(PAYLOAD_MAX - 256)}`;
  const begin = scene.begin({ payload });
  await scene.commit([begin]);
  const elsewhere = scene.begin({ id: begin.id, partition: 2, payload: 'other' });
  const { answers } = await scene.commit([begin, elsewhere]);
  const { partition, offset, location } = begin;
  const row = { topic: scene.identity.topic, partition, offset, location, state: 'executing', payload };
  assert.deepEqual(answers, [
    { status: 'exists', row },
    { status: 'exists', row },
  ]);
}

async function sameIdTwiceInOneCommit(scene: Scene): Promise<void> {
  await scene.own();
  const begin = scene.begin();
  const again = scene.begin({ id: begin.id, payload: 'other' });
  const other = scene.begin();
  const answer = await scene.commit([begin, again, other]);
  assert.deepEqual(statuses(answer), ['done', 'exists', 'done']);
  assert.equal((await scene.row(begin.id)).offset, begin.offset);
}

async function heldSlotIsBusy(scene: Scene): Promise<void> {
  await scene.own();
  const location = scene.location('here');
  const [first, second] = [scene.begin({ location }), scene.begin({ location })];
  const answer = await scene.commit([first, second, scene.begin()]);
  assert.deepEqual(statuses(answer), ['done', 'busy', 'done']);
  assert.deepEqual(await scene.ledger.read([second.id]), []);
  const open = openOf(first, answer.answers[0]);
  const doubt = after(open, await scene.changed(scene.unknown(open)));
  assert.deepEqual(statuses(await scene.commit([second])), ['busy'], 'doubt holds the slot');
  const held = scene.change(doubt, { event: 'give_up', to: 'held', evidence: null });
  await scene.changed(held);
  assert.deepEqual(statuses(await scene.commit([second])), ['busy'], 'held holds the slot');
}

async function slotOfAnotherPartition(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const location = scene.location('shared');
  const open = await scene.opened({ location });
  const other = scene.begin({ location, partition: 2 });
  assert.deepEqual(statuses(await scene.commit([other])), ['busy']);
  await scene.changed(scene.change(open));
  assert.deepEqual(statuses(await scene.commit([other])), ['done']);
}

async function pausedLocation(scene: Scene): Promise<void> {
  await scene.own();
  const begin = scene.begin();
  await scene.fixture.setLocation(begin.location, { concurrency: null, paused: true });
  assert.deepEqual(statuses(await scene.commit([begin, scene.begin()])), ['paused', 'done']);
  assert.deepEqual(await scene.ledger.read([begin.id]), []);
  await scene.fixture.setLocation(begin.location, { concurrency: null, paused: false });
  assert.deepEqual(statuses(await scene.commit([begin])), ['done']);
  await scene.fixture.setLocation(begin.location, { concurrency: null, paused: true });
  assert.deepEqual(
    statuses(await scene.commit([begin])),
    ['exists'],
    'a known id is known at a paused location',
  );
}

async function concurrency(scene: Scene): Promise<void> {
  await scene.own();
  const location = scene.location('wide');
  const slots = (count: number, given: number) =>
    Array.from({ length: count }, (_, index) =>
      scene.begin({ location, slot: index + 1, concurrency: given }),
    );
  assert.deepEqual(statuses(await scene.commit(slots(2, 1))), ['done', 'busy'], 'as configured');
  await scene.fixture.setLocation(location, { concurrency: 3, paused: false });
  const [, ...more] = slots(4, 1);
  assert.deepEqual(statuses(await scene.commit(more)), ['done', 'done', 'busy'], 'as an operator set it');
}

async function loweredConcurrency(scene: Scene): Promise<void> {
  await scene.own();
  const location = scene.location('lowered');
  const both = [1, 2].map((slot) => scene.begin({ location, slot, concurrency: 2 }));
  const [first, second] = await scene.openedAll(both);
  assert(first !== undefined && second !== undefined);
  await scene.fixture.setLocation(location, { concurrency: 1, paused: false });
  await scene.changed(scene.change(first));
  const next = scene.begin({ location, concurrency: 2 });
  assert.deepEqual(statuses(await scene.commit([next])), ['busy'], 'slot 2 is still held');
  assert.deepEqual(statuses(await scene.commit([scene.change(second), next])), ['done', 'done']);
}

async function unexpectedRow(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const begins = Array.from({ length: 20 }, () => scene.begin());
  const opens = await scene.openedAll(begins);
  const [first, second, third] = opens;
  assert(first !== undefined && second !== undefined && third !== undefined);
  const doubt = after(second, await scene.changed(scene.unknown(second)));
  const answer = await scene.commit([
    ...opens.slice(3, 12).map((open) => scene.change(open)),
    scene.change({ ...first, token: String(BigInt(first.token) + 1_000_000n) }),
    scene.change(second),
    scene.change({ ...third, partition: 2 }),
    scene.change({ ...third, id: scene.id('nobody') }),
    ...opens.slice(12).map((open) => scene.change(open)),
    scene.change(doubt),
    scene.change(doubt),
  ]);
  const found = { status: 'changed', state: 'executing' };
  const completed = { status: 'changed', state: 'completed', token: doubt.token };
  assert.deepEqual(answer.answers.slice(9, 13), [
    { ...found, token: first.token },
    { status: 'changed', state: 'in_doubt', token: doubt.token },
    { ...found, token: third.token },
    { status: 'changed', state: null, token: null },
  ]);
  assert.deepEqual(answer.answers.at(-1), completed, 'the same change twice');
  const numbers = answer.answers.flatMap((one) =>
    'number' in one && one.number !== null ? [one.number] : [],
  );
  assert.deepEqual(
    numbers,
    Array.from({ length: 18 }, (_, index) => index + 1),
    'the others are applied',
  );
  assert.equal((await scene.row(first.id)).state, 'executing');
}

async function newAttempt(scene: Scene): Promise<void> {
  await scene.own();
  const open = await scene.opened();
  const { attempts } = await scene.row(open.id);
  const answer = await scene.commit([scene.retry(open, { timeoutMs: 7_000 })]);
  const again = changedOf(answer.answers[0]);
  assert.equal(again.state, 'executing');
  assert(BigInt(again.token) > BigInt(open.token));
  assert.equal(again.notAfterMs, answer.atMs + 7_000);
  const row = await scene.row(open.id);
  assert.deepEqual([row.token, row.notAfterMs, row.reason], [again.token, again.notAfterMs, 'busy']);
  assert.equal(row.code, 'SB-4110');
  assert.equal(row.attempts, attempts + 1);
}

async function manyAtOnce(scene: Scene): Promise<void> {
  await scene.own();
  const begins = Array.from({ length: 30 }, () => scene.begin({ plan: '1:a,b', deadlineMs: 3_000 }));
  const opens = await scene.openedAll(begins);
  const onward = { to: 'executing', step: 1, newToken: true, timeoutMs: 1_000 } as const;
  const answer = await scene.commit(
    opens.map((open, index) => {
      if (index % 3 === 0) return scene.change(open, { ...onward, evidence: `{"a":${index}}` });
      return index % 3 === 1 ? scene.refused(open) : scene.change(open);
    }),
  );
  let number = 0;
  for (const [index, open] of opens.entries()) {
    const changed = changedOf(answer.answers[index]);
    const row = await scene.row(open.id);
    assert.deepEqual(
      [row.state, row.step, row.token, row.number],
      [changed.state, changed.step, changed.token, changed.number],
    );
    if (index % 3 === 0) {
      assert.deepEqual([changed.state, changed.step, changed.number], ['executing', 1, null]);
      assert(BigInt(changed.token) > BigInt(open.token));
      assert.equal(changed.notAfterMs, answer.atMs + 1_000);
      assert.deepEqual([row.notAfterMs, row.evidence], [changed.notAfterMs, `{"a":${index}}`]);
    } else {
      number += 1;
      assert.deepEqual(
        [changed.state, changed.number],
        [index % 3 === 1 ? 'rolled_back' : 'completed', number],
      );
    }
  }
  const again = await scene.commit(
    opens.flatMap((open, index) => {
      const { state, token } = changedOf(answer.answers[index]);
      if (state !== 'executing') return [];
      return [scene.change({ ...open, token }, { ...onward, step: 2, timeoutMs: 600_000 })];
    }),
  );
  for (const one of again.answers)
    assert(changedOf(one).notAfterMs < again.atMs + 3_000, 'bounded by the deadline');
}

async function lateGoesElsewhere(scene: Scene): Promise<void> {
  await scene.own();
  const open = await scene.opened({ deadlineMs: -1 });
  const late = await scene.changed(scene.retry(open, { lateStep: 0 }));
  assert.equal(late.state, 'in_doubt');
  const inTime = await scene.opened();
  const onward = scene.change(inTime, {
    to: 'executing',
    step: 1,
    lateTo: 'reversing',
    lateStep: 0,
    newToken: true,
  });
  const next = await scene.changed(onward);
  assert.deepEqual([next.state, next.step], ['executing', 1]);
  const overdue = await scene.opened({ deadlineMs: -1 });
  const doubt = after(overdue, await scene.changed(scene.unknown(overdue)));
  const never = {
    event: 'never',
    to: 'executing',
    lateTo: 'rolled_back',
    newToken: true,
    evidence: null,
  } as const;
  const ended = await scene.changed(scene.change(doubt, { ...never, reason: 'deadline' }));
  assert.deepEqual([ended.state, ended.number], ['rolled_back', 1]);
}

async function tokenAboveMark(scene: Scene): Promise<void> {
  await scene.own();
  const [open, other] = await scene.openedAll([scene.begin(), scene.begin()]);
  assert(open !== undefined && other !== undefined);
  const mark = String(BigInt(open.token) + 5_000n);
  const stale = scene.change(open, {
    event: 'stale',
    to: 'in_doubt',
    newToken: true,
    aboveMark: mark,
    evidence: null,
    code: 'SB-4107',
  });
  const doubt = await scene.changed(stale);
  assert(BigInt(doubt.token) > BigInt(mark));
  const lower = { ...stale, id: other.id, fromToken: other.token, aboveMark: open.token };
  assert(BigInt((await scene.changed(lower)).token) > BigInt(doubt.token), 'a low mark takes nothing back');
  assert(BigInt((await scene.opened()).token) > BigInt(doubt.token));
}

async function keptAndCleared(scene: Scene): Promise<void> {
  await scene.own();
  const evidence = JSON.stringify({ dispense: { note: 'a\u0000b \ud83d\ude00 é "quoted" \\ back' } });
  const open = await scene.opened();
  const onward = scene.change(open, { to: 'executing', step: 1, newToken: true, evidence });
  const second = after(open, await scene.changed(onward));
  const back = { event: 'refused', to: 'reversing', step: 0, newToken: true, evidence: null } as const;
  const reversing = after(second, await scene.changed(scene.change(second, { ...back, reason: 'jam' })));
  assert.equal((await scene.row(open.id)).evidence, evidence, 'null leaves the evidence');
  const reversed = { event: 'reversed', to: 'rolled_back', evidence: null, call: 'reverse' } as const;
  await scene.changed(scene.change(reversing, { ...reversed, reason: null }));
  assert.equal((await scene.row(open.id)).reason, 'jam', 'null leaves the reason');
  const other = await scene.opened();
  const retried = after(other, await scene.changed(scene.retry(other)));
  await scene.changed(scene.change(retried));
  const row = await scene.row(other.id);
  assert.deepEqual([row.reason, row.code], [null, null], 'a completed row has neither');
}

async function historyOfTheUnusual(scene: Scene): Promise<void> {
  const { epoch } = await scene.own();
  const begins = Array.from({ length: 12 }, () => scene.begin());
  const opens = await scene.openedAll(begins);
  const [plain, refused, retried, doubtful] = opens;
  assert(plain !== undefined && refused !== undefined && retried !== undefined && doubtful !== undefined);
  const again = after(retried, await scene.changed(scene.retry(retried)));
  const doubt = after(doubtful, await scene.changed(scene.unknown(doubtful)));
  const rest = opens.slice(4).map((open) => scene.change(open));
  await scene.commit([
    scene.change(plain),
    scene.refused(refused),
    scene.change(again),
    ...rest,
    scene.change(doubt),
  ]);
  const by = { worker: scene.identity.worker, epoch };
  assert.deepEqual(lastOf(await scene.fixture.history(retried.id), 2), [
    { ...by, event: 'retry', from: 'executing', to: 'executing' },
    { ...by, event: 'done', from: 'executing', to: 'completed' },
  ]);
  assert.deepEqual(lastOf(await scene.fixture.history(doubtful.id), 2), [
    { ...by, event: 'unknown', from: 'executing', to: 'in_doubt' },
    { ...by, event: 'done', from: 'in_doubt', to: 'completed' },
  ]);
}

function lastOf<T>(entries: readonly T[], count: number): T[] {
  return entries.slice(-count);
}

async function deadLetters(scene: Scene): Promise<void> {
  await scene.own();
  const { topic } = scene.identity;
  const bad = scene.deadLetter({ key: null, value: EVERY_BYTE });
  assert.deepEqual(statuses(await scene.commit([bad, scene.deadLetter(), scene.begin()])), [
    'done',
    'done',
    'done',
  ]);
  assert.deepEqual(statuses(await scene.commit([bad])), ['done'], 'again changes nothing');
  assert.equal((await scene.fixture.counters(topic, 0)).deadLetters, 2);
}

export const COMMIT_CHECKS: readonly Check[] = [
  { name: 'a begin is stored as it was given, under a token', run: beginIsStored },
  { name: 'no attempt outlives deadline and expiry', run: deadlineBoundsTheAttempt },
  { name: 'a finish frees the slot for a begin of the same commit', run: finishFreesTheSlot },
  { name: 'a known id is answered with its row', run: knownIds },
  { name: 'of one id twice in a commit the first begins', run: sameIdTwiceInOneCommit },
  { name: 'a held slot is busy, in every holding state', run: heldSlotIsBusy },
  { name: 'a slot held by another partition is busy', run: slotOfAnotherPartition },
  { name: 'nothing begins at a paused location', run: pausedLocation },
  { name: 'a slot above the concurrency is busy', run: concurrency },
  { name: 'nothing begins below a slot above the lowered concurrency', run: loweredConcurrency },
  { name: 'a change of a row that is not as expected is not applied, the others are', run: unexpectedRow },
  { name: 'a new attempt has a new token and its own time-out', run: newAttempt },
  { name: 'many plain changes at once: some go on, some end', run: manyAtOnce },
  { name: 'past the deadline a change goes where it says', run: lateGoesElsewhere },
  { name: 'a token is above the mark asked for, and so are all later ones', run: tokenAboveMark },
  { name: 'evidence and reason stay until others come', run: keptAndCleared },
  { name: 'the history holds what was not plain', run: historyOfTheUnusual },
  { name: 'a dead letter is kept once', run: deadLetters },
];
