import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Item, item, LanesPair } from '../../test/fixtures/lanes-model.ts';
import { type Lane, Lanes } from './lanes.ts';

const lanesOf = (concurrency: number): Lanes<Item> => new Lanes<Item>({ concurrencyOf: () => concurrency });
const broken = { code: 'SB-5006' };

/** Walks every order of operations, visiting each state once. Gives back how many states and moves there were. */
function explore(options: {
  readonly concurrency: ReadonlyMap<string, number>;
  readonly items: number;
  readonly withLimits: boolean;
  readonly parks?: boolean;
  readonly first: readonly string[];
}): { states: number; moves: number } {
  const replay = (path: readonly string[]): LanesPair => {
    const pair = new LanesPair(options.concurrency, options.parks ?? false);
    for (const move of path) pair.apply(move);
    return pair;
  };
  const seen = new Set([replay(options.first).signature()]);
  const open: (readonly string[])[] = [options.first];
  let moves = 0;
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    for (const move of replay(path).moves(options.items, options.withLimits)) {
      const next = [...path, move];
      const signature = replay(next).signature();
      moves++;
      if (seen.has(signature)) continue;
      seen.add(signature);
      open.push(next);
    }
  }
  return { states: seen.size, moves };
}

for (const concurrency of [1, 2]) {
  test(`every order of operations on 2 keys with 3 items each, concurrency ${concurrency}`, () => {
    const { states, moves } = explore({
      concurrency: new Map([
        ['a', concurrency],
        ['b', concurrency],
      ]),
      items: 3,
      withLimits: false,
      first: [],
    });
    assert.ok(states > 500 && moves > 3000, `${states} states, ${moves} moves`);
  });
}

test('every order of operations while the concurrency is lowered and raised, with a holder above it', () => {
  const { states } = explore({
    concurrency: new Map([['a', 1]]),
    items: 3,
    withLimits: true,
    first: ['occupy a 2'],
  });
  assert.ok(states > 100, `${states} states`);
});

test('every order of operations while items are parked and come back', () => {
  const { states, moves } = explore({
    concurrency: new Map([['a', 1]]),
    items: 5,
    withLimits: false,
    parks: true,
    first: [],
  });
  assert.ok(states > 500 && moves > 2_000, `${states} states, ${moves} moves`);
});

test('any sequence of operations on three keys looks like the naive model', () => {
  const limits = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      limits,
      fc.array(fc.nat(), { maxLength: 400, size: 'max' }),
      ([a = 1, b = 1, c = 1], choices) => {
        const pair = new LanesPair(
          new Map([
            ['a', a],
            ['b', b],
            ['c', c],
          ]),
          true,
        );
        for (const choice of choices) {
          const moves = pair.moves(200, true);
          pair.apply(moves[choice % moves.length] ?? 'push a');
        }
      },
    ),
    { numRuns: 200, seed: 20_251_125 },
  );
});

test('a deep line keeps its order through compaction and putBack', () => {
  const lanes = lanesOf(1);
  const lane = lanes.push('a', item('a', 1));
  for (let nth = 2; nth <= 1000; nth++) lanes.push('a', item('a', nth));
  for (let nth = 1; nth <= 1000; nth++) {
    const taken = lanes.take(lane);
    assert.deepEqual(taken, { slot: 1, item: item('a', nth) });
    if (nth % 7 === 0) {
      lanes.putBack(lane, 1);
      assert.deepEqual(lanes.take(lane), { slot: 1, item: item('a', nth) });
    }
    lanes.skip(lane, 1);
  }
  assert.equal(lanes.size, 0);
});

test('an item put back after its lane had been emptied is the head again', () => {
  const lanes = lanesOf(1);
  const lane = lanes.push('a', item('a', 1));
  lanes.take(lane);
  lanes.push('a', item('a', 2));
  lanes.putBack(lane, 1);
  assert.deepEqual(lane.head, item('a', 1));
  assert.equal(lane.waiting, 2);
});

test('the finish that did not apply: putBack and occupy keep the lane and the slot', () => {
  const lanes = lanesOf(1);
  const lane = lanes.occupy('a', 1);
  lanes.push('a', item('a', 1));
  const taken = lanes.takeInto(lane, 1);
  assert.ok(taken);
  lanes.putBack(lane, 1);
  lanes.occupy('a', 1);
  assert.equal(lanes.get('a'), lane);
  assert.equal(lanes.take(lane), null);
  lanes.release(lane, 1);
  assert.deepEqual(lanes.take(lane), { slot: 1, item: item('a', 1) });
});

test('concurrency 0 takes nothing', () => {
  const lanes = lanesOf(0);
  assert.equal(lanes.take(lanes.push('a', item('a', 1))), null);
});

test('misuse is an assertion', async (t) => {
  const held = (): { lanes: Lanes<Item>; lane: Lane<Item> } => {
    const lanes = lanesOf(1);
    return { lanes, lane: lanes.occupy('a', 1) };
  };
  const cases: Record<string, () => void> = {
    'a slot occupied twice': () => held().lanes.occupy('a', 1),
    'no slot': () => lanesOf(1).occupy('a', 0),
    'a slot beyond the highest': () => lanesOf(1).occupy('a', 10_001),
    'release of a free slot': () => {
      const { lanes, lane } = held();
      lanes.release(lane, 2);
    },
    'release of what is beginning': () => {
      const lanes = lanesOf(1);
      const lane = lanes.push('a', item('a', 1));
      lanes.take(lane);
      lanes.release(lane, 1);
    },
    'began of a holder': () => {
      const { lanes, lane } = held();
      lanes.began(lane, 1);
    },
    'skip of a holder': () => {
      const { lanes, lane } = held();
      lanes.skip(lane, 1);
    },
    'putBack of a holder': () => {
      const { lanes, lane } = held();
      lanes.putBack(lane, 1);
    },
    'takeInto a free slot': () => {
      const { lanes, lane } = held();
      lanes.takeInto(lane, 2);
    },
    'more brought back than were parked': () => {
      const { lanes, lane } = held();
      lanes.unpark(lane, [item('a', 1)]);
    },
    'parked while an item of the line is beginning': () => {
      const lanes = lanesOf(1);
      lanes.push('a', item('a', 1));
      const lane = lanes.push('a', item('a', 2));
      lanes.take(lane);
      lanes.park(lane, 1);
    },
    'more gone than are parked': () => {
      const lanes = lanesOf(1);
      const lane = lanes.foundParked('a', 1);
      lanes.unpark(lane, [item('a', 1)]);
      lanes.dropParked(lane, 1);
    },
    'a lane that was dropped': () => {
      const { lanes, lane } = held();
      lanes.release(lane, 1);
      lanes.take(lane);
    },
    'a lane that was dropped and made anew': () => {
      const { lanes, lane } = held();
      lanes.release(lane, 1);
      lanes.push('a', item('a', 1));
      lanes.take(lane);
    },
    'a lane of other Lanes': () => {
      lanesOf(1).take(held().lane);
    },
    'a concurrency that is none': () => {
      const lanes = lanesOf(1.5);
      lanes.take(lanes.push('a', item('a', 1)));
    },
  };
  for (const [name, run] of Object.entries(cases)) {
    await t.test(name, () => assert.throws(run, broken));
  }
});

test('lanes may be dropped and made while values() is walked', () => {
  const lanes = lanesOf(1);
  for (const key of ['a', 'b', 'c']) lanes.push(key, item(key, 1));
  const seen: string[] = [];
  for (const lane of lanes.values()) {
    seen.push(lane.key);
    const taken = lanes.take(lane);
    if (taken !== null) lanes.skip(lane, taken.slot);
  }
  assert.deepEqual(seen, ['a', 'b', 'c']);
  assert.equal(lanes.size, 0);
});
