/** Contract of Ledger: what people decide and set, what is forgotten after a time, and how large the topic is. */
import assert from 'node:assert/strict';
import type { Command, LocationLimit } from '../engine/ports-ledger.ts';
import { after, begunOf, type Check, changedOf, type Open, type Scene, statuses } from './ledger-scene.ts';

const HOUR_MS = 3_600_000;
/** `limits` looks back this much further than it is asked. */
const OVERLAP_MS = 60_000;
/** Commands of one answer. */
const COMMANDS_MAX = 100;

// ---------------------------------------------------------------------------------------- decisions

/** Held past its deadline: automation has nothing left to do. */
async function held(scene: Scene): Promise<Open> {
  const open = await scene.opened({ deadlineMs: -1 });
  const end = { event: 'give_up', to: 'held', evidence: null, code: 'SB-4202' } as const;
  return after(open, await scene.changed(scene.change(open, end)));
}

async function newDeadline(scene: Scene): Promise<void> {
  await scene.own();
  const decide = {
    event: 'decide',
    to: 'executing',
    lateTo: 'in_doubt',
    newToken: true,
    evidence: null,
  } as const;
  const first = await held(scene);
  const late = await scene.changed(scene.change(first, { ...decide, call: null }));
  assert.equal(late.state, 'in_doubt', 'without a new deadline the old one counts');
  const second = await held(scene);
  const retry = { ...decide, call: null, deadlineMs: 30_000, timeoutMs: 60_000 };
  const answer = await scene.commit([scene.change(second, retry)]);
  const again = changedOf(answer.answers[0]);
  assert.deepEqual([again.state, again.notAfterMs], ['executing', answer.atMs + 30_000]);
  const row = await scene.row(second.id);
  assert.deepEqual([row.deadlineMs, row.notAfterMs], [answer.atMs + 30_000, answer.atMs + 30_000]);
  await scene.changed(scene.unknown(after(second, again)));
  assert.equal((await scene.row(second.id)).deadlineMs, answer.atMs + 30_000, 'it stays');
}

async function decidedByPerson(scene: Scene): Promise<void> {
  await scene.own();
  const [first, second] = [await held(scene), await held(scene)];
  assert.equal((await scene.row(first.id)).byPerson, false);
  const back = { event: 'decide', to: 'in_doubt', newToken: true, evidence: null, call: null } as const;
  const doubt = after(first, await scene.changed(scene.change(first, { ...back, byPerson: true })));
  await scene.changed(scene.change(second, back));
  assert.equal((await scene.row(second.id)).byPerson, false);
  const asked = { event: 'unknown', to: 'in_doubt', code: 'SB-4109', evidence: null } as const;
  await scene.changed(scene.change(doubt, asked));
  assert.equal((await scene.row(first.id)).byPerson, true, 'null leaves it');
  const third = await held(scene);
  const rolls = after(third, await scene.changed(scene.change(third, { ...back, byPerson: true })));
  await scene.changed(scene.change(rolls, { ...back, byPerson: false }));
  const owned = await scene.own(0, await scene.another());
  assert.deepEqual(
    owned.holders.map(({ id, byPerson }) => [id, byPerson]),
    [
      [first.id, true],
      [second.id, false],
      [third.id, false],
    ],
    'the next owner knows, and that a person thought better of it',
  );
}

// ---------------------------------------------------------------------------------------- commands

function commandFor(open: Open, changes: Partial<Command> = {}): Omit<Command, 'sequence'> {
  return {
    partition: open.partition,
    id: open.id,
    location: open.location,
    action: 'roll_back',
    expectedState: open.state,
    expectedToken: open.token,
    evidence: null,
    reason: 'the customer got nothing',
    actor: 'alice',
    ...changes,
  };
}

async function openCommands(scene: Scene): Promise<void> {
  for (const partition of [0, 2, 4]) await scene.own(partition);
  const open = await held(scene);
  const [parked] = await scene.parkedAt(scene.location('waiting'), 1);
  assert(parked !== undefined);
  const { topic } = scene.identity;
  const complete = commandFor(open, { action: 'complete', evidence: '{"receipt":"7"}' });
  const cancel = commandFor(open, {
    ...{ id: parked.id, location: parked.location, action: 'cancel' },
    ...{ expectedState: 'received', expectedToken: null },
  });
  const first = await scene.fixture.propose(topic, complete);
  const second = await scene.fixture.propose(topic, { ...commandFor(open), partition: 2 });
  const third = await scene.fixture.propose(topic, cancel);
  await scene.fixture.propose(topic, { ...commandFor(open), partition: 4 });
  await scene.fixture.propose(scene.id('other'), commandFor(open));
  assert.deepEqual(await scene.ledger.commands([0, 2]), [
    { ...complete, sequence: first },
    { ...commandFor(open), partition: 2, sequence: second },
    { ...cancel, sequence: third },
  ]);
  assert.deepEqual(
    (await scene.ledger.commands([2])).map(({ sequence }) => sequence),
    [second],
  );
  assert.deepEqual(await scene.ledger.commands([]), []);
  for (let index = 0; index < COMMANDS_MAX; index += 1) {
    await scene.fixture.propose(topic, { ...commandFor(open), partition: 2 });
  }
  const many = await scene.ledger.commands([2]);
  assert.equal(many.length, COMMANDS_MAX);
  assert.equal(many[0]?.sequence, second, 'the oldest first');
}

async function commandCarriedOut(scene: Scene): Promise<void> {
  await scene.own();
  const { topic } = scene.identity;
  const open = await held(scene);
  const [parked] = await scene.parkedAt(scene.location('waiting'), 1);
  assert(parked !== undefined);
  const cancelling = commandFor(open, { id: parked.id, action: 'cancel', expectedState: 'received' });
  const cancel = await scene.fixture.propose(topic, { ...cancelling, expectedToken: null });
  const rollBack = await scene.fixture.propose(topic, commandFor(open));
  const late = await scene.fixture.propose(topic, commandFor(open, { action: 'complete' }));
  const lost = await scene.fixture.propose(topic, commandFor(open, { id: scene.id('nobody') }));
  const decide = { event: 'decide', evidence: null, call: null } as const;
  const ended = scene.change(open, { ...decide, to: 'rolled_back', reason: 'by hand', command: rollBack });
  const answer = await scene.commit([
    scene.cancel(parked, { command: cancel }),
    ended,
    scene.change(open, { ...decide, to: 'completed', command: late }),
    { ...ended, id: scene.id('nobody'), command: lost },
    scene.begin(),
  ]);
  assert.deepEqual(statuses(answer), ['done', 'done', 'changed', 'changed', 'done']);
  assert.equal(await scene.fixture.outcomeOf(cancel), 'applied');
  assert.equal(await scene.fixture.outcomeOf(rollBack), 'applied');
  assert.equal(await scene.fixture.outcomeOf(late), 'refused');
  assert.equal(await scene.fixture.outcomeOf(lost), 'refused');
  assert.deepEqual(await scene.ledger.commands([0]), []);
  assert.equal((await scene.row(open.id)).state, 'rolled_back');
}

async function commandOfFenced(scene: Scene): Promise<void> {
  await scene.own();
  const open = await held(scene);
  const sequence = await scene.fixture.propose(scene.identity.topic, commandFor(open));
  await (await scene.another()).takeOver(0);
  const end = { event: 'decide', to: 'rolled_back', evidence: null, call: null, command: sequence } as const;
  assert.deepEqual(statuses(await scene.commit([scene.change(open, end)])), ['fenced']);
  assert.equal(await scene.fixture.outcomeOf(sequence), null, 'the owner will carry it out');
  assert.equal((await scene.ledger.commands([0])).length, 1);
}

// ---------------------------------------------------------------------------------------- limits

async function limitsSince(scene: Scene): Promise<void> {
  const [exact, pattern] = [scene.location('exact'), `${scene.location('pat')}*`];
  const of = (limits: readonly LocationLimit[]) =>
    limits
      .filter(({ location }) => location === exact || location === pattern)
      .toSorted((a, b) => (a.location < b.location ? -1 : 1));
  const first = await scene.ledger.limits(null);
  assert.deepEqual(of(first.limits), []);
  assert(Number.isInteger(first.atMs) && Math.abs(first.atMs - Date.now()) < HOUR_MS);
  await scene.fixture.setLocation(exact, { concurrency: 3, paused: false });
  await scene.fixture.setLocation(pattern, { concurrency: null, paused: true });
  const set = [
    { location: exact, concurrency: 3, paused: false },
    { location: pattern, concurrency: null, paused: true },
  ];
  assert.deepEqual(of((await scene.ledger.limits(null)).limits), set);
  const second = await scene.ledger.limits(first.atMs);
  assert.deepEqual(of(second.limits), set);
  assert(second.atMs >= first.atMs);
  assert.deepEqual(of((await scene.ledger.limits(second.atMs)).limits), set, 'with a minute of overlap');
  const later = second.atMs + OVERLAP_MS + HOUR_MS;
  assert.deepEqual(
    of((await scene.ledger.limits(later)).limits),
    [],
    'what did not change since is left out',
  );
  await scene.fixture.setLocation(exact, { concurrency: null, paused: false });
  assert.deepEqual(
    of((await scene.ledger.limits(second.atMs)).limits)[0],
    { location: exact, concurrency: null, paused: false },
    'taken back',
  );
}

// ---------------------------------------------------------------------------------------- retention

/** Finals of one partition, numbered from 1 in this order; some have a history. */
async function finals(scene: Scene, partition: number, count: number): Promise<Open[]> {
  await scene.own(partition);
  const begins = Array.from({ length: count }, () => scene.begin({ partition }));
  const opens = await scene.openedAll(begins);
  const doubtful = await scene.commit(
    opens.filter((_, index) => index % 2 === 0).map((open) => scene.unknown(open)),
  );
  const ready = opens.map((open, index) =>
    index % 2 === 0 ? after(open, changedOf(doubtful.answers[index / 2])) : open,
  );
  await scene.commit(ready.map((open) => scene.change(open)));
  return ready;
}

async function pruneOldest(scene: Scene): Promise<void> {
  const old = await finals(scene, 0, 10);
  const foreign = await finals(scene, 2, 2);
  const open = await scene.opened();
  await scene.parkedAt(scene.location('waiting'), 1);
  const heads = [scene.head(0, { published: 7 }), scene.head(2, { published: 2 })];
  await scene.commit([], heads);
  const left = async () => (await scene.ledger.read(old.map(({ id }) => id))).length;
  assert.equal(await scene.ledger.prune(0, HOUR_MS, 100), 0, 'nothing is that old');
  // Older than an hour from now: everything is.
  assert.equal(await scene.ledger.prune(0, -HOUR_MS, 3), 3, 'at most so many');
  assert.deepEqual(
    (await scene.ledger.results(0, 0, 100)).map(({ number }) => number),
    [4, 5, 6, 7, 8, 9, 10],
    'the oldest first',
  );
  assert.equal(await scene.ledger.prune(0, -HOUR_MS, 100), 4, 'only what is published');
  assert.equal(await left(), 3);
  assert.equal(await scene.ledger.prune(0, -HOUR_MS, 100), 0);
  const [first, second] = old;
  assert(first !== undefined && second !== undefined);
  assert.deepEqual(await scene.fixture.history(first.id), [], 'with its history');
  assert.notDeepEqual(await scene.fixture.history(old[8]?.id ?? ''), []);
  assert.equal((await scene.ledger.read(foreign.map(({ id }) => id))).length, 2, 'of this partition only');
  assert.equal((await scene.row(open.id)).state, 'executing');
  const again = scene.begin({ id: second.id });
  const answer = await scene.commit([again]);
  begunOf(answer.answers[0]);
  const { lastNumber, parked } = await scene.own();
  assert.equal(lastNumber, 10, 'numbers go on where they were');
  assert.equal(parked.length, 1);
  assert.equal(await scene.ledger.prune(7, -HOUR_MS, 100), 0, 'a partition that nobody knows');
}

async function partitionsNoted(scene: Scene): Promise<void> {
  assert.equal(await scene.ledger.notePartitions(12), null);
  assert.equal(await scene.ledger.notePartitions(12), 12);
  const other = await scene.another();
  assert.equal(await other.notePartitions(24), 12);
  assert.equal(await scene.ledger.notePartitions(24), 24);
  const elsewhere = await scene.another({ topic: scene.id('other-topic') });
  assert.equal(await elsewhere.notePartitions(3), null, 'each topic has its own count');
}

export const PEOPLE_CHECKS: readonly Check[] = [
  { name: 'a person gives a new deadline, which counts at once', run: newDeadline },
  { name: 'that a person decided to roll back is kept', run: decidedByPerson },
  { name: 'commands that wait come oldest first, of the partitions asked for', run: openCommands },
  { name: 'a command is applied or refused in the commit of its change', run: commandCarriedOut },
  { name: 'a command of a fenced change waits for the owner', run: commandOfFenced },
  { name: 'limits that changed come with a minute of overlap', run: limitsSince },
  { name: 'retention deletes the oldest published finals with their history', run: pruneOldest },
  { name: 'the count of partitions is noted once a topic', needs: 'growth', run: partitionsNoted },
];
