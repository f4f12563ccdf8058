import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Lane, Lanes } from './lanes.ts';

interface Item {
  readonly key: string;
  /** From 1, in the order pushed. */
  readonly nth: number;
}

const item = (key: string, nth: number): Item => ({ key, nth });
const lanesOf = (concurrency: number): Lanes<Item> => new Lanes<Item>({ concurrencyOf: () => concurrency });
const broken = { code: 'SB-5006' };

/** The naive model: what the header of lanes.ts says, with plain arrays. Also checks order and bounds itself. */
class Model {
  readonly lanes = new Map<string, ModelLane>();
  readonly pushed = new Map<string, number>();
  readonly accounted = new Map<string, number>();

  push(key: string): Item {
    const nth = (this.pushed.get(key) ?? 0) + 1;
    this.pushed.set(key, nth);
    this.open(key).line.push(nth);
    return item(key, nth);
  }

  open(key: string): ModelLane {
    const lane = this.lanes.get(key) ?? { page: [], away: [], line: [], slots: new Map() };
    this.lanes.set(key, lane);
    return lane;
  }

  /** The slot the next item of the lane would get, or null. */
  nextSlot(key: string, concurrency: number, ending: number | null): number | null {
    const lane = this.lanes.get(key);
    if (lane === undefined || headOf(lane) === null) return null;
    if ([...lane.slots.values()].some((slot) => slot.beginning)) return null;
    if ([...lane.slots.keys()].some((slot) => slot > concurrency)) return null;
    if (ending !== null) return ending;
    for (let slot = 1; slot <= concurrency; slot++) if (!lane.slots.has(slot)) return slot;
    return null;
  }

  take(key: string, slot: number): number {
    const lane = this.open(key);
    const parked = lane.page.length > 0;
    const nth = (parked ? lane.page : lane.line).shift() ?? -1;
    lane.slots.set(slot, { nth, beginning: true, parked });
    const left = [...lane.page, ...lane.away, ...lane.line];
    assert.ok(nth > (this.accounted.get(key) ?? 0), 'items are taken in the order pushed');
    assert.ok(
      left.every((other) => other > nth),
      'nothing that came before is left behind',
    );
    return nth;
  }

  account(key: string, nth: number): void {
    this.accounted.set(key, nth);
  }

  beginning(key: string): { slot: number; nth: number; parked: boolean } | null {
    for (const [slot, { nth, beginning, parked }] of this.lanes.get(key)?.slots ?? []) {
      if (beginning) return { slot, nth, parked };
    }
    return null;
  }

  holders(key: string): number[] {
    return [...(this.lanes.get(key)?.slots ?? [])].filter(([, s]) => !s.beginning).map(([slot]) => slot);
  }

  free(key: string, slot: number): void {
    const lane = this.open(key);
    lane.slots.delete(slot);
    this.dropIdle(key);
  }

  dropIdle(key: string): void {
    const { slots, page, away, line } = this.open(key);
    if (slots.size + page.length + away.length + line.length === 0) this.lanes.delete(key);
  }
}

interface ModelLane {
  /** Parked items that were brought back, those that were not, and the line: one after the other. */
  readonly page: number[];
  readonly away: number[];
  readonly line: number[];
  readonly slots: Map<number, { readonly nth: number; beginning: boolean; parked: boolean }>;
}

function headOf({ page, away, line }: ModelLane): number | null {
  return page[0] ?? (away.length > 0 ? null : (line[0] ?? null));
}

/** Lanes and model driven side by side: each operation is done on both, and both must look alike after it. */
class Pair {
  readonly model = new Model();
  readonly concurrency: Map<string, number>;
  readonly lanes: Lanes<Item>;
  readonly parks: boolean;

  constructor(concurrency: ReadonlyMap<string, number>, parks: boolean) {
    this.parks = parks;
    this.concurrency = new Map(concurrency);
    this.lanes = new Lanes<Item>({ concurrencyOf: (key) => this.limit(key) });
  }

  limit(key: string): number {
    return this.concurrency.get(key) ?? 1;
  }

  lane(key: string): Lane<Item> {
    const lane = this.lanes.get(key);
    assert.ok(lane, `lane ${key} exists`);
    return lane;
  }

  /** Every operation that is legal now, by name. */
  moves(itemsMax: number, withLimits: boolean): string[] {
    const moves: string[] = [];
    for (const key of this.concurrency.keys()) {
      if ((this.model.pushed.get(key) ?? 0) < itemsMax) moves.push(`push ${key}`);
      if (withLimits) moves.push(`limit ${key}`);
      if (!this.model.lanes.has(key)) continue;
      moves.push(`take ${key}`);
      if (this.model.beginning(key) !== null) moves.push(`began ${key}`, `putBack ${key}`, `skip ${key}`);
      for (const slot of this.model.holders(key)) {
        moves.push(`release ${key} ${slot}`, `takeInto ${key} ${slot}`);
      }
      if (this.parks) moves.push(...this.#parkingMoves(key));
    }
    return moves;
  }

  #parkingMoves(key: string): string[] {
    const { page, away, line } = this.model.open(key);
    const mayPark = line.length > 0 && this.model.beginning(key)?.parked !== false;
    assert.equal(this.lanes.mayPark(this.lane(key)), mayPark);
    return [
      ...(mayPark ? [`park ${key} 1`, `park ${key} 9`] : []),
      ...(away.length > 0 ? [`unpark ${key}`, `dropParked ${key}`] : []),
      ...(page.length > 0 ? [`dropPaged ${key}`] : []),
    ];
  }

  apply(move: string): void {
    const [verb = '', key = '', slotText = '0'] = move.split(' ');
    const slot = Number(slotText);
    if (verb === 'push') this.lanes.push(key, this.model.push(key));
    else if (verb === 'limit') this.concurrency.set(key, this.limit(key) === 2 ? 1 : 2);
    else if (verb === 'occupy') this.#occupy(key, slot);
    else if (verb === 'take') this.#take(key);
    else if (verb === 'takeInto') this.#takeInto(key, slot);
    else if (verb === 'release') this.#release(key, slot);
    else if (verb.endsWith('ark') || verb.endsWith('ked') || verb.endsWith('ged'))
      this.#park(verb, key, slot);
    else this.#end(verb, key);
    this.check();
  }

  #occupy(key: string, slot: number): void {
    this.lanes.occupy(key, slot);
    this.model.open(key).slots.set(slot, { nth: 0, beginning: false, parked: false });
  }

  #take(key: string): void {
    const slot = this.model.nextSlot(key, this.limit(key), null);
    const taken = this.lanes.take(this.lane(key));
    if (slot === null) assert.equal(taken, null);
    else assert.deepEqual(taken, { slot, item: item(key, this.model.take(key, slot)) });
    const used = this.model.lanes.get(key)?.slots.size ?? 0;
    if (taken !== null) assert.ok(used <= this.limit(key), 'never more than the concurrency');
  }

  #takeInto(key: string, slot: number): void {
    const into = this.model.nextSlot(key, this.limit(key), slot);
    const taken = this.lanes.takeInto(this.lane(key), slot);
    if (into === null) assert.equal(taken, null);
    else assert.deepEqual(taken, item(key, this.model.take(key, into)));
  }

  #park(verb: string, key: string, max: number): void {
    const lane = this.lane(key);
    const { page, away, line } = this.model.open(key);
    if (verb === 'park') {
      const parked = line.splice(0, max);
      away.push(...parked);
      assert.deepEqual(
        this.lanes.park(lane, max),
        parked.map((nth) => item(key, nth)),
      );
    } else if (verb === 'unpark') {
      const nth = away.shift() ?? -1;
      page.push(nth);
      this.lanes.unpark(lane, [item(key, nth)]);
    } else if (verb === 'dropParked') {
      away.pop();
      this.lanes.dropParked(lane, 1);
      this.model.dropIdle(key);
    } else {
      const nth = page.pop();
      assert.ok(this.lanes.dropPaged(lane, (other) => other.nth === nth));
      this.model.dropIdle(key);
    }
  }

  #release(key: string, slot: number): void {
    this.lanes.release(this.lane(key), slot);
    this.model.free(key, slot);
  }

  /** began, putBack or skip of what is beginning. */
  #end(verb: string, key: string): void {
    const begun = this.model.beginning(key);
    assert.ok(begun);
    const { slot, nth, parked } = begun;
    if (verb === 'began') {
      this.lanes.began(this.lane(key), slot);
      this.model.open(key).slots.set(slot, { nth, beginning: false, parked });
      this.model.account(key, nth);
    } else if (verb === 'putBack') {
      this.lanes.putBack(this.lane(key), slot);
      const { page, line } = this.model.open(key);
      (parked ? page : line).unshift(nth);
      this.model.free(key, slot);
    } else {
      assert.equal(verb, 'skip');
      this.lanes.skip(this.lane(key), slot);
      this.model.free(key, slot);
      this.model.account(key, nth);
    }
  }

  check(): void {
    let waiting = 0;
    let parked = 0;
    let holding = 0;
    for (const [key, expected] of this.model.lanes) {
      const lane = this.lane(key);
      assert.equal(lane.key, key);
      assert.equal(lane.waiting, expected.line.length);
      assert.equal(lane.parked, expected.page.length + expected.away.length);
      assert.equal(lane.paged, expected.page.length);
      assert.equal(lane.holding, expected.slots.size);
      const begun = this.model.beginning(key);
      assert.equal(lane.beginning, begun?.slot ?? null);
      assert.deepEqual(lane.beginningItem, begun === null ? null : item(key, begun.nth));
      const first = headOf(expected);
      assert.deepEqual(lane.head, first === null ? null : item(key, first));
      const [firstInLine] = expected.line;
      assert.deepEqual(lane.lineHead, firstInLine === undefined ? null : item(key, firstInLine));
      waiting += lane.waiting;
      parked += lane.parked;
      holding += lane.holding;
    }
    assert.equal(this.lanes.size, this.model.lanes.size, 'idle lanes are dropped');
    assert.equal(this.lanes.waiting, waiting);
    assert.equal(this.lanes.parked, parked);
    assert.equal(this.lanes.holding, holding);
    assert.deepEqual(
      [...this.lanes.values()].map((lane) => lane.key),
      [...this.model.lanes.keys()],
    );
  }

  /** All that decides what can happen from here on. */
  signature(): string {
    const { lanes, pushed, accounted } = this.model;
    const slots = [...lanes].map(([key, { page, away, line, slots: used }]) => [
      key,
      page,
      away,
      line,
      [...used].sort(),
    ]);
    return JSON.stringify([slots, [...pushed].sort(), [...accounted].sort(), [...this.concurrency]]);
  }
}

/** Walks every order of operations, visiting each state once. Gives back how many states and moves there were. */
function explore(options: {
  readonly concurrency: ReadonlyMap<string, number>;
  readonly items: number;
  readonly withLimits: boolean;
  readonly parks?: boolean;
  readonly first: readonly string[];
}): { states: number; moves: number } {
  const replay = (path: readonly string[]): Pair => {
    const pair = new Pair(options.concurrency, options.parks ?? false);
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
        const pair = new Pair(
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
