/** Contract of Ledger: numbers of results, heads, and what a commit leaves behind that is not applied. */
import assert from 'node:assert/strict';
import { type Begin, type Entry, LedgerError } from '../engine/ports-ledger.ts';
import { begunOf, type Check, numberOf, type Open, type Scene, statuses } from './ledger-scene.ts';

const PAST_MS = 1_600_000_000_000;
const NOTHING = { rolledBack: 0, deadLetters: 0, duplicates: 0, skipped: 0 } as const;

async function numbersHaveNoGaps(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(2);
  const begins = Array.from({ length: 60 }, (_, index) =>
    scene.begin({ partition: index % 3 === 0 ? 2 : 0 }),
  );
  const opens = await scene.openedAll(begins);
  const entries: Entry[] = opens.map((open, index) => mixedChange(scene, open, index));
  const expired = (partition: number) => scene.begin({ partition, expiresAtMs: PAST_MS });
  entries.splice(7, 0, expired(0), scene.begin({ partition: 2 }), expired(2));
  entries.push(expired(0));
  const answer = await scene.commit(entries);
  for (const partition of [0, 2]) {
    const changes = entries.flatMap((entry, index) => {
      const mine = entry.partition === partition && entry.kind === 'change';
      return mine ? [numberOf(answer.answers[index])] : [];
    });
    const begun = entries.flatMap((entry, index) => {
      const mine = entry.partition === partition && entry.kind === 'begin';
      return mine ? [numberOf(answer.answers[index])] : [];
    });
    const numbers = [...changes, ...begun].filter((number) => number !== null);
    const expected = Array.from({ length: numbers.length }, (_, index) => index + 1);
    assert(numbers.length > 10, 'the test has finals in this partition');
    assert.deepEqual(
      numbers,
      expected,
      `partition ${partition}: changes in entry order, then expired begins`,
    );
    const results = await scene.ledger.results(partition, 0, 100);
    assert.deepEqual(
      results.map(({ number }) => number),
      expected,
    );
  }
}

/** Most finish plainly; some go on, some are refused, some do not match their row. */
function mixedChange(scene: Scene, open: Open, index: number): Entry {
  if (index % 20 === 4) return scene.unknown(open);
  if (index % 20 === 9) return scene.refused(open);
  if (index === 30) return scene.retry(open);
  if (index % 20 === 15) return scene.change({ ...open, state: 'in_doubt' });
  return scene.change(open);
}

async function expiredInOrder(scene: Scene): Promise<void> {
  await scene.own();
  const { topic } = scene.identity;
  const location = scene.location('late');
  const late = (changes: Partial<Begin> = {}) => scene.begin({ location, expiresAtMs: PAST_MS, ...changes });
  const [first, inTime, busy, second] = [
    late(),
    scene.begin({ location }),
    scene.begin({ location }),
    late(),
  ];
  const again = late({ id: first.id });
  const answer = await scene.commit([first, inTime, busy, second, again]);
  assert.deepEqual(statuses(answer), ['expired', 'done', 'busy', 'expired', 'exists']);
  assert.deepEqual([numberOf(answer.answers[0]), numberOf(answer.answers[3])], [1, 2]);
  assert.equal((await scene.fixture.counters(topic, 0)).rolledBack, 2);
  const row = await scene.row(first.id);
  assert.deepEqual([row.state, row.reason, row.number], ['rolled_back', 'expired', 1]);
  const paused = scene.location('paused');
  await scene.fixture.setLocation(paused, { concurrency: null, paused: true });
  assert.deepEqual(
    statuses(await scene.commit([late({ location: paused })])),
    ['expired'],
    'a pause holds no expiry up',
  );
}

async function resultsByPage(scene: Scene): Promise<void> {
  await scene.own();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692-01';
  const opens = await scene.openedAll(Array.from({ length: 25 }, () => scene.begin({ traceparent })));
  const { atMs } = await scene.commit(
    opens.map((open, index) => (index % 2 === 0 ? scene.change(open) : scene.refused(open, 'no notes'))),
  );
  await scene.opened();
  const pages = [];
  for (let last = 0; ; ) {
    const page = await scene.ledger.results(0, last, 10);
    if (page.length === 0) break;
    pages.push(page.length);
    for (const result of page) {
      const open = opens[result.number - 1];
      const completed = result.number % 2 === 1;
      assert.deepEqual(result, {
        number: last + 1,
        id: open?.id,
        location: open?.location,
        type: 'withdraw',
        state: completed ? 'completed' : 'rolled_back',
        reason: completed ? null : 'no notes',
        evidence: completed ? '{"dispense":{"receipt":"1"}}' : null,
        finishedAtMs: atMs,
        traceparent,
      });
      last = result.number;
    }
  }
  assert.deepEqual(pages, [10, 10, 5]);
  assert.equal((await scene.fixture.counters(scene.identity.topic, 0)).rolledBack, 12);
}

async function headsNeverGoBack(scene: Scene): Promise<void> {
  const owned = await scene.own();
  assert.deepEqual([owned.watermark, owned.published, owned.lastNumber], [null, 0, 0]);
  const head = async (changes: object) => void (await scene.commit([], [scene.head(0, changes)]));
  const stored = async () => {
    const { watermark, published } = await scene.own();
    return [watermark, published];
  };
  await head({ watermark: 10, published: 0, duplicates: 3 });
  await head({ watermark: 7, duplicates: 1 });
  assert.deepEqual(await stored(), [10, 0]);
  await head({});
  assert.deepEqual(await stored(), [10, 0]);
  const open = await scene.opened();
  await scene.commit([scene.change(open)], [scene.head(0, { watermark: 12 })]);
  await head({ published: 1 });
  await head({ published: 0 });
  const later = await scene.own();
  assert.deepEqual([later.watermark, later.published, later.lastNumber], [12, 1, 1]);
  assert.equal((await scene.fixture.counters(scene.identity.topic, 0)).duplicates, 4);
}

async function fencedPerPartition(scene: Scene): Promise<void> {
  for (const partition of [0, 2, 4]) await scene.own(partition);
  const kept = await scene.opened({ partition: 4 });
  const stale = scene.head(2, { watermark: 50, duplicates: 5 });
  await (await scene.another()).takeOver(2);
  const entries = [0, 2, 4].map((partition) => scene.begin({ partition }));
  const letters = [0, 2].map((partition) => scene.deadLetter({ partition }));
  const all = [...entries, ...letters, scene.change(kept), scene.begin({ partition: 6 })];
  const heads = [stale, scene.head(6), scene.head(4, { watermark: 9 }), scene.head(0)];
  const answer = await scene.commit(all, heads);
  assert.deepEqual(answer.fenced.toSorted(), [2, 6], 'a partition that nobody has taken over is fenced too');
  assert.deepEqual(statuses(answer), ['done', 'fenced', 'done', 'done', 'fenced', 'done', 'fenced']);
  assert.deepEqual(await scene.ledger.read(entries.slice(1, 2).map(({ id }) => id)), []);
  const { topic } = scene.identity;
  assert.deepEqual(await scene.fixture.counters(topic, 2), NOTHING);
  assert.equal((await scene.own(2)).watermark, null);
  assert.equal((await scene.own(4)).watermark, 9);
}

async function onlyFenced(scene: Scene): Promise<void> {
  await scene.own();
  const open = await scene.opened();
  await (await scene.another()).takeOver(0);
  const answer = await scene.commit([scene.change(open), scene.begin(), scene.deadLetter()]);
  assert.deepEqual(answer.fenced, [0]);
  assert.deepEqual(statuses(answer), ['fenced', 'fenced', 'fenced']);
}

async function rejectedLeavesNothing(scene: Scene): Promise<void> {
  await scene.own();
  const { unstorable = '' } = scene.fixture;
  const opens = await scene.openedAll([scene.begin(), scene.begin()]);
  const [open, other] = opens;
  assert(open !== undefined && other !== undefined);
  const begin = scene.begin();
  const entries = [scene.change(open), scene.refused(other, unstorable), begin, scene.deadLetter()];
  const failed = scene.commit(entries, [scene.head(0, { watermark: 5 })]);
  await assert.rejects(failed, (error) => error instanceof LedgerError && error.failure === 'rejected');
  assert.equal((await scene.row(open.id)).state, 'executing');
  assert.deepEqual(await scene.ledger.read([begin.id]), []);
  const { topic } = scene.identity;
  assert.deepEqual(await scene.fixture.counters(topic, 0), NOTHING);
  const answer = await scene.commit([scene.change(open), scene.refused(other, 'storable'), begin]);
  assert.deepEqual(statuses(answer), ['done', 'done', 'done'], 'without the culprit it lands');
  assert.equal((await scene.own()).watermark, null);
}

async function connectionsSideBySide(scene: Scene): Promise<void> {
  await scene.own(0);
  await scene.own(1);
  const rounds = 12;
  const places = Array.from({ length: 30 }, (_, index) => scene.location(`shared-${index}`));
  const tokens = new Map<string, bigint>();
  let begun = 0;
  const run = async (partition: number): Promise<void> => {
    let mine: Open[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begins = places.map((location) => scene.begin({ partition, location }));
      const changes = mine.map((open) => scene.change(open));
      const { answers } = await scene.commit([...changes, ...begins]);
      assert(answers.slice(0, changes.length).every(({ status }) => status === 'done'));
      mine = [];
      for (const [index, begin] of begins.entries()) {
        const answer = answers[changes.length + index];
        if (answer?.status === 'busy') continue;
        const { token } = begunOf(answer);
        tokens.set(token, BigInt(token));
        begun += 1;
        const { id, location } = begin;
        mine.push({ id, partition, location, state: 'executing', token });
      }
    }
    if (mine.length > 0) await scene.commit(mine.map((open) => scene.change(open)));
  };
  await Promise.all([run(0), run(1)]);
  assert(begun >= places.length * rounds, 'at each place one of the two began in each round');
  assert.equal(tokens.size, begun, 'no token twice');
  for (const partition of [0, 1]) {
    const { lastNumber } = await scene.own(partition);
    const results = await scene.ledger.results(partition, 0, 1_000);
    assert.deepEqual(
      results.map(({ number }) => number),
      Array.from({ length: lastNumber }, (_, index) => index + 1),
    );
  }
}

async function largestCommit(scene: Scene): Promise<void> {
  await scene.own();
  const begins = Array.from({ length: 1_000 }, () => scene.begin());
  const opens = await scene.openedAll(begins);
  const next = opens.map(({ location }) => scene.begin({ location }));
  const answer = await scene.commit([...opens.map((open) => scene.change(open)), ...next]);
  assert(answer.answers.every(({ status }) => status === 'done'));
  const numbers = answer.answers.slice(0, 1_000).map((one) => numberOf(one));
  assert.deepEqual(
    numbers,
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
  const tokens = answer.answers.slice(1_000).map((one) => begunOf(one).token);
  const rows = new Map((await scene.ledger.read(next.map(({ id }) => id))).map((row) => [row.id, row.token]));
  assert.deepEqual(
    next.map(({ id }) => rows.get(id)),
    tokens,
    'each begin is answered with its own token',
  );
}

async function numbersAreSkipped(scene: Scene): Promise<void> {
  const { epoch } = await scene.own();
  const open = await scene.opened();
  await scene.commit([scene.change(open)], [scene.head(0, {})]);
  assert.equal(await scene.ledger.skipNumbers(0, epoch, 1), false, 'not above the last number');
  assert.equal(await scene.ledger.skipNumbers(0, epoch - 1, 9), false, 'an older epoch');
  assert.equal(await scene.ledger.skipNumbers(0, epoch, 9), true);
  const { published, lastNumber } = await scene.own();
  assert.deepEqual([published, lastNumber], [9, 9]);
  const next = await scene.opened();
  const answer = await scene.commit([scene.change(next)], [scene.head(0, {})]);
  assert.equal(numberOf(answer.answers[0]), 10);
  assert.deepEqual(await scene.fixture.counters(scene.identity.topic, 0), { ...NOTHING, skipped: 8 });
}

/** Restored to an older point: it holds fewer commits than it has answered. */
async function lostHistoryIsFenced(scene: Scene): Promise<void> {
  const { commits } = await scene.own();
  const head = (answered: number | null) => scene.head(0, { watermark: 5, commits: answered });
  assert.deepEqual((await scene.commit([], [head(commits)])).fenced, []);
  assert.equal((await scene.own()).commits, commits + 1);
  assert.deepEqual(await scene.ledger.commits([0, 77]), new Map([[0, commits + 1]]));
  const answer = await scene.commit([scene.begin()], [{ ...head(commits + 4), watermark: 9 }]);
  assert.deepEqual([answer.fenced, statuses(answer)], [[0], ['fenced']]);
  const after = await scene.own();
  assert.deepEqual([after.watermark, after.commits], [5, commits + 1], 'nothing is written');
}

export const NUMBER_CHECKS: readonly Check[] = [
  { name: 'numbers have no gaps, in entry order, whatever is between', run: numbersHaveNoGaps },
  { name: 'an expired begin ends at once, in entry order', run: expiredInOrder },
  { name: 'results come by page', run: resultsByPage },
  { name: 'watermark and published number never go back', run: headsNeverGoBack },
  { name: 'a ledger that lost history fences who knows of more commits', run: lostHistoryIsFenced },
  { name: 'numbers given before a restore are skipped', run: numbersAreSkipped },
  { name: 'a commit is fenced per partition', run: fencedPerPartition },
  { name: 'a commit of which everything is fenced does nothing', run: onlyFenced },
  { name: 'a rejected commit leaves nothing behind', needs: 'unstorable', run: rejectedLeavesNothing },
  { name: 'commits of two connections side by side share places without harm', run: connectionsSideBySide },
  { name: 'the largest commit', run: largestCommit },
];
