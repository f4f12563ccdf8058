/** The sentences of `why`: a table of situations, and properties that hold in each. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CATALOGUE, type ErrorCode } from '../../core/errors/catalogue.ts';
import { HOLDING_STATES } from '../../core/states.ts';
import { type HolderFacts, type WhyFacts, whySentences } from './read-why.ts';

const at = (time: string): number => Date.parse(`2026-11-25T${time}Z`);
const NOW = at('12:01:00');

const executing: HolderFacts = {
  id: 'pay-1',
  state: 'executing',
  step: 'apply',
  sinceMs: at('12:00:50'),
  code: null,
  detail: null,
  nextAttemptMs: null,
  notAfterMs: at('12:01:20'),
};
const inDoubt: HolderFacts = {
  ...executing,
  state: 'in_doubt',
  code: 'SB-4101',
  detail: 'http://127.0.0.1:9000',
  nextAttemptMs: at('12:01:05'),
};
const reversing: HolderFacts = { ...executing, state: 'reversing' };
const held: HolderFacts = {
  ...executing,
  state: 'held',
  code: 'SB-4203',
  sinceMs: Date.parse('2026-11-24T23:59:59Z'),
};

const free: WhyFacts = {
  location: 'atm-7',
  atMs: NOW,
  concurrency: 1,
  paused: null,
  holders: [],
  parked: 0,
  waitingInMemory: null,
  partition: 3,
  owner: { worker: 'worker-2', alive: true, heartbeatMs: NOW - 400 },
};
const silent = { owner: { worker: 'worker-2', alive: false, heartbeatMs: NOW - 14_200 } };

/** A sentence of the catalogue as the end of another one. */
function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1, -1);
}

const situations: readonly {
  readonly name: string;
  readonly facts: Partial<WhyFacts>;
  readonly sentences: readonly [cause: string, next: string, exit: string];
}[] = [
  {
    name: 'free',
    facts: {},
    sentences: [
      'Nothing holds atm-7, and nothing is known to wait for it.',
      'Its next transaction begins at once.',
      'Nothing to free.',
    ],
  },
  {
    name: 'never seen',
    facts: { partition: null, owner: null },
    sentences: [
      'Nothing holds atm-7, and nothing is known to wait for it.',
      'Its next transaction waits: no worker has taken its partition over yet.',
      'Nothing to free.',
    ],
  },
  {
    name: 'waiting, about to begin',
    facts: { parked: 1 },
    sentences: [
      '1 transaction of atm-7 is waiting and none holds it.',
      'worker-2 begins the first of them.',
      'The begin of the first one.',
    ],
  },
  {
    name: 'waiting, owner silent',
    facts: { ...silent, waitingInMemory: 2 },
    sentences: [
      '2 transactions of atm-7 are waiting and none holds it: worker-2 has not been heard of for 14 s.',
      'worker-2 has not been heard of for 14 s; the group hands the partition over after the session time-out.',
      'A worker that owns the partition.',
    ],
  },
  {
    name: 'waiting, no owner',
    facts: { owner: null, parked: 5 },
    sentences: [
      '5 transactions of atm-7 are waiting and none holds it: no worker owns partition 3.',
      'A worker of the group takes the partition over when one runs.',
      'A worker that owns the partition.',
    ],
  },
  {
    name: 'paused',
    facts: { paused: { reason: 'door open', who: 'alice', pattern: null }, parked: 3 },
    sentences: [
      'atm-7 is paused by alice (door open); 3 transactions are waiting.',
      'Nothing begins there until it is resumed.',
      'An operator resumes the location.',
    ],
  },
  {
    name: 'executing',
    facts: { holders: [executing], waitingInMemory: 4 },
    sentences: [
      'Transaction pay-1 is executing step apply since 12:00:50 UTC; 4 transactions are waiting behind it.',
      'worker-2 waits for the answer until 12:01:20 UTC; without one the step goes in doubt and its status is asked.',
      'The answer of the participant.',
    ],
  },
  {
    name: 'executing, a retry is planned',
    facts: { holders: [{ ...executing, detail: 'the drawer is full', nextAttemptMs: at('12:01:02') }] },
    sentences: [
      'Transaction pay-1 waits to execute step apply again, since 12:00:50 UTC: the drawer is full.',
      'worker-2 executes the step again at 12:01:02 UTC.',
      'The answer of the participant.',
    ],
  },
  {
    name: 'executing, owner silent',
    facts: { ...silent, holders: [executing] },
    sentences: [
      'Transaction pay-1 is executing step apply since 12:00:50 UTC.',
      'worker-2 has not been heard of for 14 s; the group hands the partition over after the session time-out; the next owner asks the status.',
      'The answer of the participant.',
    ],
  },
  {
    name: 'in doubt',
    facts: { holders: [inDoubt] },
    sentences: [
      'It is not known since 12:00:50 UTC whether step apply of transaction pay-1 took effect: SB-4101 The participant did not answer within the deadline of the step (http://127.0.0.1:9000).',
      'worker-2 asks the status again at 12:01:05 UTC.',
      'An answer of the participant that says what became of the step, or the decision of a person.',
    ],
  },
  {
    name: 'in doubt, asked now, owner never heard of',
    facts: {
      holders: [{ ...inDoubt, nextAttemptMs: null, detail: null }],
      owner: { worker: 'worker-9', alive: false, heartbeatMs: null },
    },
    sentences: [
      'It is not known since 12:00:50 UTC whether step apply of transaction pay-1 took effect: SB-4101 The participant did not answer within the deadline of the step.',
      'worker-9 has never been heard of; the group hands the partition over after the session time-out; the next owner asks the status.',
      'An answer of the participant that says what became of the step, or the decision of a person.',
    ],
  },
  {
    name: 'paused with others by a pattern',
    facts: { paused: { reason: 'new firmware', who: 'bob', pattern: 'atm-*' }, parked: 1 },
    sentences: [
      'atm-7 is paused with all of atm-* by bob (new firmware); 1 transaction is waiting.',
      'Nothing begins there until atm-* is resumed.',
      'An operator resumes atm-*.',
    ],
  },
  {
    name: 'held, and paused by a pattern',
    facts: { holders: [held], parked: 2, paused: { reason: null, who: null, pattern: 'atm-*' } },
    sentences: [
      'Transaction pay-1 is held at step apply since 2026-11-24 23:59:59 UTC: SB-4203 ' +
        `${CATALOGUE['SB-4203'].cause.slice(0, -1)}; 2 transactions are waiting behind it; ` +
        'the location is also paused with all of atm-*.',
      'Nothing by itself: a person decides; nothing begins after it while the location is paused.',
      `The decision of a person: ${lowered(CATALOGUE['SB-4203'].remedy)}; then an operator resumes atm-*.`,
    ],
  },
  {
    name: 'reversing, and paused',
    facts: { holders: [reversing], paused: { reason: null, who: null, pattern: null } },
    sentences: [
      'Step apply of transaction pay-1 is being undone since 12:00:50 UTC; the location is also paused.',
      'worker-2 asks the participant to undo it now; nothing begins after it while the location is paused.',
      'The answer of the participant that the step is undone, or the decision of a person; then an operator resumes the location.',
    ],
  },
  {
    name: 'held, since yesterday',
    facts: { holders: [held], parked: 1 },
    sentences: [
      'Transaction pay-1 is held at step apply since 2026-11-24 23:59:59 UTC: SB-4203 The step is done, and its reversal was refused or is not possible; 1 transaction is waiting behind it.',
      'Nothing by itself: a person decides.',
      'The decision of a person: look at the location, then decide; a roll back now says that it was undone by hand.',
    ],
  },
  {
    name: 'held, owner silent for long',
    facts: { holders: [held], owner: { worker: 'worker-2', alive: false, heartbeatMs: NOW - 3 * 3_600_000 } },
    sentences: [
      'Transaction pay-1 is held at step apply since 2026-11-24 23:59:59 UTC: SB-4203 The step is done, and its reversal was refused or is not possible.',
      'Nothing by itself: a person decides; a decision is applied by the next owner, for worker-2 has not been heard of for 3 h.',
      'The decision of a person: look at the location, then decide; a roll back now says that it was undone by hand.',
    ],
  },
  {
    name: 'several slots: the one that needs a person is told of',
    facts: {
      concurrency: 3,
      holders: [executing, { ...held, id: 'pay-2', sinceMs: at('12:00:55') }],
    },
    sentences: [
      'Transaction pay-2 is held at step apply since 12:00:55 UTC: SB-4203 The step is done, and its reversal was refused or is not possible; 2 of 3 slots are taken.',
      'Nothing by itself: a person decides.',
      'The decision of a person: look at the location, then decide; a roll back now says that it was undone by hand.',
    ],
  },
];

describe('whySentences', () => {
  for (const { name, facts, sentences } of situations) {
    test(name, () => {
      const { cause, next, exit } = whySentences({ ...free, ...facts });
      assert.deepEqual([cause, next, exit], sentences);
    });
  }

  test('each situation gives three sentences and names the most urgent holder with its code (Y1, Y2)', () => {
    const codes = [null, ...(Object.keys(CATALOGUE) as ErrorCode[])];
    const holder = fc.record<HolderFacts>({
      id: fc.stringMatching(/^pay-[0-9]{1,4}$/),
      state: fc.constantFrom(...HOLDING_STATES),
      step: fc.constantFrom('apply', 'notify'),
      sinceMs: fc.integer({ min: 0, max: NOW }),
      code: fc.constantFrom(...codes),
      detail: fc.option(fc.constant('detail')),
      nextAttemptMs: fc.option(fc.integer({ min: NOW - 5_000, max: NOW + 5_000 })),
      notAfterMs: fc.option(fc.integer({ min: 0, max: NOW + 60_000 })),
    });
    const facts = fc.record<WhyFacts>({
      location: fc.constant('atm-7'),
      atMs: fc.constant(NOW),
      concurrency: fc.integer({ min: 1, max: 4 }),
      paused: fc.option(
        fc.record({
          reason: fc.option(fc.constant('r')),
          who: fc.option(fc.constant('w')),
          pattern: fc.option(fc.constant('atm-*')),
        }),
      ),
      holders: fc.array(holder, { maxLength: 4 }),
      parked: fc.nat(3),
      waitingInMemory: fc.option(fc.nat(3)),
      partition: fc.option(fc.nat(7)),
      owner: fc.option(
        fc.record({
          worker: fc.constant('worker-2'),
          alive: fc.boolean(),
          heartbeatMs: fc.option(fc.integer({ min: 0, max: NOW })),
        }),
      ),
    });
    fc.assert(
      fc.property(facts, (one) => {
        const { cause, next, exit } = whySentences(one);
        for (const sentence of [cause, next, exit]) {
          assert.match(sentence, /^\S.*\.$/s);
          assert.doesNotMatch(sentence, /undefined|null|NaN|\.\.| {2}/);
        }
        const order = ['held', 'in_doubt', 'reversing', 'executing'];
        const ranks = one.holders.map(({ state }) => order.indexOf(state));
        const urgent = one.holders.filter((_, index) => ranks[index] === Math.min(...ranks));
        assert.ok(urgent.length === 0 || urgent.some(({ id }) => cause.includes(id)));
        assert.equal(one.paused !== null, /paused/.test(cause));
        assert.equal(one.paused !== null, /an operator resumes/i.test(exit));
        if (one.paused?.pattern != null) assert.match(exit, /resumes atm-\*\./);
      }),
    );
  });
});
