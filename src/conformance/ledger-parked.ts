/** Contract of Ledger: rows that wait for their lane, their begins, and their cancelling. */
import assert from 'node:assert/strict';
import type { BeginParked } from '../engine/ports-ledger.ts';
import {
  begunOf,
  begunParked,
  type Check,
  changedOf,
  ids,
  numberOf,
  type Scene,
  statuses,
} from './ledger-scene.ts';

const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
/** The largest record value there is. */
const PAYLOAD_MAX = 256 * 1024;
const PAST_MS = 1_600_000_000_000;

async function parkIsStored(scene: Scene): Promise<void> {
  await scene.own();
  const location = scene.location('here');
  const expiresAtMs = 4_000_000_000_000;
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692-01';
  const park = scene.park({ location, payload: EVERY_BYTE, expiresAtMs, traceparent });
  const { answers, fenced } = await scene.commit([park]);
  assert.deepEqual(answers, [{ status: 'done' }]);
  assert.deepEqual(fenced, []);
  const { id, partition, offset, type, plan, payload, recordTimeMs } = park;
  const row = {
    id,
    partition,
    offset,
    location,
    type,
    plan,
    payload,
    traceparent,
    evidence: null,
    reason: null,
  };
  const unbegun = { state: 'received', slot: 0, token: '0', step: 0, attempts: 0, takeovers: 0, code: null };
  const times = { notAfterMs: 0, deadlineMs: 0, finishedAtMs: null, number: null, byPerson: false };
  assert.partialDeepStrictEqual(await scene.row(id), { ...row, ...unbegun, ...times });
  assert.deepEqual(await scene.page(location, 10), [
    { id, offset, type, plan, payload, expiresAtMs, traceparent, recordTimeMs },
  ]);
  const bare = scene.park({ location });
  await scene.commit([bare]);
  const [, second] = await scene.page(location, 10);
  assert.deepEqual([second?.id, second?.expiresAtMs, second?.traceparent], [bare.id, null, null]);
}

async function pagesInOrder(scene: Scene): Promise<void> {
  await scene.own();
  await scene.own(2);
  const location = scene.location('deep');
  const parks = Array.from({ length: 25 }, () => scene.park({ location }));
  const elsewhere = [scene.park(), scene.park({ location, partition: 2 })];
  // In two commits and not in their order: a page is by offset.
  await scene.commit([...parks.slice(12), ...elsewhere]);
  await scene.commit(parks.slice(0, 12).toReversed());
  const pages: number[] = [];
  const read: string[] = [];
  for (let after = -1; ; ) {
    const page = await scene.page(location, 10, after);
    const last = page.at(-1);
    if (last === undefined) break;
    pages.push(page.length);
    read.push(...ids(page));
    after = last.offset;
  }
  assert.deepEqual(pages, [10, 10, 5]);
  assert.deepEqual(read, ids(parks));
  assert.deepEqual(await scene.page(scene.location('nowhere'), 10), []);
}

async function takeOverCountsLanes(scene: Scene): Promise<void> {
  assert.deepEqual((await scene.own()).parked, []);
  await scene.own(2);
  const [deep, short, begun] = [scene.location('b-deep'), scene.location('a-short'), scene.location('c')];
  await scene.parkedAt(deep, 5);
  const [first] = await scene.parkedAt(short, 2);
  const [only] = await scene.parkedAt(begun, 1);
  assert(first !== undefined && only !== undefined);
  await scene.commit([scene.park({ location: deep, partition: 2 })]);
  await scene.commit([scene.beginParked(first), scene.beginParked(only)]);
  const { parked, holders } = await scene.own(0, await scene.another());
  assert.deepEqual(
    parked.toSorted((a, b) => (a.location < b.location ? -1 : 1)),
    [
      { location: short, count: 1 },
      { location: deep, count: 5 },
    ],
  );
  assert.deepEqual(ids(holders), [first.id, only.id], 'a parked row holds nothing');
  assert.deepEqual((await scene.own(2)).parked, [{ location: deep, count: 1 }]);
  assert.deepEqual(ids(await scene.page(deep, 10)).length, 5, 'a take-over leaves them as they are');
}

async function knownIds(scene: Scene): Promise<void> {
  await scene.own();
  await scene.own(2);
  const payload = `${EVERY_BYTE}${'x'.repeat(PAYLOAD_MAX - 256)}`;
  const park = scene.park({ payload });
  const again = scene.park({ id: park.id, payload: 'other' });
  const begun = await scene.opened();
  const ended = await scene.opened();
  await scene.changed(scene.change(ended));
  const answer = await scene.commit([park, again, scene.park({ id: begun.id }), scene.park()]);
  assert.deepEqual(statuses(answer), ['done', 'exists', 'exists', 'done']);
  const { partition, offset, location } = park;
  const row = { topic: scene.identity.topic, partition, offset, location, state: 'received', payload };
  assert.deepEqual(
    answer.answers[1],
    { status: 'exists', row },
    'of one id twice in a commit the first is parked',
  );
  const elsewhere = scene.park({ id: park.id, partition: 2, payload: 'other' });
  const known = await scene.commit([
    park,
    elsewhere,
    scene.park({ id: ended.id }),
    scene.begin({ id: park.id }),
  ]);
  assert.deepEqual(known.answers[0], { status: 'exists', row }, 'the very same record');
  assert.deepEqual(known.answers[1], { status: 'exists', row });
  assert.partialDeepStrictEqual(known.answers[2], { status: 'exists', row: { state: 'completed' } });
  assert.deepEqual(known.answers[3], { status: 'exists', row }, 'a begin of a parked id');
}

async function beginOfParked(scene: Scene): Promise<void> {
  await scene.own();
  const location = scene.location('here');
  const expiresAtMs = Math.floor(Date.now()) + 60_000;
  const park = scene.park({ location, plan: '1:old' });
  const expiring = scene.park({ expiresAtMs });
  await scene.commit([park, expiring]);
  const begin = scene.beginParked(park, { plan: '2:new', timeoutMs: 3_000, deadlineMs: 30_000 });
  const bounded = scene.beginParked(expiring, { timeoutMs: 120_000, deadlineMs: 240_000 });
  const answer = await scene.commit([begin, bounded]);
  const begun = begunOf(answer.answers[0]);
  assert.equal(begun.notAfterMs, answer.atMs + 3_000);
  assert.partialDeepStrictEqual(await scene.row(park.id), {
    state: 'executing',
    slot: 1,
    step: 0,
    token: begun.token,
    plan: '2:new',
    attempts: 1,
    notAfterMs: answer.atMs + 3_000,
    deadlineMs: answer.atMs + 30_000,
    beganAtMs: answer.atMs,
    offset: park.offset,
    payload: park.payload,
  });
  assert.equal(begunOf(answer.answers[1]).notAfterMs, expiresAtMs);
  const row = await scene.row(expiring.id);
  assert.deepEqual([row.notAfterMs, row.deadlineMs], [expiresAtMs, expiresAtMs]);
  assert(BigInt(row.token) > BigInt(begun.token), 'tokens are drawn in entry order');
  assert.deepEqual(await scene.page(location, 10), []);
  const ended = await scene.changed(scene.change(begunParked(park, answer.answers[0])));
  assert.deepEqual([ended.state, ended.number], ['completed', 1]);
}

async function beginOfParkedWaits(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const location = scene.location('here');
  const [first, second, third] = await scene.parkedAt(location, 3);
  assert(first !== undefined && second !== undefined && third !== undefined);
  const twice = await scene.commit([scene.beginParked(first), scene.beginParked(second)]);
  assert.deepEqual(statuses(twice), ['done', 'busy'], 'one holder a slot');
  const open = begunParked(first, twice.answers[0]);
  const above = scene.beginParked(second, { slot: 2 });
  assert.deepEqual(statuses(await scene.commit([above])), ['busy'], 'a slot above the concurrency');
  await scene.fixture.setLocation(location, { concurrency: null, paused: true });
  assert.deepEqual(statuses(await scene.commit([scene.change(open), above])), ['done', 'paused']);
  await scene.fixture.setLocation(location, { concurrency: 2, paused: false });
  const wide = await scene.commit([above]);
  const high = begunParked(second, wide.answers[0]);
  assert.equal((await scene.row(second.id)).slot, 2);
  await scene.fixture.setLocation(location, { concurrency: 1, paused: false });
  const last = scene.beginParked(third);
  assert.deepEqual(
    statuses(await scene.commit([last])),
    ['busy'],
    'a slot above the lowered concurrency is held',
  );
  await scene.changed(scene.change(high));
  const foreign = scene.begin({ location, partition: 2 });
  await scene.commit([foreign]);
  assert.deepEqual(statuses(await scene.commit([last])), ['busy'], 'held by another partition');
  assert.equal((await scene.row(third.id)).state, 'received', 'nothing of it was written');
}

async function orderInTheCommit(scene: Scene): Promise<void> {
  await scene.own();
  const [here, there] = [scene.location('here'), scene.location('there')];
  const open = await scene.opened({ location: here });
  const [parked] = await scene.parkedAt(here, 1);
  assert(parked !== undefined);
  const fresh = scene.park({ location: there });
  const letter = scene.deadLetter();
  const entries = [scene.beginParked(fresh), scene.beginParked(parked), fresh, letter, scene.change(open)];
  assert.deepEqual(
    statuses(await scene.commit(entries)),
    ['done', 'done', 'done', 'done', 'done'],
    'a change frees the slot, and a park comes before its begin, wherever they stand',
  );
  const [behind] = await scene.parkedAt(scene.location('third'), 1);
  assert(behind !== undefined);
  const direct = scene.begin({ location: behind.location });
  const both = await scene.commit([scene.beginParked(behind), direct]);
  assert.deepEqual(statuses(both), ['busy', 'done'], 'begins come before begins of parked rows');
}

async function expiredWhileParked(scene: Scene): Promise<void> {
  await scene.own();
  const { topic } = scene.identity;
  const location = scene.location('late');
  const late = Array.from({ length: 3 }, () => scene.park({ location, expiresAtMs: PAST_MS }));
  const inTime = scene.park({ location });
  assert.deepEqual(
    statuses(await scene.commit([...late, inTime])),
    ['done', 'done', 'done', 'done'],
    'it expires when it should begin, not when it is parked',
  );
  const [first, second, third] = late;
  assert(first !== undefined && second !== undefined && third !== undefined);
  await scene.fixture.setLocation(location, { concurrency: null, paused: true });
  const held = await scene.commit([scene.beginParked(inTime), scene.beginParked(first)]);
  assert.deepEqual(statuses(held), ['paused', 'expired'], 'a pause holds no expiry up');
  await scene.fixture.setLocation(location, { concurrency: null, paused: false });
  const begins = [second, inTime, third].map((park) => scene.beginParked(park));
  const answer = await scene.commit([...begins, scene.begin({ expiresAtMs: PAST_MS })]);
  assert.deepEqual(statuses(answer), ['expired', 'done', 'expired', 'expired']);
  assert.deepEqual(
    answer.answers.map(numberOf),
    [3, null, 4, 2],
    'numbered after the begins, in entry order',
  );
  assert.equal((await scene.fixture.counters(topic, 0)).rolledBack, 4);
  assert.partialDeepStrictEqual(await scene.row(second.id), {
    state: 'rolled_back',
    reason: 'expired',
    number: 3,
    finishedAtMs: answer.atMs,
    slot: 0,
    token: '0',
  });
  const results = await scene.ledger.results(0, 0, 10);
  assert.deepEqual(ids(results).slice(0, 1), [first.id]);
  assert.deepEqual(
    results.map(({ number, reason }) => [number, reason]),
    [1, 2, 3, 4].map((number) => [number, 'expired']),
  );
  assert.equal((await scene.own()).lastNumber, 4);
}

async function noLongerParked(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const park = scene.park();
  await scene.commit([park]);
  const begin = scene.beginParked(park);
  assert.deepEqual(
    (await scene.commit([{ ...begin, partition: 2 }])).answers,
    [{ status: 'changed', state: 'received', token: null }],
    'of another partition',
  );
  const open = begunParked(park, (await scene.commit([begin])).answers[0]);
  const nobody: BeginParked = { ...begin, id: scene.id('nobody') };
  const again = await scene.commit([begin, nobody]);
  assert.deepEqual(again.answers, [
    { status: 'changed', state: 'executing', token: open.token },
    { status: 'changed', state: null, token: null },
  ]);
  await scene.changed(scene.change(open));
  assert.deepEqual((await scene.commit([begin])).answers, [
    { status: 'changed', state: 'completed', token: open.token },
  ]);
}

async function cancelled(scene: Scene): Promise<void> {
  const { epoch } = await scene.own();
  const location = scene.location('here');
  const [first, second, third] = await scene.parkedAt(location, 3);
  assert(first !== undefined && second !== undefined && third !== undefined);
  const cancel = scene.cancel(second);
  const answer = await scene.commit([scene.beginParked(first), cancel, scene.beginParked(second)]);
  assert.deepEqual(statuses(answer), ['done', 'done', 'changed']);
  const ended = changedOf(answer.answers[1]);
  assert.deepEqual(ended, {
    status: 'done',
    state: 'rolled_back',
    step: 0,
    token: '0',
    notAfterMs: 0,
    number: 1,
  });
  const row = await scene.row(second.id);
  assert.deepEqual([row.state, row.reason, row.number], ['rolled_back', 'not wanted', 1]);
  assert.equal((await scene.fixture.counters(scene.identity.topic, 0)).rolledBack, 1);
  const history = await scene.fixture.history(second.id);
  const by = { worker: scene.identity.worker, epoch };
  assert.deepEqual(history.slice(-1), [{ ...by, event: 'cancel', from: 'received', to: 'rolled_back' }]);
  const open = begunParked(first, answer.answers[0]);
  assert.deepEqual((await scene.commit([cancel, scene.cancel(first)])).answers, [
    { status: 'changed', state: 'rolled_back', token: null },
    { status: 'changed', state: 'executing', token: open.token },
  ]);
  assert.deepEqual(ids(await scene.page(location, 10)), [third.id]);
}

async function fencedParks(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const park = scene.park();
  await scene.commit([park]);
  const stale = scene.head(0);
  await (await scene.another()).takeOver(0);
  const late = scene.park();
  const entries = [late, scene.beginParked(park), scene.park({ partition: 2 }), scene.cancel(park)];
  const answer = await scene.commit(entries, [stale, scene.head(2)]);
  assert.deepEqual(answer.fenced, [0]);
  assert.deepEqual(statuses(answer), ['fenced', 'fenced', 'done', 'fenced']);
  assert.deepEqual(await scene.ledger.read([late.id]), []);
  assert.equal((await scene.row(park.id)).state, 'received');
}

export const PARKED_CHECKS: readonly Check[] = [
  { name: 'a park is stored as it was given, and begins nothing', run: parkIsStored },
  { name: 'parked rows come by page, in the order of their offsets', run: pagesInOrder },
  { name: 'a take-over counts the parked rows of each lane', run: takeOverCountsLanes },
  { name: 'a park of a known id is answered with its row', run: knownIds },
  { name: 'a parked row begins with the plan and the times of the begin', run: beginOfParked },
  { name: 'the begin of a parked row is busy or paused as any begin', run: beginOfParkedWaits },
  { name: 'changes, parks, begins, begins of parked rows: in this order', run: orderInTheCommit },
  { name: 'a parked row that has expired ends when it should begin', run: expiredWhileParked },
  { name: 'what is no longer parked does not begin', run: noLongerParked },
  { name: 'a parked row is cancelled, a begun one is not', run: cancelled },
  { name: 'parks are fenced', run: fencedParks },
];
