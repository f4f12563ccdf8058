/** What the bench of peers judges with: datasets that are the same each time, counts that cannot miss a fault, tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge } from '../../bench/peers/crash.ts';
import { make, recordValue, shapeOf } from '../../bench/peers/dataset.ts';
import type { Job } from '../../bench/peers/job.ts';
import type { Run } from '../../bench/peers/measure.ts';
import { measuredPart } from '../../bench/peers/render.ts';
import { newSession, type Session } from '../../bench/peers/results.ts';
import { tables } from '../../bench/peers/tables.ts';
import { type Fields, Tracker } from '../../bench/peers/tracker.ts';
import { work } from '../../bench/peers/works.ts';

const UNIFORM = { records: 5_000, locations: 200, distribution: 'uniform' } as const;

describe('datasets', () => {
  it('are the same each time, in order within a location, 200 bytes each', () => {
    const one = [...make(UNIFORM)];
    assert.deepEqual([...make(UNIFORM)], one);
    const next = new Map<string, number>();
    for (const [number, made] of one.entries()) {
      assert.equal(made.sequence, next.get(made.location) ?? 0);
      next.set(made.location, made.sequence + 1);
      const value = recordValue(number, made, 1_764_000_000_000_000);
      assert.equal(value.length, 200);
      assert.equal(Tracker.parse(value).location, made.location);
    }
  });

  it('know their hottest location and where each begins', () => {
    const shape = shapeOf(UNIFORM, 5_000);
    const counts = Map.groupBy(make(UNIFORM), ({ location }) => location);
    assert.equal(shape.hottest, Math.max(...[...counts.values()].map((all) => all.length)));
    assert.equal(shape.of('L0007'), counts.get('L0007')?.length);
    const { partition, offset } = shape.firstOf('L0007');
    assert.ok(partition >= 0 && partition < 8 && offset >= 0);
    assert.equal(shape.of('L9999'), 0);
  });

  it('of Zipf give the first location its share', () => {
    const { dataset } = work('W3');
    const shape = shapeOf(dataset, dataset.records);
    let harmonic = 0;
    for (let rank = 1; rank <= dataset.locations; rank += 1) harmonic += 1 / rank;
    const expected = dataset.records / harmonic;
    assert.ok(Math.abs(shape.of('L0000') - expected) < 0.1 * expected, `${shape.of('L0000')} of ${expected}`);
  });
});

describe('the tracker', () => {
  const fields = (number: number, sequence: number, location = 'L0001'): Fields => ({
    number,
    location,
    sequence,
    amount: 1,
    ts: 0,
  });
  const tracker = (): Tracker => new Tracker({ records: 4, expected: 4, warmUp: 0, doneLog: null } as Job);

  it('counts nothing when all is well', () => {
    const all = tracker();
    for (const number of [0, 1, 2, 3]) {
      all.start(fields(number, number));
      all.end(fields(number, number));
    }
    const { done, complete, doubled, outOfOrder, overlapping, inFlightMax } = all.result();
    assert.deepEqual(
      { done, complete, doubled, outOfOrder, overlapping, inFlightMax },
      { done: 4, complete: true, doubled: 0, outOfOrder: 0, overlapping: 0, inFlightMax: 1 },
    );
  });

  it('counts two of a location at once, one done again, and one out of order', () => {
    const overlap = tracker();
    overlap.start(fields(0, 0));
    overlap.start(fields(1, 1));
    assert.equal(overlap.result().overlapping, 1);
    const twice = tracker();
    for (let time = 0; time < 2; time += 1) {
      twice.start(fields(0, 0));
      twice.end(fields(0, 0));
    }
    assert.deepEqual([twice.result().doubled, twice.result().done], [1, 1]);
    const order = tracker();
    order.start(fields(1, 1));
    assert.equal(order.result().outOfOrder, 1);
  });

  it('is not complete while one is missing', () => {
    const all = tracker();
    all.start(fields(0, 0));
    all.end(fields(0, 0));
    assert.equal(all.result().complete, false);
  });
});

it('a crash is judged by what was done: lost, twice, out of order', () => {
  assert.deepEqual(judge(['0 1 0', '1 1 1', '2 2 0'], 3), { lost: 0, doneTwice: 0, outOfOrder: 0 });
  assert.deepEqual(judge(['1 1 1', '0 1 0', '0 1 0'], 3), { lost: 1, doneTwice: 1, outOfOrder: 1 });
});

describe('tables', () => {
  const run = (peer: string, perSecond: number, missing = 0): Run => ({
    peer,
    work: 'W1',
    records: 100,
    at: '',
    load: 0,
    missing,
    committed: 100,
    result: {
      done: 100 - missing,
      complete: missing === 0,
      ms: 1,
      perSecond,
      cpuSeconds: 1,
      rssMb: 1,
      doubled: 0,
      outOfOrder: 0,
      overlapping: 0,
      inFlightMax: 1,
      p50Ms: 1,
      p99Ms: 1,
      maxMs: 1,
    },
  });
  const session = (runs: readonly Run[], peers: Session['peers'] = {}): Session => ({
    ...newSession(3, 1),
    runs: [...runs],
    peers,
  });

  it('hold medians and the ratio to Signalbox', () => {
    const runs = [100, 300, 200].map((rate) => run('signalbox-consumer', rate));
    const [table] = tables([session([...runs, run('naive-map', 50)])]);
    assert.deepEqual(
      table?.rows.map((row) => [row[3], row[4]]),
      [
        ['200 [100 to 300]', '1.00'],
        ['50', '0.25'],
      ],
    );
  });

  it('show a peer that is missing, one that stalled, and who leads', () => {
    const runs = [run('signalbox-consumer', 100), run('naive-map', 200), run('kafkajs-each-batch', 10, 5)];
    const missing = { 'aiokafka-semaphore': { settings: '', missing: 'no Python' } };
    const sessions = [session(runs, missing)];
    const text = measuredPart(sessions, tables(sessions));
    assert.match(text, /aiokafka, a semaphore a location \| missing: no Python/);
    assert.match(text, /kafkajs, eachBatch \| 100 \| 1 \| stalled .* 5 \/ 0 \/ 0 \/ 0/);
    assert.match(text, /W1: \*\*Signalbox does not lead\*\*: it has 0\.50 times what naive map/);
  });
});
