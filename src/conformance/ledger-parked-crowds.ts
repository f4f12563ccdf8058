/** Contract of Ledger: parks and begins of parked rows in the company of others. */
import assert from 'node:assert/strict';
import { begunOf, type Check, ids, type Scene, statuses } from './ledger-scene.ts';

async function slotTakenMeanwhile(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  await takeMeanwhile(scene);
  const known = scene.begin();
  await scene.commit([known]);
  assert.deepEqual(statuses(await scene.commit([known])), ['exists']);
  await takeMeanwhile(scene); // also where conflicts are expected, because there was one just now
}

/** Another partition takes the slot in a commit under way. */
async function takeMeanwhile(scene: Scene): Promise<void> {
  const [parked, other] = [scene.park(), scene.park()];
  await scene.commit([parked, other]);
  assert(scene.fixture.underWay !== undefined);
  const rival = scene.begin({ partition: 2, location: parked.location });
  const underWay = await scene.fixture.underWay(scene.identity, { heads: [scene.head(2)], entries: [rival] });
  const committing = scene.commit([scene.beginParked(parked), scene.beginParked(other), scene.begin()]);
  try {
    await underWay.waitedFor();
  } finally {
    await underWay.finish();
  }
  assert.deepEqual(statuses(await committing), ['busy', 'done', 'done']);
  assert.equal((await scene.row(parked.id)).state, 'received');
  assert.equal((await scene.row(rival.id)).state, 'executing');
}

async function unstorablePark(scene: Scene): Promise<void> {
  await scene.own();
  const { unstorable = '' } = scene.fixture;
  const good = scene.park();
  await assert.rejects(scene.commit([good, scene.park({ plan: unstorable })]), { failure: 'rejected' });
  assert.deepEqual(await scene.ledger.read([good.id]), [], 'nothing of it landed');
  assert.deepEqual(statuses(await scene.commit([good])), ['done']);
}

async function largestCommit(scene: Scene): Promise<void> {
  await scene.own();
  const deep = Array.from({ length: 1_000 }, () => scene.park());
  await scene.commit(deep);
  const fresh = Array.from({ length: 500 }, () => scene.park());
  const begins = deep.map((park) => scene.beginParked(park));
  const answer = await scene.commit([...fresh, ...begins, ...fresh]);
  assert(answer.answers.slice(0, 1_500).every(({ status }) => status === 'done'));
  assert(answer.answers.slice(1_500).every(({ status }) => status === 'exists'));
  const tokens = answer.answers.slice(500, 1_500).map((one) => begunOf(one).token);
  const rows = new Map((await scene.ledger.read(ids(deep))).map((row) => [row.id, row]));
  assert.deepEqual(
    deep.map(({ id }) => rows.get(id)?.token),
    tokens,
    'each begin is answered with its own token',
  );
  const { parked } = await scene.own();
  assert.equal(parked.length, 500);
}

export const PARKED_CROWD_CHECKS: readonly Check[] = [
  {
    name: 'a slot taken by another partition at the same moment is busy',
    needs: 'underWay',
    run: slotTakenMeanwhile,
  },
  { name: 'a park that cannot be stored is rejected', needs: 'unstorable', run: unstorablePark },
  { name: 'the largest commit of parks and begins of parked rows', run: largestCommit },
];
