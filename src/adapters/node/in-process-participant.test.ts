import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { participantConformance } from '../../conformance/participant.ts';
import type { Misbehaviour, ParticipantFixture } from '../../conformance/participant-fixture.ts';
import type { JsonObject } from '../../core/answer.ts';
import type { StepCall } from '../../engine/ports.ts';
import { Register } from '../../site/register.ts';
import { type InProcessFunctions, InProcessParticipant, type StepAnswer } from './in-process-participant.ts';
import { realWorld } from './world.ts';

/** Functions of grade G3 whose memory is the process: durable enough for a machine that dies with it. */
class Machine implements InProcessFunctions {
  readonly capabilities = { replay: true, fence: true };
  readonly effects = new Map<string, number>();
  answerWith: 'plain' | 'refused' | 'retry' = 'plain';
  readonly #register = new Register();
  readonly #held = new Map<string, PromiseWithResolvers<void>>();

  readonly execute = (call: StepCall) => this.#call('execute', call);
  readonly status = (call: StepCall) => this.#call('status', call);
  readonly reverse = (call: StepCall) => this.#call('reverse', call);

  hold(location: string): void {
    this.#held.set(location, Promise.withResolvers());
  }

  release(location: string): void {
    this.#held.get(location)?.resolve();
    this.#held.delete(location);
  }

  #call(kind: 'execute' | 'status' | 'reverse', call: StepCall): StepAnswer | Promise<StepAnswer> {
    const { key, location, slot } = call;
    const decision = this.#register.ask({ kind, key, location, slot, token: BigInt(call.token) });
    switch (decision.act) {
      case 'fence':
        return { outcome: 'stale', mark: String(decision.mark) };
      case 'answer':
        return decision.answer;
      case 'undo':
        this.#register.undo(key);
        this.#register.reversed(key);
        return { outcome: 'reversed' };
      case 'tombstone':
        this.#register.reversed(key);
        return { outcome: 'reversed' };
      case 'execute':
        return this.#execute(call);
    }
  }

  #execute({ key, location, notAfterMs }: StepCall): StepAnswer | Promise<StepAnswer> {
    if (this.answerWith === 'retry' || Date.now() > notAfterMs)
      return { outcome: 'retry', reason: 'not now' };
    if (this.answerWith === 'refused') {
      this.#register.refuse(key, 'no');
      return { outcome: 'refused', reason: 'no' };
    }
    const evidence: JsonObject = { receipt: key };
    this.#register.start(key);
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
    const end = (): StepAnswer => {
      this.#register.end(key, evidence);
      return { outcome: 'done', evidence };
    };
    const held = this.#held.get(location);
    return held === undefined ? end() : held.promise.then(end);
  }
}

const never = () => new Promise<StepAnswer>(() => undefined);
const same = (run: () => unknown): InProcessFunctions => {
  const step = run as () => StepAnswer;
  return { execute: step, status: step, reverse: step };
};

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  misbehaviour('throws', 'SB-4108', () => {
    throw new Error('jammed');
  }),
  misbehaviour('throws what is not an Error', 'SB-4108', () => {
    throw Object.create(null);
  }),
  misbehaviour('rejects', 'SB-4108', () => Promise.reject(new Error('jammed'))),
  misbehaviour('has a then that throws', 'SB-4108', () => ({
    // biome-ignore lint/suspicious/noThenProperty: the hostile value under test
    then: () => {
      throw new Error('jammed');
    },
  })),
  misbehaviour('never answers', 'SB-4101', never),
  misbehaviour('answers nothing', 'SB-4104', () => undefined),
  misbehaviour('answers a word of its own, later', 'SB-4104', () => Promise.resolve({ outcome: 'fine' })),
  misbehaviour('answers evidence that cannot be stored', 'SB-4104', () => ({
    outcome: 'done',
    evidence: { amount: 5n },
  })),
];

function misbehaviour(what: string, code: Misbehaviour['code'], run: () => unknown): Misbehaviour {
  return {
    what,
    code,
    requests: 1,
    open: async () => {
      let requests = 0;
      const counted = () => {
        requests += 1;
        return run();
      };
      const participant = new InProcessParticipant(realWorld(), same(counted));
      return { participant, requests: () => requests, close: () => participant.close() };
    },
  };
}

async function makeFixture(): Promise<ParticipantFixture> {
  const machine = new Machine();
  return {
    participant: new InProcessParticipant(realWorld(), machine),
    type: 'withdraw',
    data: { amount: 5_000, currency: 'EUR' },
    hold: async (location) => machine.hold(location),
    release: async (location) => machine.release(location),
    answerWith: async (what) => {
      machine.answerWith = what;
    },
    effects: async (key) => machine.effects.get(key) ?? 0,
    misbehaviours: MISBEHAVIOURS,
    close: async () => undefined,
  };
}

participantConformance('in-process', makeFixture);

function callWith(over: Partial<StepCall> = {}): StepCall {
  return {
    key: 'a:apply',
    transaction: 'a',
    type: 'withdraw',
    step: 'apply',
    location: 'x',
    slot: 1,
    token: '1',
    data: {},
    evidence: {},
    notAfterMs: Number.MAX_SAFE_INTEGER,
    timeoutMs: 1_000,
    traceparent: null,
    signal: new AbortController().signal,
    ...over,
  };
}

describe('InProcessParticipant', () => {
  it('answers at once, without timer or promise, when the function does', () => {
    const world = {
      ...realWorld(),
      after: () => {
        throw new Error('a timer');
      },
    };
    const participant = new InProcessParticipant(world, {
      execute: () => ({ outcome: 'done', evidence: {} }),
    });
    assert.deepEqual(participant.execute(callWith()), { outcome: 'done', evidence: {} });
  });

  it('cancels its timer and lets go of the signal when the promise is in time', async () => {
    const timers: string[] = [];
    const world = { ...realWorld(), after: () => ({ cancel: () => timers.push('cancelled') }) };
    const control = new AbortController();
    const execute = async (): Promise<StepAnswer> => ({ outcome: 'pending' });
    const answer = await new InProcessParticipant(world, { execute }).execute(
      callWith({ signal: control.signal }),
    );
    control.abort();
    assert.deepEqual(answer, { outcome: 'pending' });
    assert.deepEqual(timers, ['cancelled']);
  });

  it('swallows a rejection that comes after the time-out', async () => {
    const late = Promise.withResolvers<StepAnswer>();
    const participant = new InProcessParticipant(realWorld(), { execute: () => late.promise });
    const answer = await participant.execute(callWith({ timeoutMs: 5 }));
    assert.equal(answer.outcome === 'unknown' && answer.code, 'SB-4101');
    const heard: unknown[] = [];
    const hear = (reason: unknown) => heard.push(reason);
    process.on('unhandledRejection', hear);
    late.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', hear);
    assert.deepEqual(heard, []);
  });

  it('claims no grade that was not declared', async () => {
    const step = (): StepAnswer => ({ outcome: 'pending' });
    const gradeOf = async (functions: InProcessFunctions) =>
      (await new InProcessParticipant(realWorld(), functions).capabilities()).grade;
    const both = { replay: true, fence: true };
    assert.equal(await gradeOf({ execute: step }), 'G0');
    assert.equal(await gradeOf({ execute: step, status: step }), 'G1');
    assert.equal(await gradeOf({ execute: step, capabilities: { replay: true } }), 'G2');
    assert.equal(await gradeOf({ execute: step, capabilities: both }), 'G2');
    assert.equal(await gradeOf({ execute: step, status: step, capabilities: { fence: true } }), 'G1');
    assert.equal(await gradeOf({ execute: step, status: step, capabilities: both }), 'G3');
  });

  it('knows no status without the function, and refuses to reverse without it', () => {
    const participant = new InProcessParticipant(realWorld(), { execute: never });
    const status = participant.status(callWith());
    assert.equal('code' in status && status.code, 'SB-4205');
    assert.deepEqual(participant.reverse(callWith()), {
      outcome: 'refused',
      reason: 'the participant has no reverse function',
    });
  });
});
