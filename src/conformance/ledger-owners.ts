/** Contract of Ledger: take-over, raising an epoch, and lost answers. */
import assert from 'node:assert/strict';
import { type Commit, LedgerError } from '../engine/ports-ledger.ts';
import { after, begunOf, type Check, type Open, openOf, type Scene, statuses } from './ledger-scene.ts';

async function firstTakeOver(scene: Scene): Promise<void> {
  const first = await scene.own(3);
  assert.deepEqual(first, { ...first, epoch: 1, watermark: null, published: 0, lastNumber: 0, holders: [] });
  assert.equal((await scene.own(3)).epoch, 2);
  assert.equal((await scene.own(5)).epoch, 1, 'partitions have epochs of their own');
}

async function takeOverMakesDoubt(scene: Scene): Promise<void> {
  await scene.own();
  await scene.own(2);
  const begins = Array.from({ length: 5 }, () => scene.begin());
  const [executing, doubtful, held, finished, later] = await scene.openedAll(begins);
  assert(executing && doubtful && held && finished && later);
  await scene.opened({ partition: 2 });
  const doubt = after(doubtful, await scene.changed(scene.unknown(doubtful)));
  const kept = await scene.changed(scene.change(held, { event: 'give_up', to: 'held', code: 'SB-4202' }));
  await scene.changed(scene.change(finished));
  const { epoch, holders, lastNumber } = await scene.own(0, await scene.another());
  assert.equal(lastNumber, 1);
  const byId = new Map(holders.map((row) => [row.id, row]));
  assert.deepEqual([...byId.keys()].sort(), [executing, doubtful, held, later].map(({ id }) => id).sort());
  const row = byId.get(executing.id);
  assert(row !== undefined);
  assert.deepEqual([row.state, row.code, row.takeovers], ['in_doubt', 'SB-4106', 1]);
  assert(BigInt(row.token) > BigInt(executing.token));
  assert.deepEqual(row, await scene.row(executing.id), 'holders are loaded as they are afterwards');
  const unchanged = byId.get(doubtful.id);
  assert.deepEqual([unchanged?.state, unchanged?.token, unchanged?.takeovers], ['in_doubt', doubt.token, 0]);
  assert.deepEqual([byId.get(held.id)?.state, byId.get(held.id)?.token], ['held', kept.token]);
  const [entry] = (await scene.fixture.history(executing.id)).slice(-1);
  const change = { event: 'takeover', from: 'executing', to: 'in_doubt' };
  assert.deepEqual(entry, { ...change, worker: 'worker-2', epoch });
}

async function thirdTakeOverHolds(scene: Scene): Promise<void> {
  await scene.own();
  let open = await scene.opened();
  const never = { event: 'never', to: 'executing', newToken: true, evidence: null } as const;
  for (const takeovers of [1, 2]) {
    const { holders } = await scene.own();
    const [row] = holders;
    assert.deepEqual([row?.state, row?.takeovers], ['in_doubt', takeovers]);
    const doubt: Open = { ...open, state: 'in_doubt', token: row?.token ?? '' };
    open = after(doubt, await scene.changed(scene.change(doubt, never)));
  }
  const [row] = (await scene.own()).holders;
  assert.deepEqual([row?.state, row?.code, row?.takeovers], ['held', 'SB-4201', 3]);
  assert(BigInt(row?.token ?? 0) > BigInt(open.token));
  assert.equal((await scene.own()).holders[0]?.token, row?.token, 'held stays as it is');
}

async function anotherStepCountsAnew(scene: Scene): Promise<void> {
  await scene.own();
  const open = await scene.opened();
  const [row] = (await scene.own()).holders;
  const doubt: Open = { ...open, state: 'in_doubt', token: row?.token ?? '' };
  const onward = { to: 'executing', step: 1, newToken: true } as const;
  await scene.changed(scene.change(doubt, onward));
  assert.equal((await scene.own()).holders[0]?.takeovers, 1);
}

async function refusedTakeOver(scene: Scene): Promise<void> {
  const { epoch } = await scene.own();
  const foreign = await (await scene.another({ group: 'other' })).takeOver(0);
  assert.deepEqual([foreign.outcome, 'code' in foreign && foreign.code], ['refused', 'SB-2005']);
  const remade = await (await scene.another({ topicId: 'remade' })).takeOver(0);
  assert.deepEqual([remade.outcome, 'code' in remade && remade.code], ['refused', 'SB-2006']);
  assert.deepEqual(statuses(await scene.commit([scene.begin()])), ['done'], 'the owner goes on');
  assert.equal((await scene.own()).epoch, epoch + 1);
}

async function raiseIsConditional(scene: Scene): Promise<void> {
  for (const partition of [0, 1, 2]) await scene.own(partition);
  const open = await scene.opened({ partition: 2 });
  await scene.commit([scene.change(open)], [scene.head(2, { watermark: 8, published: 0 })]);
  const owned = [2, 0, 1, 7].map((partition) => ({ partition, epoch: scene.head(partition).epoch }));
  await (await scene.another()).takeOver(1);
  const raised = await scene.ledger.raise(owned);
  const sorted = raised.toSorted((a, b) => a.partition - b.partition);
  assert.deepEqual(sorted, [
    { partition: 0, epoch: 2, watermark: null, published: 0, lastNumber: 0, commits: 0 },
    { partition: 2, epoch: 2, watermark: 8, published: 0, lastNumber: 1, commits: 2 },
  ]);
  assert.deepEqual(statuses(await scene.commit([scene.begin(), scene.begin({ partition: 2 })])), [
    'fenced',
    'fenced',
  ]);
  for (const one of raised) scene.note(one.partition, one);
  const again = [scene.begin(), scene.begin({ partition: 2 })];
  assert.deepEqual(statuses(await scene.commit(again)), ['done', 'done']);
  assert.deepEqual(await scene.ledger.raise(owned), [], 'once');
}

async function reading(scene: Scene): Promise<void> {
  await scene.own();
  assert.deepEqual(await scene.ledger.read([]), []);
  const opens = await scene.openedAll([scene.begin(), scene.begin()]);
  const rows = await scene.ledger.read([scene.id('nobody'), ...opens.map(({ id }) => id)]);
  assert.deepEqual(rows.map(({ id }) => id).sort(), opens.map(({ id }) => id).sort());
}

async function heartbeats(scene: Scene): Promise<void> {
  const heartbeat = {
    version: '1.0.0',
    startedAtMs: 1_700_000_000_000,
    draining: false,
    partitions: [0, 2],
    waiting: 12,
    parked: 4,
    lanes: 3,
    rssBytes: 150_000_000,
    lag: { 0: 5, 2: 0 },
    deepest: { [scene.location('deep')]: 9 },
  };
  await scene.ledger.heartbeat(heartbeat, []);
  await scene.ledger.heartbeat({ ...heartbeat, draining: true, partitions: [], lag: {}, deepest: {} }, []);
}

/** A commit with one finish and one begin, by the head that is valid now. */
async function pending(
  scene: Scene,
): Promise<{ open: Open; commit: Commit; begin: ReturnType<Scene['begin']> }> {
  await scene.own();
  const open = await scene.opened();
  const begin = scene.begin();
  const entries = [scene.change(open), begin];
  return { open, begin, commit: { heads: [scene.head(0, { watermark: 77 })], entries } };
}

async function takeOverWaits(scene: Scene): Promise<void> {
  const { open, begin, commit } = await pending(scene);
  assert(scene.fixture.underWay !== undefined);
  const underWay = await scene.fixture.underWay(scene.identity, commit);
  let settled = false;
  const taking = scene.own(0, await scene.another()).finally(() => {
    settled = true;
  });
  try {
    await underWay.waitedFor();
    assert.equal(settled, false, 'the take-over waits for the commit');
  } finally {
    await underWay.finish();
  }
  const { holders, watermark, lastNumber } = await taking;
  assert.deepEqual([watermark, lastNumber], [77, 1]);
  assert.deepEqual(
    holders.map(({ id, state }) => [id, state]),
    [[begin.id, 'in_doubt']],
    'and finds what it began',
  );
  assert.equal((await scene.row(open.id)).state, 'completed');
}

/** A commit that writes nothing into the partition's head is waited for as well. */
async function raiseWaits(scene: Scene): Promise<void> {
  await scene.own();
  const begin = scene.begin();
  assert(scene.fixture.underWay !== undefined);
  const { epoch } = scene.head(0);
  const underWay = await scene.fixture.underWay(scene.identity, { heads: [scene.head(0)], entries: [begin] });
  let settled = false;
  const raising = scene.ledger.raise([{ partition: 0, epoch }]).finally(() => {
    settled = true;
  });
  try {
    await underWay.waitedFor();
    assert.equal(settled, false, 'raising waits for the commit');
  } finally {
    await underWay.finish();
  }
  assert.deepEqual(await raising, [
    { partition: 0, epoch: epoch + 1, watermark: null, published: 0, lastNumber: 0, commits: 1 },
  ]);
  assert.equal((await scene.row(begin.id)).state, 'executing');
}

async function lostAnswer(scene: Scene, how: 'landed' | 'never' | 'late'): Promise<void> {
  const { open, begin, commit } = await pending(scene);
  assert(scene.fixture.openLossy !== undefined);
  const { ledger, loseNext, deliver } = await scene.fixture.openLossy(scene.identity);
  try {
    await ledger.commit({ heads: [scene.head(0)], entries: [] }); // its connection is open
    loseNext(how);
    await assert.rejects(ledger.commit(commit), isLost);
    const raised = await ledger.raise([{ partition: 0, epoch: scene.head(0).epoch }]);
    const landed = how === 'landed';
    assert.deepEqual(raised, [
      {
        partition: 0,
        epoch: 2,
        watermark: landed ? 77 : null,
        published: 0,
        lastNumber: landed ? 1 : 0,
        commits: landed ? 3 : 2,
      },
    ]);
    const before = (await ledger.read([begin.id, open.id])).map(({ id, state }) => [id, state]);
    if (how === 'late') await deliver();
    const rows = (await ledger.read([begin.id, open.id])).map(({ id, state }) => [id, state]);
    assert.deepEqual(rows, before, 'after the raise nothing lands any more');
    const none = [[open.id, 'executing']];
    const both = [
      [begin.id, 'executing'],
      [open.id, 'completed'],
    ];
    assert.deepEqual(rows.toSorted(), (landed ? both : none).toSorted());
    for (const one of raised) scene.note(0, one);
    const { answers } = await ledger.commit({ heads: [scene.head(0)], entries: commit.entries });
    if (landed)
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['changed', 'exists'],
      );
    else begunOf(answers[1]);
  } finally {
    await ledger.close();
  }
}

function isLost(error: unknown): boolean {
  return error instanceof LedgerError && error.failure === 'lost';
}

async function staleWorker(scene: Scene): Promise<void> {
  await scene.own();
  const begin = scene.begin();
  const { answers } = await scene.commit([begin]);
  const open = openOf(begin, answers[0]);
  const old = scene.head(0);
  const { holders } = await scene.own(0, await scene.another());
  const stale = await scene.ledger.commit({ heads: [old], entries: [scene.change(open), scene.begin()] });
  assert.deepEqual(stale.fenced, [0]);
  assert.deepEqual(holders[0], await scene.row(begin.id), 'the old owner changed nothing');
}

export const OWNER_CHECKS: readonly Check[] = [
  { name: 'the first take-over makes the partition known', run: firstTakeOver },
  { name: 'a take-over makes doubt of what was executing and loads the holders', run: takeOverMakesDoubt },
  { name: 'the third take-over in a row holds the transaction', run: thirdTakeOverHolds },
  { name: 'another step counts its take-overs anew', run: anotherStepCountsAnew },
  { name: 'another group or topic id is refused', run: refusedTakeOver },
  { name: 'the old owner is fenced', run: staleWorker },
  { name: 'raising is conditional on the epoch', run: raiseIsConditional },
  { name: 'unknown ids are left out when read', run: reading },
  { name: 'a heartbeat may be repeated', run: heartbeats },
  { name: 'a take-over waits for a commit under way and sees it', needs: 'underWay', run: takeOverWaits },
  { name: 'raising waits for a commit under way', needs: 'underWay', run: raiseWaits },
  { name: 'a lost commit that landed', needs: 'openLossy', run: (scene) => lostAnswer(scene, 'landed') },
  {
    name: 'a lost commit that never arrives',
    needs: 'openLossy',
    run: (scene) => lostAnswer(scene, 'never'),
  },
  {
    name: 'a lost commit that arrives late is fenced',
    needs: 'openLossy',
    run: (scene) => lostAnswer(scene, 'late'),
  },
];
