import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualWorld } from '../../../test/fixtures/virtual-world.ts';
import type { LogListener } from '../../engine/ports.ts';
import { type LeaseFetcher, type LeaseOffsets, Leases } from './leases.ts';

class Stage {
  readonly world = new VirtualWorld();
  readonly heard: string[] = [];
  readonly offsets = Promise.withResolvers<ReadonlyMap<number, number | null>>();
  readonly written = Promise.withResolvers<void>();
  drain: Promise<void> = Promise.resolve();
  readonly leases = new Leases({
    world: this.world,
    fetcher: this.#fetcher(),
    committer: this.#committer(),
    listener: this.#listener(),
  });

  #fetcher(): LeaseFetcher {
    return {
      start: (partition, offset) => void this.heard.push(`fetch ${partition} at ${offset}`),
      pause: (partition) => void this.heard.push(`pause ${partition}`),
      resume: (partition) => void this.heard.push(`resume ${partition}`),
      stop: (partition) => void this.heard.push(`stop ${partition}`),
    };
  }

  #committer(): LeaseOffsets {
    return {
      open: () => undefined,
      forget: (partition) => void this.heard.push(`forget ${partition}`),
      written: (partition) => {
        this.heard.push(`write ${partition}`);
        return this.written.promise;
      },
      groupOffsets: async (_partitions, wanted) => {
        const offsets = await this.offsets.promise;
        if (!wanted() || offsets === null) return null;
        return new Map([...offsets].map(([partition, offset]) => [partition, { offset, metadata: '' }]));
      },
    };
  }

  #listener(): LogListener {
    return {
      assigned: (partition, offset) => void this.heard.push(`assigned ${partition} at ${offset}`),
      records: () => undefined,
      revoked: async (partition, budgetMs) => {
        this.heard.push(`revoked ${partition} in ${budgetMs}`);
        await this.drain;
        this.heard.push(`drained ${partition}`);
      },
      lost: (partition) => void this.heard.push(`lost ${partition}`),
      resumed: () => undefined,
      problem: (error) => void this.heard.push(error.code),
    };
  }

  async announced(...partitions: number[]): Promise<void> {
    this.leases.assigned(partitions);
    this.offsets.resolve(new Map([[0, 10]]));
    await this.world.settle();
    this.heard.length = 0;
  }
}

describe('Leases', () => {
  it('announces with the group offset, and fetches only what is started', async () => {
    const stage = new Stage();
    stage.leases.assigned([0, 1]);
    stage.leases.start(0, 3);
    assert.deepEqual(stage.heard, [], 'not before it is announced');
    stage.offsets.resolve(new Map([[0, 10]]));
    await stage.world.settle();
    assert.deepEqual(stage.heard, ['assigned 0 at 10', 'assigned 1 at null']);
    stage.leases.start(0, 8);
    stage.leases.start(7, 8);
    assert.deepEqual(stage.heard.slice(2), ['fetch 0 at 8']);
  });

  it('D2 stops, drains, writes, ends: in this order', async () => {
    const stage = new Stage();
    await stage.announced(0);
    const drain = Promise.withResolvers<void>();
    stage.drain = drain.promise;
    const done = stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 });
    await stage.world.settle();
    stage.leases.start(0, 5);
    stage.leases.resume(0);
    assert.deepEqual(stage.heard, ['stop 0', 'revoked 0 in 1000']);
    drain.resolve();
    await stage.world.settle();
    assert.deepEqual(stage.heard.slice(2), ['drained 0', 'write 0']);
    stage.written.resolve();
    await done;
    assert.deepEqual(stage.heard.slice(4), ['stop 0', 'forget 0']);
    assert.deepEqual(stage.leases.partitions, []);
  });

  it('goes on when the budget is used up, and when the commit does not come', async () => {
    const stage = new Stage();
    await stage.announced(0);
    stage.drain = new Promise(() => undefined);
    const done = stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 });
    await stage.world.advance(999);
    assert.ok(!stage.heard.includes('write 0'));
    await stage.world.advance(1);
    assert.ok(stage.heard.includes('write 0'));
    await stage.world.advance(500);
    await done;
    assert.deepEqual(stage.leases.partitions, []);
    assert.ok(!stage.heard.includes('lost 0'), 'an overrun is a hand-over, not a loss');
  });

  it('D3 a loss in the middle of a drain ends it at once, without a commit', async () => {
    const stage = new Stage();
    await stage.announced(0);
    stage.drain = new Promise(() => undefined);
    const done = stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 });
    await stage.world.settle();
    stage.leases.lost([0]);
    await done;
    assert.deepEqual(stage.heard, ['stop 0', 'revoked 0 in 1000', 'stop 0', 'forget 0', 'lost 0']);
  });

  it('D1 what was lost before it was announced is never heard of, nor is its late answer', async () => {
    const stage = new Stage();
    stage.leases.assigned([0]);
    stage.leases.lost([0]);
    stage.leases.assigned([0]);
    await stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 });
    stage.offsets.resolve(new Map());
    await stage.world.settle();
    assert.ok(!stage.heard.some((line) => /assigned|lost|revoked/.test(line)), String(stage.heard));
  });

  it('a second revoke of the same lease is the same drain', async () => {
    const stage = new Stage();
    await stage.announced(0);
    stage.written.resolve();
    await Promise.all([
      stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 }),
      stage.leases.revoke([0], { budgetMs: 5, commitMs: 500 }),
    ]);
    assert.equal(stage.heard.filter((line) => line.startsWith('revoked')).length, 1);
  });

  it('a listener that throws in revoked is told of as a defect, and the hand-over goes on', async () => {
    const stage = new Stage();
    await stage.announced(0);
    stage.drain = Promise.reject(new Error('bug'));
    stage.written.resolve();
    await stage.leases.revoke([0], { budgetMs: 1_000, commitMs: 500 });
    assert.ok(stage.heard.includes('SB-5006'));
    assert.deepEqual(stage.leases.partitions, []);
  });
});
