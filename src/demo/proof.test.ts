import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { World } from '../engine/ports.ts';
import type { Row } from '../engine/ports-ledger.ts';
import { Proof, type ProofState, type SiteFacts } from './proof.ts';

type Known = Pick<Row, 'id' | 'state' | 'beganAtMs' | 'finishedAtMs'>;

function setup(state: ProofState | null = null) {
  const clock = { ms: 1_000_000 };
  const rows = new Map<string, Known>();
  const dead = new Set<string>();
  const fleet = { idle: false };
  const site: SiteFacts = { effects: 0, open: 0, crowded: {}, doubled: 0 };
  const limits: { location: string; concurrency: number | null }[] = [];
  const world = { now: () => clock.ms } as World;
  const proof = new Proof(
    {
      world,
      rows: async (ids) => ids.flatMap((id) => rows.get(id) ?? []),
      deadLetterIds: async () => dead,
      site: async () => ({ ...site }),
      limits: async () => [...limits],
      concurrencyOf: () => 1,
      idleSince: () => fleet.idle,
    },
    state,
  );
  let sequence = 0;
  const produce = (id: string, location = 'A') => {
    sequence += 1;
    proof.produced([{ id, location, sequence, producedAtMs: clock.ms }]);
  };
  const row = (id: string, rowState: Row['state'], tookMs = 400) =>
    rows.set(id, {
      id,
      state: rowState,
      beganAtMs: clock.ms - tookMs,
      finishedAtMs: rowState === 'executing' ? null : clock.ms,
    });
  return { proof, clock, rows, dead, fleet, site, limits, produce, row };
}

describe('Proof', () => {
  it('says nothing was checked before something was', async () => {
    const { proof } = setup();
    await proof.check();
    assert.deepEqual(proof.view(), {
      overlaps: null,
      doubled: null,
      lost: null,
      checkedRecords: 0,
      checkedEffects: 0,
      open: 0,
      p50Ms: null,
      p99Ms: null,
    });
  });

  it('follows each record to its outcome', async () => {
    const { proof, produce, row, site } = setup();
    produce('1');
    produce('2');
    row('1', 'completed');
    row('2', 'executing');
    Object.assign(site, { effects: 1 });
    await proof.check();
    const view = proof.view();
    assert.equal(view.checkedRecords, 1);
    assert.equal(view.open, 1);
    assert.equal(view.lost, 0);
    assert.equal(view.overlaps, 0);
    row('2', 'rolled_back');
    await proof.check();
    assert.equal(proof.view().checkedRecords, 2);
    assert.equal(proof.view().open, 0);
  });

  it('counts a record as lost when a later one of its location was begun without it', async () => {
    const { proof, produce, row } = setup();
    produce('1');
    produce('2');
    produce('other', 'B');
    await proof.check();
    assert.equal(proof.view().lost, null);
    row('2', 'executing');
    await proof.check();
    assert.equal(proof.view().lost, 1);
    row('1', 'completed');
    await proof.check();
    assert.equal(proof.view().lost, 0);
  });

  it('counts a record as lost when nothing is left to do', async () => {
    const { proof, produce, clock, fleet } = setup();
    produce('1');
    fleet.idle = true;
    await proof.check();
    assert.equal(proof.view().lost, null);
    clock.ms += 10_000;
    await proof.check();
    assert.equal(proof.view().lost, 1);
  });

  it('does not call a dead letter lost', async () => {
    const { proof, produce, row, dead } = setup();
    produce('1');
    produce('2');
    row('2', 'completed');
    dead.add('1');
    await proof.check();
    assert.equal(proof.view().lost, 0);
    assert.equal(proof.view().checkedRecords, 2);
  });

  it('shows what the site counted', async () => {
    const { proof, site } = setup();
    Object.assign(site, { effects: 7, crowded: { A: [2] }, doubled: 1 });
    await proof.check();
    assert.equal(proof.view().overlaps, 2);
    assert.equal(proof.view().doubled, 1);
    assert.equal(proof.view().checkedEffects, 7);
  });

  it('counts as overlaps what began above the highest limit that an operator ever set', async () => {
    const { proof, site, limits } = setup();
    Object.assign(site, { effects: 9, crowded: { 'ATM-1': [5, 1], 'ATM-2': [3] } });
    limits.push({ location: 'ATM-1', concurrency: 2 }, { location: 'ATM-*', concurrency: null });
    await proof.check();
    assert.equal(proof.view().overlaps, 4);
    limits.splice(0, 2, { location: 'ATM-*', concurrency: 3 });
    await proof.check();
    assert.equal(proof.view().overlaps, 0);
    limits.length = 0;
    const after = setup(JSON.parse(JSON.stringify(proof.state())));
    Object.assign(after.site, site);
    await after.proof.check();
    assert.equal(after.proof.view().overlaps, 0, 'what they began under stays allowed');
  });

  it('goes on with the open records of the last start', async () => {
    const before = setup();
    before.produce('1');
    before.produce('2');
    before.row('1', 'completed');
    await before.proof.check();
    const state = JSON.parse(JSON.stringify(before.proof.state()));
    const after = setup(state);
    assert.equal(after.proof.sequence, 2);
    assert.equal(after.proof.view().open, 1);
    after.row('2', 'completed');
    await after.proof.check();
    assert.equal(after.proof.view().checkedRecords, 2);
  });

  it('measures time to outcome over the last minute, from enough cases', async () => {
    const { proof, produce, row, clock } = setup();
    for (let index = 1; index <= 100; index += 1) {
      produce(`${index}`);
      row(`${index}`, 'completed', index * 10);
    }
    await proof.check();
    assert.equal(proof.view().p50Ms, 510);
    assert.equal(proof.view().p99Ms, 1_000);
    clock.ms += 61_000;
    assert.equal(proof.view().p50Ms, null);
  });
});
