import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualWorld } from '../../../test/fixtures/virtual-world.ts';
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import type { GroupWire, Identity, JoinAnswer, SyncAnswer } from './group-wire.ts';
import { KAFKA } from './kafka-errors.ts';
import { Member } from './member.ts';

const SESSION_MS = 9_000;
const HEARTBEAT_MS = 1_000;
const TIMES = {
  sessionTimeoutMs: SESSION_MS,
  heartbeatMs: HEARTBEAT_MS,
  rebalanceTimeoutMs: 30_000,
  drainBudgetMs: 10_000,
  fenceMs: 6_000,
};

interface Asked<T> {
  readonly kind: 'join' | 'sync' | 'heartbeat' | 'leave';
  readonly identity: Identity;
  readonly owned: readonly number[];
  readonly assignment: Readonly<Record<string, readonly number[]>>;
  readonly answer: (answer: T) => void;
  readonly lose: () => void;
}

/** Keeps each request until the test answers it, or loses its answer. */
class ScriptedWire implements GroupWire {
  readonly log: string[] = [];
  #asked: Asked<never>[] = [];
  /** Answers heartbeats by itself; null leaves them to the test. */
  heartbeats: number | null = KAFKA.NONE;

  join(identity: Identity, owned: readonly number[]): Promise<JoinAnswer> {
    return this.#ask('join', identity, { owned: [...owned].sort() });
  }

  sync(identity: Identity, assignment: ReadonlyMap<string, readonly number[]>): Promise<SyncAnswer> {
    return this.#ask('sync', identity, { assignment: Object.fromEntries(assignment) });
  }

  heartbeat(identity: Identity): Promise<number> {
    this.log.push(`heartbeat ${identity.generation}`);
    if (this.heartbeats !== null) return Promise.resolve(this.heartbeats);
    return this.#ask('heartbeat', identity, {});
  }

  leave(memberId: string): Promise<void> {
    this.log.push(`leave ${memberId}`);
    return Promise.resolve();
  }

  abandonJoin(): void {
    this.log.push('abandon');
    for (const asked of this.#asked.filter(({ kind }) => kind === 'join' || kind === 'sync')) asked.lose();
  }

  forgetCoordinator(): void {
    this.log.push('forget');
  }

  close(): Promise<void> {
    this.log.push('close');
    return Promise.resolve();
  }

  #ask<T>(kind: Asked<T>['kind'], identity: Identity, parts: Partial<Asked<T>>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const asked: Asked<T> = {
      owned: [],
      assignment: {},
      ...parts,
      kind,
      identity,
      answer: resolve,
      lose: () => reject(new Error('connection closed')),
    };
    this.#asked.push(asked as Asked<never>);
    return promise;
  }

  waiting(kind: Asked<never>['kind']): boolean {
    return this.#asked.some((asked) => asked.kind === kind);
  }

  take<T>(kind: Asked<T>['kind']): Asked<T> {
    const asked = this.#asked.find((one) => one.kind === kind);
    assert.ok(asked !== undefined, `no ${kind} was sent`);
    this.#asked = this.#asked.filter((one) => one !== asked);
    return asked as unknown as Asked<T>;
  }
}

class Stage {
  readonly world = new VirtualWorld();
  readonly wire = new ScriptedWire();
  readonly heard: string[] = [];
  readonly problems: SignalboxError[] = [];
  partitionCount = 4;
  /** What `revoke` waits for. */
  drain: Promise<void> = Promise.resolve();
  readonly member = new Member({
    world: this.world,
    wire: this.wire,
    times: TIMES,
    topic: 'atm',
    partitionCount: () => this.partitionCount,
    listener: {
      assigned: (partitions) => this.heard.push(`assigned ${partitions}`),
      revoke: async (partitions) => {
        this.heard.push(`revoke ${partitions}`);
        await this.drain;
        this.heard.push(`revoked ${partitions}`);
      },
      lost: (partitions) => this.heard.push(`lost ${partitions}`),
      resumed: () => this.heard.push('resumed'),
      reached: () => undefined,
      problem: (error) => this.problems.push(error),
    },
  });

  async join(answer: Partial<JoinAnswer>): Promise<Asked<JoinAnswer>> {
    await this.world.settle();
    const asked = this.wire.take<JoinAnswer>('join');
    asked.answer({ errorCode: 0, memberId: 'me', generation: 1, members: [], leads: false, ...answer });
    await this.world.settle();
    return asked;
  }

  async sync(answer: Partial<SyncAnswer>): Promise<Asked<SyncAnswer>> {
    await this.world.settle();
    const asked = this.wire.take<SyncAnswer>('sync');
    asked.answer({ errorCode: 0, assigned: [], ...answer });
    await this.world.settle();
    return asked;
  }

  /** A member of generation 1 that owns these. */
  async settled(...assigned: number[]): Promise<void> {
    void this.member.start();
    await this.join({ errorCode: KAFKA.MEMBER_ID_REQUIRED, generation: -1 });
    await this.join({});
    await this.sync({ assigned });
    this.heard.length = 0;
  }

  /** One heartbeat with this answer. */
  async beat(errorCode: number): Promise<void> {
    this.wire.heartbeats = errorCode;
    await this.world.advance(HEARTBEAT_MS);
    this.wire.heartbeats = KAFKA.NONE;
  }
}

describe('Member', () => {
  it('takes the id it is given, joins again at once, and owns what SyncGroup says', async () => {
    const stage = new Stage();
    const started = stage.member.start();
    assert.equal(stage.member.mayBegin(), false);
    const first = await stage.join({ errorCode: KAFKA.MEMBER_ID_REQUIRED, memberId: 'me', generation: -1 });
    assert.deepEqual(first.identity, { memberId: '', generation: -1 });
    await started;
    const second = await stage.join({ generation: 7 });
    assert.deepEqual([second.identity, second.owned], [{ memberId: 'me', generation: -1 }, []]);
    assert.equal(stage.member.identity, null, 'no commit before SyncGroup is answered');
    const sync = await stage.sync({ assigned: [2, 3] });
    assert.deepEqual(sync.identity, { memberId: 'me', generation: 7 });
    assert.deepEqual(stage.heard, ['assigned 2,3']);
    assert.deepEqual(stage.member.identity, { memberId: 'me', generation: 7 });
    assert.ok(stage.member.mayBegin());
    await stage.member.leave();
  });

  it('as leader assigns the partitions there are', async () => {
    const stage = new Stage();
    void stage.member.start();
    const members = ['me', 'other'].map((memberId) => ({
      memberId,
      topics: ['atm'],
      owned: [],
      generation: -1,
    }));
    await stage.join({ leads: true, members });
    const { assignment } = await stage.sync({ assigned: [0, 1] });
    assert.deepEqual(Object.values(assignment).flat().sort(), [0, 1, 2, 3]);
    stage.partitionCount = 6;
    stage.member.partitionsGrew();
    await stage.join({ leads: true, members, generation: 2 });
    assert.equal(Object.values((await stage.sync({ assigned: [0, 1] })).assignment).flat().length, 6);
    await stage.member.leave();
  });

  it('only the leader joins again when partitions are added', async () => {
    const stage = new Stage();
    await stage.settled(0);
    stage.member.partitionsGrew();
    await stage.world.advance(5_000);
    assert.ok(!stage.wire.waiting('join'));
    await stage.member.leave();
  });

  it('as leader tells of members that read another topic, and gives them nothing', async () => {
    const stage = new Stage();
    void stage.member.start();
    const members = [
      { memberId: 'me', topics: ['atm'], owned: [], generation: -1 },
      { memberId: 'stranger', topics: ['lockers'], owned: [], generation: -1 },
    ];
    await stage.join({ leads: true, members });
    const { assignment } = await stage.sync({ assigned: [0] });
    assert.deepEqual(assignment, { me: [0, 1, 2, 3] });
    assert.deepEqual(
      stage.problems.map(({ code }) => code),
      ['SB-3006'],
    );
    await stage.member.leave();
  });

  it('a lost answer to JoinGroup: nothing is lost, it claims the same again, commits wait', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    const lost = stage.wire.take<JoinAnswer>('join');
    assert.deepEqual([lost.identity, lost.owned], [{ memberId: 'me', generation: 1 }, [0, 1]]);
    lost.lose();
    // The broker may have gone on to the next generation: a heartbeat of the old one proves nothing.
    stage.wire.heartbeats = KAFKA.ILLEGAL_GENERATION;
    await stage.world.advance(2 * HEARTBEAT_MS);
    assert.equal(stage.member.identity, null);
    assert.deepEqual(stage.heard, []);
    stage.wire.heartbeats = KAFKA.NONE;
    const again = await stage.join({ generation: 2 });
    assert.deepEqual([again.identity, again.owned], [{ memberId: 'me', generation: 1 }, [0, 1]]);
    await stage.sync({ assigned: [0, 1] });
    assert.deepEqual(stage.heard, []);
    assert.deepEqual(stage.member.identity, { memberId: 'me', generation: 2 });
    await stage.member.leave();
  });

  it('a lost answer to SyncGroup: it joins again with what it owned before', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.join({ generation: 2 });
    stage.wire.take<SyncAnswer>('sync').lose();
    await stage.world.advance(500);
    assert.deepEqual(stage.heard, []);
    const again = await stage.join({ generation: 3 });
    assert.deepEqual([again.identity, again.owned], [{ memberId: 'me', generation: 1 }, [0, 1]]);
    await stage.sync({ assigned: [1, 2] });
    assert.deepEqual(stage.heard, ['assigned 2', 'revoke 0', 'revoked 0']);
    await stage.member.leave();
  });

  it('SyncGroup answered REBALANCE_IN_PROGRESS: joins again, nothing is lost', async () => {
    const stage = new Stage();
    await stage.settled(0);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.join({ generation: 2 });
    await stage.sync({ errorCode: KAFKA.REBALANCE_IN_PROGRESS });
    const again = await stage.join({ generation: 3 });
    assert.deepEqual(again.owned, [0]);
    await stage.sync({ assigned: [0] });
    assert.deepEqual(stage.heard, []);
    await stage.member.leave();
  });

  for (const [request, errorCode] of [
    ['join', KAFKA.UNKNOWN_MEMBER_ID],
    ['sync', KAFKA.UNKNOWN_MEMBER_ID],
    ['sync', KAFKA.ILLEGAL_GENERATION],
  ] as const) {
    it(`${request} answered ${errorCode}: lost, then joins with nothing owned`, async () => {
      const stage = new Stage();
      await stage.settled(0, 1);
      await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
      if (request === 'join') await stage.join({ errorCode });
      else {
        await stage.join({ generation: 2 });
        await stage.sync({ errorCode });
      }
      assert.deepEqual(stage.heard, ['lost 0,1']);
      const again = stage.wire.take<JoinAnswer>('join');
      const memberId = errorCode === KAFKA.UNKNOWN_MEMBER_ID ? '' : 'me';
      assert.deepEqual([again.identity, again.owned], [{ memberId, generation: -1 }, []]);
      await stage.member.leave();
    });
  }

  it('heartbeat UNKNOWN_MEMBER_ID: lost at once, the id is gone', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    await stage.beat(KAFKA.UNKNOWN_MEMBER_ID);
    assert.deepEqual(stage.heard, ['lost 0,1']);
    assert.equal(stage.member.joined, false);
    assert.deepEqual(stage.wire.take<JoinAnswer>('join').identity, { memberId: '', generation: -1 });
    await stage.member.leave();
  });

  it('heartbeat ILLEGAL_GENERATION while settled: lost, the id is kept', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    await stage.beat(KAFKA.ILLEGAL_GENERATION);
    assert.deepEqual(stage.heard, ['lost 0,1']);
    const again = stage.wire.take<JoinAnswer>('join');
    assert.deepEqual([again.identity, again.owned], [{ memberId: 'me', generation: -1 }, []]);
    await stage.member.leave();
  });

  it('a commit answered UNKNOWN_MEMBER_ID: lost, unless it was about an id we no longer have', async () => {
    const stage = new Stage();
    await stage.settled(0);
    stage.member.unknown('an old one');
    assert.deepEqual(stage.heard, []);
    stage.member.unknown('me');
    assert.deepEqual(stage.heard, ['lost 0']);
    await stage.member.leave();
  });

  it('lost in the middle of a join: what the answer gives is taken as new', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.beat(KAFKA.UNKNOWN_MEMBER_ID);
    assert.deepEqual(stage.heard, ['lost 0,1']);
    await stage.join({ generation: 2 });
    await stage.sync({ assigned: [0, 1] });
    assert.deepEqual(stage.heard, ['lost 0,1', 'assigned 0,1']);
    await stage.member.leave();
  });

  it('a drain: heartbeats go on, a rebalance waits for its end, then it joins without what is gone', async () => {
    const stage = new Stage();
    await stage.settled(0, 1, 2);
    const drain = Promise.withResolvers<void>();
    stage.drain = drain.promise;
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.join({ generation: 2 });
    await stage.sync({ assigned: [0, 3] });
    assert.deepEqual(stage.heard, ['assigned 3', 'revoke 1,2']);
    stage.wire.log.length = 0;
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.world.advance(3 * HEARTBEAT_MS);
    assert.equal(stage.wire.log.filter((line) => line === 'heartbeat 2').length, 4);
    assert.ok(!stage.wire.waiting('join'), 'not before the drain ends');
    assert.ok(stage.member.identity !== null, 'commits of the drain are accepted');
    drain.resolve();
    const next = await stage.join({ generation: 3 });
    assert.deepEqual(next.owned, [0, 3]);
    await stage.sync({ assigned: [0, 3] });
    assert.deepEqual(stage.heard, ['assigned 3', 'revoke 1,2', 'revoked 1,2']);
    await stage.world.advance(5_000);
    assert.ok(!stage.wire.waiting('join'), 'one more round and no more');
    await stage.member.leave();
  });

  it('a loss during a drain takes everything, what drains too', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    const drain = Promise.withResolvers<void>();
    stage.drain = drain.promise;
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.join({ generation: 2 });
    await stage.sync({ assigned: [0] });
    await stage.beat(KAFKA.UNKNOWN_MEMBER_ID);
    assert.deepEqual(stage.heard, ['revoke 1', 'lost 0,1']);
    drain.resolve();
    await stage.world.settle();
    assert.deepEqual(stage.wire.take<JoinAnswer>('join').owned, []);
    await stage.member.leave();
  });

  it('the fence counts from the sending of the last proof, and closes without any timer', async () => {
    const stage = new Stage();
    await stage.settled(0);
    stage.wire.heartbeats = null;
    await stage.world.advance(HEARTBEAT_MS);
    const slow = stage.wire.take<number>('heartbeat');
    await stage.world.advance(4_900);
    assert.ok(stage.member.mayBegin(), '5.9 s after SyncGroup was sent');
    await stage.world.advance(200);
    assert.equal(stage.member.mayBegin(), false, '6.1 s after');
    slow.answer(KAFKA.NONE);
    await stage.world.settle();
    assert.ok(stage.member.mayBegin(), 'the heartbeat was sent 5.1 s ago');
    await stage.world.advance(900);
    assert.equal(stage.member.mayBegin(), false, 'and is 6 s old now, however late it was answered');
    await stage.member.leave();
  });

  it('an outage of many sessions: begins stop, nothing is lost, one heartbeat opens everything', async () => {
    const stage = new Stage();
    await stage.settled(0, 1);
    stage.wire.heartbeats = null;
    for (let second = 0; second < 50; second += 1) {
      await stage.world.advance(1_000);
      if (stage.wire.waiting('heartbeat')) stage.wire.take<number>('heartbeat').lose();
    }
    assert.equal(stage.member.mayBegin(), false);
    assert.deepEqual(stage.heard, []);
    assert.deepEqual(
      stage.problems.map(({ code }) => code),
      ['SB-3015'],
      'told once',
    );
    stage.wire.heartbeats = KAFKA.NONE;
    await stage.world.advance(2_000);
    assert.deepEqual(stage.heard, ['resumed']);
    assert.deepEqual(stage.member.identity, { memberId: 'me', generation: 1 });
    await stage.member.leave();
  });

  it('a proof by a commit opens the fence too', async () => {
    const stage = new Stage();
    await stage.settled(0);
    stage.wire.heartbeats = null;
    await stage.world.advance(7_000);
    assert.equal(stage.member.mayBegin(), false);
    stage.member.proven(stage.world.monotonic() - 6_500);
    assert.deepEqual(stage.heard, [], 'a proof that is too old already opens nothing');
    stage.member.proven(stage.world.monotonic() - 10);
    assert.deepEqual(stage.heard, ['resumed']);
    await stage.member.leave();
  });

  it('the coordinator moves, twice in a row: found again, asked again soon, nothing lost', async () => {
    const stage = new Stage();
    await stage.settled(0);
    stage.wire.log.length = 0;
    stage.wire.heartbeats = KAFKA.NOT_COORDINATOR;
    await stage.world.advance(HEARTBEAT_MS);
    await stage.world.advance(150);
    assert.deepEqual(stage.wire.log.slice(0, 4), ['heartbeat 1', 'forget', 'heartbeat 1', 'forget']);
    stage.wire.heartbeats = KAFKA.REBALANCE_IN_PROGRESS;
    await stage.world.advance(400);
    stage.wire.heartbeats = KAFKA.NONE;
    stage.wire.log.length = 0;
    await stage.join({ errorCode: KAFKA.NOT_COORDINATOR });
    assert.deepEqual(stage.wire.log, ['forget']);
    await stage.world.advance(100);
    await stage.join({ errorCode: KAFKA.COORDINATOR_LOAD_IN_PROGRESS });
    await stage.world.advance(200);
    const again = await stage.join({ generation: 2 });
    assert.deepEqual(again.owned, [0]);
    await stage.sync({ assigned: [0] });
    assert.deepEqual(stage.heard, []);
    await stage.member.leave();
  });

  it('a JoinGroup whose broker went silent is given up by the heartbeats', async () => {
    const stage = new Stage();
    await stage.settled(0);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    assert.ok(stage.wire.waiting('join'));
    stage.wire.heartbeats = null;
    await stage.world.advance(HEARTBEAT_MS);
    stage.wire.take<number>('heartbeat').lose();
    await stage.world.settle();
    assert.ok(stage.wire.log.includes('abandon'));
    stage.wire.take<JoinAnswer>('join');
    await stage.world.advance(500);
    assert.ok(stage.wire.waiting('join'), 'it joins again');
    await stage.member.leave();
  });

  it('leaves while a join is under way, and hears nothing of it any more', async () => {
    const stage = new Stage();
    await stage.settled(0);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    const pending = stage.wire.take<JoinAnswer>('join');
    await stage.member.leave();
    assert.ok(stage.wire.log.includes('leave me'));
    pending.answer({ errorCode: 0, memberId: 'me', generation: 2, members: [], leads: false });
    await stage.world.advance(5_000);
    assert.ok(!stage.wire.waiting('sync') && !stage.wire.waiting('join'));
    assert.deepEqual(stage.heard, []);
  });

  it('takes nothing more once told so, but ends its round and may commit', async () => {
    const stage = new Stage();
    await stage.settled(0);
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    stage.member.takeNoMore();
    assert.deepEqual(stage.member.identity, { memberId: 'me', generation: 1 });
    await stage.join({ generation: 2 });
    await stage.sync({ assigned: [0, 1] });
    assert.deepEqual(stage.heard, []);
    assert.deepEqual(stage.member.identity, { memberId: 'me', generation: 2 });
    await stage.beat(KAFKA.REBALANCE_IN_PROGRESS);
    assert.ok(!stage.wire.waiting('join'));
    await stage.member.leave();
  });

  for (const [errorCode, code] of [
    [KAFKA.INCONSISTENT_GROUP_PROTOCOL, 'SB-3006'],
    [KAFKA.GROUP_AUTHORIZATION_FAILED, 'SB-3005'],
    [KAFKA.INVALID_SESSION_TIMEOUT, 'SB-5002'],
    [KAFKA.INVALID_GROUP_ID, 'SB-5002'],
  ] as const) {
    it(`the first JoinGroup answered ${errorCode}: start rejects with ${code}, final`, async () => {
      const stage = new Stage();
      const started = stage.member.start();
      const rejected = assert.rejects(started, { code, final: true });
      await stage.join({ errorCode });
      await rejected;
      await stage.member.leave();
    });
  }
});
