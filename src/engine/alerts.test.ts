import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLEET } from '../../test/fixtures/api-fakes.ts';
import { alertsOf } from './alerts.ts';
import type { AttentionItem } from './ports-lists.ts';
import type { FleetStatus } from './ports-read.ts';

const SETTINGS = { inDoubtMs: 60_000 };
const NOW = Date.parse(FLEET.asOf);

function item(id: string, over: Partial<AttentionItem> = {}): AttentionItem {
  const since = new Date(NOW - 120_000).toISOString();
  const plain = { id, location: `at-${id}`, state: 'held', code: 'SB-4205', step: 'apply', since, behind: 0 };
  return { ...plain, ...over } as AttentionItem;
}

function found(attention: readonly AttentionItem[], fleet: FleetStatus = FLEET) {
  return alertsOf({ fleet, attention, deadLetters: [] }, SETTINGS);
}

const keys = (alerts: ReturnType<typeof found>) => alerts.filter(({ ripe }) => ripe).map(({ key }) => key);

describe('alertsOf', () => {
  it('finds nothing in a fleet that works', () => {
    assert.deepEqual(found([]), []);
  });

  it('tells a location once, by its oldest held transaction', () => {
    const alerts = found([item('a', { location: 'X' }), item('b', { location: 'X' }), item('c')]);
    assert.deepEqual(keys(alerts), ['location.held/X', 'location.held/at-c']);
    assert.equal(alerts[0]?.data.transaction, 'a');
  });

  it('tells a doubt when it lasts, and knows it before', () => {
    const young = new Date(NOW - 59_999).toISOString();
    const alerts = found([
      item('a', { state: 'in_doubt', since: young }),
      item('b', { state: 'in_doubt' }),
      item('c', { state: 'reversing' }),
    ]);
    assert.equal(alerts.length, 3);
    assert.deepEqual(keys(alerts), ['transaction.in_doubt/b', 'transaction.in_doubt/c']);
  });

  it('opens at most a hundred of a kind', () => {
    const alerts = found(Array.from({ length: 140 }, (_, n) => item(`h${n}`)));
    assert.equal(alerts.length, 140);
    assert.equal(keys(alerts).length, 100);
  });

  it('tells open dead letters by code', () => {
    const one = { partitions: [0], firstAt: FLEET.asOf, lastAt: FLEET.asOf, records: 9 };
    const deadLetters = [
      { ...one, code: 'SB-1101', open: 2 },
      { ...one, code: 'SB-1116', open: 0 },
    ] as const;
    const alerts = alertsOf({ fleet: FLEET, attention: [], deadLetters }, SETTINGS);
    assert.deepEqual(keys(alerts), ['dead_letter.open/SB-1101']);
    assert.match(alerts[0]?.data.text ?? '', /^2 dead letters with SB-1101 wait for a person\. /);
  });

  it('tells a worker that fell silent, until it has been replaced; not one that drained', () => {
    const [plain] = FLEET.workers;
    assert.ok(plain !== undefined);
    const silent = (worker: string, ms: number, draining = false) => ({
      ...plain,
      worker,
      alive: false,
      draining,
      partitions: [],
      heartbeatAt: new Date(NOW - ms).toISOString(),
    });
    const workers = [plain, silent('pause', 59_000), silent('lost', 61_000), silent('old', 3_700_000)];
    const fleet = { ...FLEET, workers: [...workers, silent('drained', 61_000, true)] };
    assert.deepEqual(keys(found([], fleet)), ['worker.lost/lost']);
  });

  it('tells partitions that no live worker has', () => {
    const [plain] = FLEET.workers;
    assert.ok(plain !== undefined);
    const fleet = { ...FLEET, workers: [{ ...plain, partitions: [1] }] };
    assert.deepEqual(keys(found([], fleet)), ['partition.unowned/0']);
  });
});
