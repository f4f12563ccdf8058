/** Reads and acts of people over a ledger on two real servers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ShardedLedgerFixture } from '../../../test/fixtures/sharded-ledger.ts';
import { type Open, Scene } from '../../conformance/ledger-scene.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { partitionOf } from '../../core/murmur2.ts';
import type { Lists, TransactionFilter } from '../../engine/ports-lists.ts';
import type { ReadModel } from '../../engine/ports-read.ts';
import { PostgresDeadLetterDesk } from '../postgres/dead-letter-desk.ts';
import { PostgresLists } from '../postgres/lists.ts';
import { PostgresOperations } from '../postgres/operations.ts';
import { PostgresReadModel } from '../postgres/read-model.ts';
import { readTopicPartitions } from '../postgres/topic-partitions.ts';
import { ShardedDeadLetterDesk } from './sharded-dead-letter-desk.ts';
import { ShardedLists } from './sharded-lists.ts';
import { ShardedOperations } from './sharded-operations.ts';
import { ShardedReadModel } from './sharded-read-model.ts';

const NOBODY = 'postgres://nobody@127.0.0.1:1/none';
const FILTER: TransactionFilter = {
  states: [],
  location: null,
  type: null,
  code: null,
  fromMs: null,
  toMs: null,
  limit: 100,
  cursor: null,
};
const WHO = { actor: 'ann', reason: 'test' };

describe('reads and acts over two servers', () => {
  let fixture: ShardedLedgerFixture;
  let scene: Scene;
  let read: ReadModel;
  let lists: Lists;
  let operations: ShardedOperations;
  let desk: ShardedDeadLetterDesk;
  const opened: { close(): Promise<void> }[] = [];
  /** Held, in doubt and executing, by partition. */
  const held = new Map<number, Open>();

  /** A location whose key falls in the partition. */
  function locationIn(partition: number, nth: number): string {
    let found = -1;
    for (let index = 0; ; index += 1) {
      const name = `${scene.identity.topic}.p${index}`;
      if (partitionOf(name, 12) === partition) found += 1;
      if (found === nth) return name;
    }
  }

  /** Of two servers, the second of which may be another one. */
  function over<Door>(
    one: (options: { connectionString: string; topic: string; group: string }, shard: number) => Door,
    second = fixture.shards[1].connectionString,
  ) {
    const { topic, group } = scene.identity;
    const urls = [fixture.shards[0].connectionString, second];
    return {
      doors: urls.map((connectionString, shard) => one({ connectionString, topic, group }, shard)),
      topicPartitions: () => readTopicPartitions({ connectionString: urls[0] ?? '', topic }),
    };
  }

  function kept<T extends { close(): Promise<void> }>(each: T): T {
    opened.push(each);
    return each;
  }

  before(async () => {
    fixture = await ShardedLedgerFixture.make();
    scene = await Scene.make(fixture);
    for (let partition = 0; partition < 12; partition += 1) await scene.own(partition);
    for (const partition of [0, 1, 2, 3]) {
      const doubtful = await scene.opened({ partition, location: locationIn(partition, 0) });
      const { token } = await scene.changed(scene.unknown(doubtful));
      held.set(partition, { ...doubtful, state: 'in_doubt', token });
      const first = await scene.opened({ partition, location: locationIn(partition, 1) });
      await scene.changed(scene.change(first));
      const second = await scene.opened({ partition, location: locationIn(partition, 1) });
      await scene.changed(scene.refused(second));
      const parks = [1, 2].map(() => scene.park({ partition, location: doubtful.location }));
      await scene.commit([...parks, scene.deadLetter({ partition })]);
    }
    const heartbeat = {
      version: '1.0.0',
      startedAtMs: 1_700_000_000_000,
      draining: false,
      partitions: Array.from({ length: 12 }, (_, partition) => partition),
      waiting: 9,
      parked: 8,
      lanes: 3,
      rssBytes: 150_000_000,
      lag: { 0: 5, 1: 6 },
      deepest: { [locationIn(0, 0)]: 4, [locationIn(1, 0)]: 5 },
    };
    const atMs = Math.floor(Date.now() / 10_000) * 10_000;
    const spans = [{ atMs, completed: 4, rolledBack: 4, latency: [8] }];
    await scene.ledger.heartbeat(heartbeat, spans);
    read = kept(new ShardedReadModel(over((options) => new PostgresReadModel(options))));
    lists = kept(new ShardedLists(over((options) => new PostgresLists(options))));
    desk = kept(new ShardedDeadLetterDesk(over((options) => new PostgresDeadLetterDesk(options))));
    operations = kept(
      new ShardedOperations(
        over((options, shard) => ({
          operations: new PostgresOperations({ ...options, shard }),
          read: new PostgresReadModel(options),
        })),
      ),
    );
  });

  after(async () => {
    await Promise.all(opened.map((each) => each.close()));
    await scene.end();
    await fixture.close();
  });

  test('the status is that of the whole fleet', async () => {
    const { partitions, workers, ...fleet } = await read.status();
    assert.deepEqual(
      [fleet.completed, fleet.rolledBack, fleet.inDoubt, fleet.parked, fleet.deadLetters, fleet.waiting],
      [4, 4, 4, 8, 4, 17],
    );
    assert.deepEqual(
      workers.map(({ worker, alive, waiting }) => [worker, alive, waiting]),
      [['worker-1', true, 9]],
      'a worker is one, although each server heard of it',
    );
    assert.deepEqual(partitions.map(({ partition, owner, lag }) => [partition, owner, lag]).slice(0, 3), [
      [0, 'worker-1', 5],
      [1, 'worker-1', 6],
      [2, 'worker-1', null],
    ]);
  });

  test('why a location waits is told by its server', async () => {
    const why = await read.why(locationIn(1, 0));
    assert.deepEqual(
      [why.partition, why.owner, why.ownerAlive, why.parked, why.waitingInMemory],
      [1, 'worker-1', true, 2, 5],
    );
    const quiet = await read.why(locationIn(3, 5));
    assert.deepEqual([quiet.partition, quiet.owner], [3, 'worker-1'], 'also where nothing ever was');
  });

  test('locations and open locations come once each, the worst first', async () => {
    const open = await lists.openLocations();
    assert.deepEqual(
      open.map(({ location, state, waiting }) => [location, state, waiting]).toSorted(),
      [0, 1, 2, 3]
        .map((partition) => [locationIn(partition, 0), 'in_doubt', [6, 7, 2, 2][partition]])
        .toSorted(),
    );
    const all = await read.locations(100);
    assert.deepEqual(
      all.slice(0, 4).map(({ state }) => state),
      new Array(4).fill('in_doubt'),
    );
    assert.equal(all.length, 8);
    const names = [0, 1, 2, 3].map((partition) => locationIn(partition, 1)).sort();
    assert.deepEqual(await lists.locationNames(null, 3), names.slice(0, 3));
    assert.deepEqual(await lists.locationNames(names[2] ?? null, 3), names.slice(3));
    const recent = await lists.recent(names);
    assert.deepEqual(
      recent.map(({ location, counted }) => [location, counted]).toSorted(),
      names.map((name) => [name, 2]),
    );
    assert.equal((await lists.locationDetail(locationIn(3, 0))).queue.length, 2);
  });

  test('a search finds what is on either, page by page', async () => {
    const whole = await lists.transactions(FILTER);
    assert.equal(whole.items.length, 20);
    assert.equal(whole.cursor, null);
    const paged: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const page: Awaited<ReturnType<Lists['transactions']>> = await lists.transactions({
        ...FILTER,
        limit: 3,
        cursor,
      });
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
      if (cursor === null) break;
    }
    assert.deepEqual(
      paged,
      whole.items.map(({ id }) => id),
    );
    const here = await lists.transactions({ ...FILTER, location: locationIn(3, 1) });
    assert.deepEqual(
      here.items.map(({ state }) => state),
      ['rolled_back', 'completed'],
    );
    const found = await read.transaction(held.get(1)?.id ?? '');
    assert.equal(found?.partition, 1);
    assert.equal(await read.transaction('nobody'), null);
  });

  test('attention, series and events are those of the fleet', async () => {
    assert.equal((await lists.attention(100)).length, 4);
    assert.equal((await operations.attention(3)).length, 3);
    const { points } = await lists.series({ rangeMs: 60_000, spanMs: 10_000 });
    const sum = (of: 'completed' | 'rolledBack') => points.reduce((total, point) => total + point[of], 0);
    assert.deepEqual([sum('completed'), sum('rolledBack')], [4, 4], 'counted once');
    assert.equal(Math.max(...points.map(({ inDoubt }) => inDoubt)), 4, 'of each server');
    const started = (await lists.events({ sinceMs: 0, limit: 100 })).filter(
      ({ kind }) => kind === 'worker_started',
    );
    assert.equal(started.length, 1, 'told once');
  });

  test('dead letters are listed together and dealt with where they lie', async () => {
    const letters = await read.deadLetters({ unresolved: true, code: null, limit: 100 });
    assert.deepEqual(letters.map(({ partition }) => partition).toSorted(), [0, 1, 2, 3]);
    const [codes] = await lists.deadLetterCodes();
    assert.deepEqual([codes?.records, codes?.open, codes?.partitions], [4, 4, [0, 1, 2, 3]]);
    const letter = letters.find(({ partition }) => partition === 3);
    assert(letter !== undefined);
    assert.equal((await desk.find(letter))?.partition, 3);
    assert.equal(await desk.discard(letter, WHO), true);
    assert.equal(await desk.discard(letter, WHO), false);
    assert.equal(await desk.holdsTransaction(held.get(1)?.id ?? ''), true);
    assert.equal(await desk.holdsTransaction('nobody'), false);
    assert.equal((await read.deadLetters({ unresolved: true, code: null, limit: 100 })).length, 3);
  });

  test('a limit lies where it counts, and workers hear of it', async () => {
    const [exact, pattern] = [locationIn(1, 2), `${scene.identity.topic}.*`];
    await operations.setLimit({ location: exact, concurrency: 3, ...WHO });
    await operations.setLimit({ location: pattern, paused: true, ...WHO });
    const rows = await Promise.all(
      fixture.shards.map(async ({ pool }) => {
        const { rows } = await pool.query<{ location: string }>('select location from signalbox.locations');
        return rows.map(({ location }) => location).filter((each) => each === exact || each === pattern);
      }),
    );
    assert.deepEqual(
      rows.map((each) => each.toSorted()),
      [[pattern], [exact, pattern].toSorted()],
    );
    const { limits } = await scene.ledger.limits(null);
    const heard = limits.filter(({ location }) => location === exact || location === pattern);
    assert.deepEqual(heard, [
      { location: pattern, concurrency: null, paused: true },
      { location: exact, concurrency: 3, paused: false },
    ]);
    assert.equal((await read.why(locationIn(1, 3))).paused, true, 'a pattern is known on each server');
    assert.deepEqual(
      (await lists.limits()).map(({ location, paused }) => [location, paused]),
      [
        [pattern, true],
        [exact, false],
      ],
    );
    await operations.setLimit({ location: pattern, paused: false, ...WHO });
  });

  test('a decision goes to the server of its transaction, and its number finds it again', async () => {
    const doubtful = held.get(3);
    assert(doubtful !== undefined);
    const needs = { approvalMs: 60_000 };
    const proposed = await operations.propose({
      id: doubtful.id,
      action: 'ask',
      evidence: null,
      ...WHO,
      ...needs,
    });
    assert.equal(proposed.sequence % 2, 1);
    assert.equal(proposed.location, doubtful.location);
    assert.equal(proposed.ownerAlive, true);
    const even = held.get(2);
    const second = await operations.propose({ id: even?.id ?? '', action: 'ask', evidence: null, ...WHO });
    assert.equal(second.sequence % 2, 0);
    assert.deepEqual(
      (await scene.ledger.commands([2, 3])).map(({ sequence }) => sequence),
      [second.sequence],
    );
    assert.equal(await operations.commandLocation(proposed.sequence), doubtful.location);
    await operations.approve({ sequence: proposed.sequence, actor: 'bob', reason: 'yes' });
    assert.deepEqual(await operations.outcome(proposed.sequence), { outcome: 'waiting' });
    const all = await lists.commands({ id: null, open: true, below: null, limit: 10 });
    assert.deepEqual(
      all.map(({ sequence }) => sequence),
      [second.sequence, proposed.sequence],
    );
    const next = await lists.commands({ id: null, open: true, below: second.sequence, limit: 10 });
    assert.deepEqual(
      next.map(({ sequence, state }) => [sequence, state]),
      [[proposed.sequence, 'waiting']],
    );
    await assert.rejects(operations.propose({ id: 'nobody', action: 'ask', evidence: null, ...WHO }), {
      code: 'SB-6007',
    });
  });

  test('the audit of both is one list, and both chains are verified', async () => {
    await operations.deny({ actor: 'eve', action: 'limit', target: 'location x', detail: 'role' });
    const whole = await lists.audit({ target: null, actor: null, below: null, limit: 100 });
    const times = whole.map(({ at }) => at);
    assert.deepEqual(times, times.toSorted().reverse());
    assert.equal(whole[0]?.action, 'limit denied');
    const paged: number[] = [];
    for (let below: number | null = null; ; ) {
      const page = await lists.audit({ target: null, actor: null, below, limit: 2 });
      paged.push(...page.map(({ sequence }) => sequence));
      if (page.length < 2) break;
      below = page.at(-1)?.sequence ?? null;
    }
    assert.deepEqual(
      paged,
      whole.map(({ sequence }) => sequence),
    );
    assert.deepEqual(await operations.verifyAudit(), { rows: whole.length, brokenAt: null });
    await fixture.shards[1].pool.query(
      `alter table signalbox.audit disable trigger audit_append_only;
       update signalbox.audit set actor = 'somebody' where sequence = 2;
       alter table signalbox.audit enable trigger audit_append_only`,
    );
    assert.equal((await operations.verifyAudit()).brokenAt, 2 * 2 + 1);
  });

  test('an id that was used on both is the open one, and is not decided about unseen', async () => {
    const id = scene.id('twice');
    await fixture.shards[1].pool.query("select nextval('signalbox.tokens')"); // else they might be in step
    const first = await scene.opened({ id, partition: 0, location: locationIn(0, 4) });
    const second = await scene.opened({ id, partition: 1, location: locationIn(1, 4) });
    for (const open of [first, second]) await scene.changed(scene.unknown(open));
    const decision = { id, action: 'ask', evidence: null, ...WHO } as const;
    await assert.rejects(operations.propose(decision), (error) => {
      assert(error instanceof SignalboxError && error.code === 'SB-6008');
      assert.match(error.detail, /open twice, at .* on shard 0 and .* on shard 1/);
      return true;
    });
    const rows = await Promise.all(
      fixture.shards.map((shard) =>
        shard.pool.query('select token::text from signalbox.transactions where id = $1', [id]),
      ),
    );
    const [a, b] = rows.map((each) => (each.rows[0] as { token: string }).token);
    assert(a !== undefined && b !== undefined && a !== b);
    const seen = { state: 'in_doubt', token: b } as const;
    assert.equal((await operations.propose({ ...decision, seen })).location, locationIn(1, 4));
    const now = await scene.row(id);
    await scene.changed(scene.change({ ...first, state: 'in_doubt', token: a }));
    assert.equal(
      (await read.transaction(id))?.location,
      locationIn(1, 4),
      `the open one, not ${now.location}`,
    );
  });

  test('without one server what is of the other is answered, and the whole is not', async () => {
    const half = kept(new ShardedReadModel(over((options) => new PostgresReadModel(options), NOBODY)));
    const halfLists = kept(new ShardedLists(over((options) => new PostgresLists(options), NOBODY)));
    assert.equal((await half.why(locationIn(2, 0))).parked, 2);
    assert.equal((await half.transaction(held.get(2)?.id ?? ''))?.partition, 2);
    const here = await halfLists.transactions({ ...FILTER, location: locationIn(2, 1) });
    assert.equal(here.items.length, 2);
    const away = (error: unknown) =>
      error instanceof SignalboxError && error.code === 'SB-2001' && error.detail.startsWith('shard 1: ');
    await assert.rejects(half.status(), away);
    await assert.rejects(half.why(locationIn(1, 0)), away);
    await assert.rejects(half.transaction(held.get(1)?.id ?? ''), away);
    await assert.rejects(halfLists.transactions(FILTER), away);
  });
});
