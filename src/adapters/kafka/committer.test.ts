import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualWorld } from '../../../test/fixtures/virtual-world.ts';
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import { Committer } from './committer.ts';
import type { Identity } from './group-wire.ts';
import { KAFKA } from './kafka-errors.ts';
import type { FetchedOffset, OffsetWire } from './offset-wire.ts';

interface Sent {
  readonly identity: Identity;
  readonly offsets: Readonly<Record<number, number>>;
  readonly answer: (code: number) => void;
  readonly lose: () => void;
}

class ScriptedOffsets implements OffsetWire {
  readonly sent: Sent[] = [];
  readonly fetches: ReadonlyMap<number, FetchedOffset>[] = [];
  forgotten = 0;

  commit(identity: Identity, offsets: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, number>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<number, number>>();
    this.sent.push({
      identity,
      offsets: Object.fromEntries(offsets),
      answer: (code) => resolve(new Map([...offsets.keys()].map((partition) => [partition, code]))),
      lose: () => reject(new Error('connection closed')),
    });
    return promise;
  }

  fetch(): Promise<ReadonlyMap<number, FetchedOffset>> {
    const answer = this.fetches.shift();
    return answer === undefined ? Promise.reject(new Error('connection closed')) : Promise.resolve(answer);
  }

  forgetCoordinator(): void {
    this.forgotten += 1;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class Stage {
  readonly world = new VirtualWorld();
  readonly wire = new ScriptedOffsets();
  readonly proofs: number[] = [];
  readonly unknown: string[] = [];
  readonly troubles: (SignalboxError | null)[] = [];
  identity: Identity | null = { memberId: 'me', generation: 4 };
  readonly committer = new Committer({
    world: this.world,
    wire: this.wire,
    intervalMs: 1_000,
    identity: () => this.identity,
    proven: (sentAt) => this.proofs.push(sentAt),
    unknownMember: (memberId) => this.unknown.push(memberId),
    reached: (_component, error) => this.troubles.push(error),
  });

  async last(): Promise<Sent> {
    await this.world.settle();
    const sent = this.wire.sent.at(-1);
    assert.ok(sent !== undefined, 'nothing was sent');
    return sent;
  }
}

describe('Committer', () => {
  it('sends what is new of all partitions in one request a second, and only that', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.open(1);
    stage.committer.note(0, 5);
    stage.committer.note(1, 7);
    stage.committer.note(0, 6);
    stage.committer.note(2, 9);
    await stage.world.advance(1_000);
    const sentAt = stage.world.monotonic();
    assert.deepEqual((await stage.last()).offsets, { 0: 6, 1: 7 });
    (await stage.last()).answer(KAFKA.NONE);
    await stage.world.settle();
    assert.deepEqual(stage.proofs, [sentAt, sentAt]);
    stage.committer.note(1, 8);
    await stage.world.advance(1_000);
    assert.deepEqual((await stage.last()).offsets, { 1: 8 });
    assert.equal(stage.wire.sent.length, 2);
    await stage.committer.close();
  });

  it('O1 never sends a lower offset, also not after a higher one was written', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    stage.committer.note(0, 3);
    await stage.world.advance(1_000);
    assert.deepEqual((await stage.last()).offsets, { 0: 5 });
    (await stage.last()).answer(KAFKA.NONE);
    stage.committer.note(0, 4);
    await stage.world.advance(3_000);
    assert.equal(stage.wire.sent.length, 1);
    await stage.committer.close();
  });

  it('has one request in flight', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    await stage.world.advance(1_000);
    stage.committer.note(0, 6);
    void stage.committer.written(0);
    await stage.world.advance(5_000);
    assert.equal(stage.wire.sent.length, 1);
    (await stage.last()).answer(KAFKA.NONE);
    await stage.world.advance(100);
    assert.deepEqual((await stage.last()).offsets, { 0: 6 });
    await stage.committer.close();
  });

  for (const code of [KAFKA.ILLEGAL_GENERATION, KAFKA.REBALANCE_IN_PROGRESS]) {
    it(`O2 keeps what was refused with ${code} and sends it under the next generation`, async () => {
      const stage = new Stage();
      stage.committer.open(0);
      stage.committer.note(0, 5);
      await stage.world.advance(1_000);
      (await stage.last()).answer(code);
      stage.identity = null;
      await stage.world.advance(5_000);
      assert.equal(stage.wire.sent.length, 1, 'not while joining');
      stage.identity = { memberId: 'me', generation: 5 };
      await stage.world.advance(1_000);
      assert.deepEqual((await stage.last()).identity, { memberId: 'me', generation: 5 });
      assert.deepEqual((await stage.last()).offsets, { 0: 5 });
      assert.deepEqual([stage.unknown, stage.proofs], [[], []]);
      await stage.committer.close();
    });
  }

  it('a lost answer is an unknown outcome: the watermark as it is now is sent again, to a coordinator found anew', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    await stage.world.advance(1_000);
    stage.committer.note(0, 9);
    (await stage.last()).lose();
    await stage.world.advance(1_200);
    assert.deepEqual((await stage.last()).offsets, { 0: 9 });
    assert.equal(stage.wire.forgotten, 1);
    assert.equal(stage.troubles.at(-1)?.code, 'SB-3001');
    (await stage.last()).answer(KAFKA.NONE);
    await stage.world.settle();
    assert.equal(stage.troubles.at(-1), null);
    await stage.committer.close();
  });

  it('the coordinator moved: found again and sent again', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    await stage.world.advance(1_000);
    (await stage.last()).answer(KAFKA.NOT_COORDINATOR);
    await stage.world.advance(1_200);
    assert.equal(stage.wire.forgotten, 1);
    assert.equal(stage.wire.sent.length, 2);
    await stage.committer.close();
  });

  it('UNKNOWN_MEMBER_ID is told with the id it was sent under', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    await stage.world.advance(1_000);
    (await stage.last()).answer(KAFKA.UNKNOWN_MEMBER_ID);
    await stage.world.settle();
    assert.deepEqual(stage.unknown, ['me']);
    await stage.committer.close();
  });

  it('written() sends at once, tries on while refused, and resolves with the answer', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    await stage.committer.written(0);
    stage.committer.note(0, 5);
    let written = false;
    const waiting = stage.committer.written(0).then(() => {
      written = true;
    });
    (await stage.last()).answer(KAFKA.REBALANCE_IN_PROGRESS);
    await stage.world.advance(60);
    assert.equal(stage.wire.sent.length, 2);
    assert.equal(written, false);
    (await stage.last()).answer(KAFKA.NONE);
    await waiting;
    await stage.committer.close();
  });

  it('O3 a forgotten partition is never written, and who waits for it is let go', async () => {
    const stage = new Stage();
    stage.committer.open(0);
    stage.committer.note(0, 5);
    await stage.world.advance(1_000);
    const stale = await stage.last();
    const waiting = stage.committer.written(0);
    stage.committer.forget(0);
    await waiting;
    stage.committer.note(0, 8);
    stage.committer.open(0);
    stage.committer.note(0, 2);
    stale.answer(KAFKA.NONE);
    await stage.world.advance(1_000);
    assert.deepEqual((await stage.last()).offsets, { 0: 2 }, 'the answer was not about the new lease');
    await stage.committer.close();
  });

  it('group offsets: asks again while unstable, unknown or unreachable, until nobody wants them', async () => {
    const stage = new Stage();
    stage.wire.fetches.push(
      new Map([[0, { errorCode: KAFKA.UNSTABLE_OFFSET_COMMIT, offset: null }]]),
      new Map([[0, { errorCode: KAFKA.COORDINATOR_LOAD_IN_PROGRESS, offset: null }]]),
      new Map([[0, { errorCode: KAFKA.NONE, offset: 12, metadata: 'kept' }]]),
    );
    const found = stage.committer.groupOffsets([0, 1], () => true);
    await stage.world.advance(1_000);
    assert.deepEqual(
      await found,
      new Map([
        [0, { offset: 12, metadata: 'kept' }],
        [1, { offset: null, metadata: '' }],
      ]),
    );
    assert.equal(stage.wire.forgotten, 1);
    let wanted = true;
    const given = stage.committer.groupOffsets([0], () => wanted);
    await stage.world.advance(3_000);
    wanted = false;
    await stage.world.advance(10_000);
    assert.equal(await given, null);
    await stage.committer.close();
  });
});
