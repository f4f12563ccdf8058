import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { POINTS } from '../../src/engine/points.ts';
import { FAULT_KINDS, faultText, makeSchedule, scheduleText } from './schedule.ts';

const settings = (seed: number, over: object = {}) => ({
  seed,
  durationMs: 150_000,
  places: 4,
  armsPerPoint: 2,
  sessionTimeoutMs: 6_000,
  ...over,
});
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe('schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        assert.deepEqual(makeSchedule(settings(seed)), makeSchedule(settings(seed)));
        assert.notDeepEqual(makeSchedule(settings(seed)).faults, makeSchedule(settings(seed + 1)).faults);
      }),
    );
  });

  it('has every kind of fault and every kill point as often as asked, whatever the seed', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: 3, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        (seed, places, times) => {
          const { faults, arms } = makeSchedule(settings(seed, { places, armsPerPoint: times }));
          for (const kind of FAULT_KINDS)
            assert.ok(
              faults.some((fault) => fault.kind === kind),
              kind,
            );
          for (const point of POINTS) {
            assert.equal(arms.filter((arm) => arm.point === point).length, times, point);
          }
          assert.ok(faults.every(({ place }) => place >= 0 && place < places));
        },
      ),
    );
  });

  it('begins calm; the stuck tenth is alone until it is free again; faults stand in order within the time', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 120_000, max: 1_800_000 }), (seed, durationMs) => {
        const { faults, calmMs } = makeSchedule(settings(seed, { durationMs }));
        const [first, second] = faults;
        assert.ok(first !== undefined && second !== undefined);
        assert.equal(first.kind, 'stuck');
        assert.ok(first.atMs >= calmMs && second.atMs >= first.atMs + first.forMs);
        const times = faults.map(({ atMs }) => atMs);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.ok((times.at(-1) ?? 0) < durationMs);
      }),
    );
  });

  it('a long run has faults to its end', () => {
    const { faults } = makeSchedule(settings(7, { durationMs: 1_800_000 }));
    assert.ok(faults.length > 400, `${faults.length} faults`);
    assert.ok((faults.at(-1)?.atMs ?? 0) > 1_700_000);
  });

  it('reads well', () => {
    const fault = { atMs: 12_340, kind: 'slow-site', place: 2, forMs: 2_500, amount: 80 } as const;
    assert.equal(faultText(fault), '12.3 s slow-site (place 2, for 2.5 s, 80 ms late)');
    const restart = { atMs: 0, kind: 'broker-restart', place: 2, forMs: 0, amount: 0 } as const;
    assert.equal(faultText(restart), '0.0 s broker-restart');
    assert.match(
      scheduleText(makeSchedule(settings(1))).join('\n'),
      /seed 1: \d+ faults in 150 s, 34 kill points/,
    );
  });
});
