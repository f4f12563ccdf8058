/** Plans of a user in virtual worlds: a participant that keeps to its grade passes, one that does not is told with its seed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type InProcessOptions,
  type Machine,
  type ReverseAnswer,
  SimulationError,
  type SimulationReport,
  type StepCall,
  type StepFunctions,
  simulate,
} from '../index-testing.ts';

type Recorded = 'started' | 'done' | 'reversed';

interface Durable {
  readonly keys: Map<string, Recorded>;
  readonly marks: Map<string, { readonly token: bigint; readonly key: string }>;
}

const durable = (): Durable => ({ keys: new Map(), marks: new Map() });
const SEEDS = 25;
const types = {
  withdrawal: {
    deadlineMs: 20_000,
    steps: [
      { name: 'reserve', participant: 'bank' },
      { name: 'dispense', participant: 'machine' },
    ],
  },
} as const;

/** A step that records its key with its effect, in what it is given to remember by. */
function keyed(keys: Map<string, Recorded>, machine: Machine): StepFunctions {
  const answerOf = (recorded: Recorded) =>
    recorded === 'done'
      ? ({ outcome: 'done', evidence: {} } as const)
      : ({ outcome: recorded === 'started' ? 'pending' : 'reversed' } as const);
  return {
    execute: async (call) => {
      const recorded = keys.get(call.key);
      if (recorded !== undefined) return answerOf(recorded);
      keys.set(call.key, 'started');
      await machine.effect(call, () => keys.set(call.key, 'done'));
      return answerOf('done');
    },
    reverse: async (call): Promise<ReverseAnswer> => {
      if (keys.get(call.key) === 'started') return { outcome: 'pending' };
      if (keys.get(call.key) === 'done') await machine.undo(call, () => keys.set(call.key, 'reversed'));
      keys.set(call.key, 'reversed');
      return { outcome: 'reversed' };
    },
  };
}

/** Refuses what it can tell from the data, before it does anything. */
function refusing(step: StepFunctions): StepFunctions {
  return {
    ...step,
    execute: (call) =>
      Number(call.data.cents) % 5 === 0 ? { outcome: 'refused', reason: 'no coins' } : step.execute(call),
  };
}

/** The same with the rules of G3 before it: a mark for each slot, raised by every call. */
function fenced({ keys, marks }: Durable, step: StepFunctions): StepFunctions {
  const stale = ({ location, slot, token, key }: StepCall) => {
    const place = `${location}/${slot}`;
    const known = marks.get(place);
    const number = BigInt(token);
    if (known !== undefined && (number < known.token || (number === known.token && known.key !== key)))
      return { outcome: 'stale', mark: String(known.token) } as const;
    marks.set(place, { token: number, key });
    return null;
  };
  return {
    execute: (call) => stale(call) ?? step.execute(call),
    status: (call) => {
      const mark = stale(call);
      if (mark !== null) return mark;
      const recorded = keys.get(call.key);
      if (recorded === 'done') return { outcome: 'done', evidence: {} };
      if (recorded === undefined) return { outcome: 'never' };
      return { outcome: recorded === 'started' ? 'pending' : 'reversed' };
    },
    reverse: (call) => stale(call) ?? step.reverse?.(call) ?? { outcome: 'refused', reason: 'no reverse' },
  };
}

function run(
  of: (parts: { durable: Durable; machine: Machine }) => StepFunctions,
  capabilities: InProcessOptions['capabilities'] = { replay: true },
): Promise<SimulationReport> {
  return simulate({
    types,
    durable,
    participants: (parts) => ({
      bank: { steps: { reserve: of(parts) }, capabilities },
      machine: { steps: { dispense: refusing(of(parts)) }, capabilities },
    }),
    transaction: (number) => ({ type: 'withdrawal', data: { cents: number } }),
    seeds: SEEDS,
  });
}

async function broken(promise: Promise<unknown>, seenAs: RegExp): Promise<SimulationError> {
  const error = await promise.then(
    () => assert.fail('every world kept its promises'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SimulationError, String(error));
  assert.match(error.message, seenAs);
  return error;
}

describe('a participant that keeps to what it declares', () => {
  it('G2: the key is recorded with the effect', async () => {
    const report = await run(({ durable: { keys }, machine }) => keyed(keys, machine));
    assert.equal(report.worlds, SEEDS);
    assert.ok(report.completed > 300 && report.rolledBack > 60, JSON.stringify(report));
    for (const fault of ['killed', 'stopped', 'rebalanced', 'fenced', 'stuck'])
      assert.ok((report.happened[fault] ?? 0) > 0, `${fault} never happened`);
  });

  it('G3: and older tokens are refused', async () => {
    const report = await run(({ durable: kept, machine }) => fenced(kept, keyed(kept.keys, machine)), {
      replay: true,
      fence: true,
    });
    assert.ok(report.completed > 300 && report.rolledBack > 60, JSON.stringify(report));
  });

  it('G0: nothing is remembered, so a person decides', async () => {
    const once = await simulate({
      types: { stamp: { steps: [{ name: 'stamp' }] } },
      durable: () => null,
      participants: ({ machine }) => ({
        default: {
          steps: {
            stamp: {
              execute: async (call) => {
                await machine.effect(call);
                return { outcome: 'done', evidence: {} };
              },
            },
          },
        },
      }),
      seeds: 10,
      faults: { killsPerSecond: 0.5 },
    });
    assert.ok(once.held > 0 && once.completed > 0, JSON.stringify(once));
  });
});

describe('one that does not is told', () => {
  it('keys in the memory of the process: a kill, and the step acts twice', async () => {
    const forgets = () => run(({ machine }) => keyed(new Map(), machine));
    const error = await broken(forgets(), /^seed \d+: S6 t\d+:(reserve|dispense) happened 2 times/);
    assert.match(error.message, /killed|stopped|SIGKILL|kill/i, 'the story names what befell the worker');
    assert.match(error.message, new RegExp(`firstSeed: ${error.seed}, seeds: 1`));
    assert.ok(error.message.split('\n').length <= 21, error.message);
    const again = await broken(forgets(), /S6/);
    assert.equal(again.message, error.message, 'the same seed is the same world');
  });

  it('a reversal that answers and does nothing: what was rolled back stands', async () => {
    const pretends = run(({ durable: { keys }, machine }) => ({
      ...keyed(keys, machine),
      reverse: () => ({ outcome: 'reversed' }),
    }));
    await broken(pretends, /S7 t\d+ is rolled back, step (reserve|dispense) stands/);
  });

  it('real time in a step', async () => {
    const slow = run(({ machine }) => ({
      execute: async (call) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await machine.effect(call);
        return { outcome: 'done', evidence: {} };
      },
    }));
    await assert.rejects(slow);
  });
});

describe('before anything runs', () => {
  it('a step that no participant has', async () => {
    const wrong = simulate({
      // @ts-expect-error there is no step pya
      types: { sale: { steps: [{ name: 'pya', participant: 'till' }] } },
      durable: () => null,
      participants: () => ({ till: { steps: { pay: { execute: () => ({ outcome: 'pending' }) } } } }),
    });
    await assert.rejects(
      wrong,
      /types\.sale\.steps\.0\.name: found "pya", allowed is one of the steps of till: pay/,
    );
  });

  it('steps without an effect: nothing would be checked', async () => {
    const idle = simulate({
      types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
      durable: () => null,
      participants: () => ({
        till: { steps: { pay: { execute: () => ({ outcome: 'refused', reason: 'closed' }) } } },
      }),
      seeds: 1,
    });
    await assert.rejects(idle, /nothing was checked/);
  });
});
