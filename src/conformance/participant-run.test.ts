/** The rules find every flaw they are there for, and no flaw in a participant that keeps them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InProcessParticipant, type StepAnswer } from '../adapters/node/in-process-participant.ts';
import { realWorld } from '../adapters/node/world.ts';
import type { CallKind } from '../core/answer.ts';
import type { StepCall } from '../engine/ports.ts';
import { type RuleFinding, runParticipantRules } from './participant-run.ts';

type Flaw =
  | 'none'
  | 'tokens as text'
  | 'one mark for all slots'
  | 'status raises no mark'
  | 'replays raise no mark'
  | 'an equal token for anybody'
  | 'stale but acts'
  | 'no mark in stale'
  | 'no tombstone'
  | 'reversed keys act again'
  | 'another receipt each time'
  | 'started after the effect'
  | 'not-after ignored'
  | 'retry for ever'
  | 'throws';

/** As small as a participant can be, with one flaw. */
class Flawed {
  readonly #flaw: Flaw;
  readonly #marks = new Map<number, { token: bigint; key: string }>();
  readonly #done = new Map<string, number>();
  readonly #reversed = new Set<string>();
  readonly #retried = new Set<string>();
  #receipts = 0;

  constructor(flaw: Flaw) {
    this.#flaw = flaw;
  }

  call(kind: CallKind, call: StepCall): StepAnswer | Promise<StepAnswer> {
    const { key, token } = call;
    if (this.#flaw === 'throws') throw new Error('jammed');
    const slot = this.#flaw === 'one mark for all slots' ? 1 : call.slot;
    const mark = this.#marks.get(slot);
    if (mark !== undefined && !this.#passes(call, mark)) {
      if (this.#flaw === 'stale but acts') this.#act(kind, call);
      return { outcome: 'stale', mark: this.#flaw === 'no mark in stale' ? '0' : String(mark.token) };
    }
    const replay = this.#done.has(key) || this.#reversed.has(key);
    const quiet =
      (this.#flaw === 'status raises no mark' && kind === 'status') ||
      (this.#flaw === 'replays raise no mark' && replay);
    if (!quiet) this.#marks.set(slot, { token: BigInt(token), key });
    return this.#act(kind, call);
  }

  #passes({ token, key }: StepCall, mark: { token: bigint; key: string }): boolean {
    if (this.#flaw === 'tokens as text') return token >= String(mark.token);
    const same = mark.key === key || this.#flaw === 'an equal token for anybody';
    return BigInt(token) > mark.token || (BigInt(token) === mark.token && same);
  }

  #act(kind: CallKind, { key, notAfterMs }: StepCall): StepAnswer | Promise<StepAnswer> {
    if (kind === 'reverse' && (this.#flaw !== 'no tombstone' || this.#done.has(key))) this.#reversed.add(key);
    if (kind === 'reverse') return { outcome: 'reversed' };
    const again = this.#flaw === 'reversed keys act again' && kind === 'execute';
    if (this.#reversed.has(key) && !again) return { outcome: 'reversed' };
    if (kind === 'status' && !this.#done.has(key)) return { outcome: 'never' };
    if (this.#done.has(key)) return this.#receipt(key);
    if (this.#flaw === 'retry for ever' && this.#retried.has(key))
      return { outcome: 'retry', reason: 'late' };
    this.#retried.add(key);
    if (Date.now() > notAfterMs && this.#flaw !== 'not-after ignored')
      return { outcome: 'retry', reason: 'late' };
    if (this.#flaw !== 'started after the effect') return this.#effect(key);
    return Promise.resolve().then(() => this.#effect(key));
  }

  #effect(key: string): StepAnswer {
    this.#reversed.delete(key);
    this.#done.set(key, ++this.#receipts);
    return { outcome: 'done', evidence: { receipt: this.#receipts } };
  }

  #receipt(key: string): StepAnswer {
    const receipt =
      this.#flaw === 'another receipt each time' ? ++this.#receipts : (this.#done.get(key) ?? 0);
    return { outcome: 'done', evidence: { receipt } };
  }
}

async function run(flaw: Flaw, runs = 1): Promise<RuleFinding[]> {
  const machine = new Flawed(flaw);
  const participant = new InProcessParticipant(realWorld(), {
    execute: (call) => machine.call('execute', call),
    status: (call) => machine.call('status', call),
    reverse: (call) => machine.call('reverse', call),
    capabilities: { replay: true, fence: true },
  });
  const findings: RuleFinding[] = [];
  for (let i = 1; i <= runs; i++) {
    const subject = {
      participant,
      location: 'test',
      type: 'withdraw',
      data: {},
      prefix: `run${i}`,
      timeoutMs: 5_000,
    };
    findings.push(...(await runParticipantRules(subject)).findings);
  }
  return findings;
}

const broken = (findings: readonly RuleFinding[]) => findings.filter(({ status }) => status !== 'ok');

describe('runParticipantRules', () => {
  it('finds nothing in a participant that keeps the rules, however often it runs', async () => {
    const findings = await run('none', 3);
    assert.deepEqual(broken(findings), []);
    assert.ok(findings.length >= 3 * 12);
  });

  const expected: readonly (readonly [flaw: Flaw, rule: string, name: RegExp])[] = [
    ['tokens as text', 'contract 4', /as numbers/],
    ['one mark for all slots', '(1)', /each slot/],
    ['status raises no mark', '(5)', /never/],
    ['replays raise no mark', 'contract 4', /every accepted request/],
    ['an equal token for anybody', 'contract 4', /equal to the mark/],
    ['stale but acts', '(1)', /does nothing/],
    ['no mark in stale', '(1)', /stale with the mark/],
    ['no tombstone', '(4)', /tombstone/],
    ['reversed keys act again', '(3)', /reversed is repeated/],
    ['another receipt each time', '(3)', /done is repeated/],
    ['started after the effect', '(2)', /act once/],
    ['not-after ignored', 'contract 3', /not-after/],
    ['retry for ever', '(6)', /one request/],
    ['throws', '(1)', /lower token/],
  ];
  for (const [flaw, rule, name] of expected) {
    it(`finds: ${flaw}`, async () => {
      const found = broken(await run(flaw));
      const finding = found.find((each) => each.rule === rule && name.test(each.name));
      assert.ok(finding !== undefined, JSON.stringify(found));
      assert.equal(finding.status, flaw === 'not-after ignored' ? 'warn' : 'fail');
      assert.notEqual(finding.says, '');
      assert.ok(finding.exchange.length > 0);
    });
  }
});
