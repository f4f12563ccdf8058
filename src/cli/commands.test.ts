import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeWorld, LOCATION, TRANSACTION, WHY } from '../../test/fixtures/api-fakes.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Proposal } from '../engine/ports-operate.ts';
import type { ReadModel, TransactionView, Why } from '../engine/ports-read.ts';
import { type Check, doctorCommand } from './doctor-command.ts';
import { errorLines, exitCodeOf, fail } from './fail.ts';
import { locationsCommand } from './locations-command.ts';
import { decideCommand } from './operate-commands.ts';
import { type SendRequest, sendCommand } from './send-command.ts';
import { showCommand } from './show-command.ts';
import { clock, duration, fields, type Terminal, table } from './terminal.ts';
import { whyCommand } from './why-command.ts';

function terminalOf(json = false) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    json,
    tty: false,
    columns: 100,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  };
  return { terminal, out, err, text: () => out.join('\n'), value: () => JSON.parse(out.join('\n')) };
}

describe('show', () => {
  const read = (view: TransactionView | null): Pick<ReadModel, 'transaction'> => ({
    transaction: async () => view,
  });

  it('shows what happened, for people', async () => {
    const { terminal, text } = terminalOf();
    assert.equal(await showCommand('T-1', read(TRANSACTION), terminal), 0);
    assert.match(text(), /^id +T-1$/m);
    assert.match(text(), /^state +completed$/m);
    assert.match(text(), /^location +ATM-1, slot 1$/m);
    assert.match(text(), /^finished +2026-11-25 11:59:00\.700 UTC, after 0\.6 s$/m);
    assert.match(text(), /^result +number 9 of partition 0, published$/m);
    assert.match(text(), /nothing but the plain begin and finish$/m);
    assert.doesNotMatch(text(), /^deadline/m);
  });

  it('shows doubt with its code, and the history as a table', async () => {
    const { terminal, text } = terminalOf();
    const view: TransactionView = {
      ...TRANSACTION,
      state: 'in_doubt',
      finishedAt: null,
      result: null,
      code: 'SB-4101',
      detail: 'no answer for 3 s',
      takeovers: 1,
      history: [
        {
          at: '2026-11-25T11:59:03.100Z',
          event: 'unknown',
          from: 'executing',
          to: 'in_doubt',
          step: 0,
          call: 'execute',
          token: '78',
          startedAt: null,
          answeredAt: null,
          code: 'SB-4101',
          detail: null,
          worker: 'w-1',
          epoch: 2,
        },
      ],
    };
    await showCommand('T-1', read(view), terminal);
    assert.match(text(), /^state +in doubt$/m);
    assert.match(text(), /^last error +SB-4101 The participant did not answer .* \(no answer for 3 s\)$/m);
    assert.match(text(), /^attempts +1, 1 ended by a take-over$/m);
    assert.match(text(), /1 +11:59:03\.100 +unknown +executing +in_doubt +execute +78 +SB-4101 +w-1 +2/);
  });

  it('is the view itself with --json', async () => {
    const { terminal, value } = terminalOf(true);
    await showCommand('T-1', read(TRANSACTION), terminal);
    assert.deepEqual(value(), JSON.parse(JSON.stringify(TRANSACTION)));
  });

  it('throws SB-6001 for an unknown id', async () => {
    const { terminal } = terminalOf();
    await assert.rejects(showCommand('X', read(null), terminal), (error: unknown) => {
      return error instanceof SignalboxError && error.code === 'SB-6001' && exitCodeOf(error) === 1;
    });
  });
});

describe('why', () => {
  it('says cause, next and exit, and who holds the slot', async () => {
    const why: Why = {
      ...WHY,
      waitingInMemory: 3,
      cause: 'T-1 executes.',
      holders: [
        {
          id: 'T-1',
          slot: 1,
          state: 'executing',
          step: 'apply',
          token: '77',
          since: '2026-11-25T12:00:01.000Z',
          code: null,
          detail: null,
          attempts: 2,
          nextAttemptAt: null,
          notAfter: null,
        },
      ],
    };
    const { terminal, text } = terminalOf();
    assert.equal(await whyCommand('ATM-1', { why: async () => why }, terminal), 0);
    assert.match(text(), /^cause +T-1 executes\.$/m);
    assert.match(text(), /^next +The next record/m);
    assert.match(text(), /^slots +1 of 1 taken$/m);
    assert.match(text(), /^waiting +3 in memory, 0 parked$/m);
    assert.match(text(), /^partition +0, owner w-1, alive$/m);
    assert.match(text(), /1 +T-1 +executing +apply +12:00:01\.000 +2/);
    assert.match(text(), /^nobody need act on T-1: .*Its step is under way, and has not failed\.$/m);
  });

  it('says who may do what, and what each act does, as the API does', async () => {
    const holder = {
      id: 'T-2',
      slot: 1,
      state: 'held' as const,
      step: 'apply',
      token: '78',
      since: '2026-11-25T12:00:01.000Z',
      code: 'SB-4205' as const,
      detail: null,
      attempts: 2,
      nextAttemptAt: null,
      notAfter: null,
    };
    const why: Why = { ...WHY, holders: [holder] };
    const people = terminalOf();
    await whyCommand('ATM-1', { why: async () => why }, people.terminal);
    assert.match(people.text(), /^an operator of this location may, with --reason \(T-2\):$/m);
    for (const command of ['ask T-2', 'decide T-2 complete', 'decide T-2 roll-back', 'decide T-2 retry']) {
      assert.match(people.text(), new RegExp(`^  signalbox ${command}$`, 'm'));
    }
    assert.doesNotMatch(people.text(), /signalbox cancel/);
    const machine = terminalOf(true);
    await whyCommand('ATM-1', { why: async () => why }, machine.terminal);
    assert.deepEqual(
      machine
        .value()
        .holders[0].acts.map(({ action, not }: { action: string; not: string | null }) => [
          action,
          not === null,
        ]),
      [
        ['cancel', false],
        ['ask', true],
        ['complete', true],
        ['roll_back', true],
        ['retry', true],
      ],
    );
  });
});

describe('locations', () => {
  it('is a table, or says that there is none', async () => {
    const full = terminalOf();
    const options = { limit: 5, nowMs: Date.parse('2026-11-25T12:00:05.000Z') };
    await locationsCommand(options, { locations: async () => [LOCATION] }, full.terminal);
    assert.deepEqual(full.out, [
      'location  state      slots  waiting  for',
      'ATM-1     executing  1/1          4  7.0 s',
    ]);
    const empty = terminalOf();
    await locationsCommand(options, { locations: async () => [] }, empty.terminal);
    assert.deepEqual(empty.out, ['No location has been seen yet.']);
  });
});

describe('send', () => {
  const request: SendRequest = {
    location: 'ATM-1',
    type: 'withdraw',
    data: '{"amount":100}',
    id: 'T-5',
    expiresAt: undefined,
    nowMs: 1_000,
    dedupeWindowMs: 10_000,
    topic: 'transactions',
  };

  function setup(json = false) {
    const fake = new FakeWorld();
    const { sender, types } = fake.doors();
    return { fake, doors: { sender, types }, ...terminalOf(json) };
  }

  it('produces one record under its location', async () => {
    const { fake, doors, terminal, text } = setup();
    assert.equal(await sendCommand(request, doors, terminal), 0);
    assert.equal(fake.sent[0]?.key, 'ATM-1');
    assert.deepEqual(JSON.parse(String(fake.sent[0]?.value)), {
      id: 'T-5',
      type: 'withdraw',
      data: { amount: 100 },
    });
    assert.equal(text(), 'T-5 is on transactions. See it with: signalbox show T-5');
  });

  it('answers JSON and passes expiresAt on', async () => {
    const { fake, doors, terminal, value } = setup(true);
    await sendCommand({ ...request, expiresAt: '2026-11-25T12:00:00Z' }, doors, terminal);
    assert.deepEqual(value(), { id: 'T-5', location: 'ATM-1', type: 'withdraw', topic: 'transactions' });
    assert.equal(JSON.parse(String(fake.sent[0]?.value)).expiresAt, '2026-11-25T12:00:00Z');
  });

  const refused: [name: string, change: Partial<SendRequest>, code: string][] = [
    ['data that is no JSON', { data: '{' }, 'SB-1112'],
    ['data that is no object', { data: '[1]' }, 'SB-1112'],
    ['a location with a space', { location: 'a b' }, 'SB-1102'],
    ['an ill-formed id', { id: 'a:b' }, 'SB-1110'],
    ['an unknown type', { type: 'unknown' }, 'SB-1114'],
    ['a time without offset', { expiresAt: '2026-11-25' }, 'SB-1113'],
  ];
  for (const [name, change, code] of refused) {
    it(`refuses ${name} with ${code}, and sends nothing`, async () => {
      const { fake, doors, terminal } = setup();
      await assert.rejects(sendCommand({ ...request, ...change }, doors, terminal), { code });
      assert.equal(fake.sent.length, 0);
    });
  }
});

describe('doctor', () => {
  const good: Check = { name: 'good', run: async () => ({ status: 'ok', says: 'fine' }) };
  const odd: Check = { name: 'odd', run: async () => ({ status: 'warn', says: 'hm', code: 'SB-3013' }) };
  const bad: Check = { name: 'bad', run: () => Promise.reject(new SignalboxError('SB-3003', 'orders')) };

  it('exits 0 when nothing failed', async () => {
    const { terminal, text } = terminalOf();
    assert.equal(await doctorCommand([good, odd], terminal), 0);
    assert.match(text(), /^ok +good +fine$/m);
    assert.match(text(), /^warn +odd +hm +SB-3013$/m);
    assert.match(text(), /^odd: Use three replicas/m);
    assert.match(text(), /Nothing stands in the way\.$/);
  });

  it('exits 1 when a check fails, with code and remedy', async () => {
    const { terminal, value } = terminalOf(true);
    assert.equal(await doctorCommand([good, bad], terminal), 1);
    const { ok, checks } = value();
    assert.equal(ok, false);
    assert.equal(checks[1].code, 'SB-3003');
    assert.match(checks[1].says, /compacted.*orders/);
    assert.match(checks[1].remedy, /cleanup\.policy=delete/);
  });
});

describe('fail', () => {
  it('prints code, cause, detail and remedy on standard error', () => {
    const { terminal, err, out } = terminalOf();
    const code = fail(new SignalboxError('SB-5003', '127.0.0.1:7070', { final: true }), terminal);
    assert.equal(code, 78);
    assert.deepEqual(err, [
      'SB-5003 The port is taken.',
      '  127.0.0.1:7070',
      '  Remedy: Stop the other process, or choose another port with PORT or --port.',
    ]);
    assert.equal(out.length, 0);
  });

  it('is one JSON object with --json', () => {
    const { terminal, err } = terminalOf(true);
    assert.equal(fail(new SignalboxError('SB-5007', 'here'), terminal), 69);
    assert.equal(JSON.parse(err.join('')).error.code, 'SB-5007');
  });

  it('ends with 78 for a configuration, 69 for what is not available, 1 for the rest', () => {
    const of = (code: 'SB-5002' | 'SB-2001' | 'SB-2002' | 'SB-6001' | 'SB-5006', final = false) =>
      exitCodeOf(new SignalboxError(code, '', { final }));
    assert.equal(of('SB-5002'), 78);
    assert.equal(of('SB-2001'), 69);
    assert.equal(of('SB-2002', true), 78);
    assert.equal(of('SB-6001'), 1);
    assert.equal(of('SB-5006', true), 1);
    assert.equal(exitCodeOf(new Error('x')), 1);
    assert.match(errorLines(new SignalboxError('SB-5002', 'a\nb')).join('\n'), /^ {2}a\n {2}b$/m);
  });
});

describe('terminal', () => {
  it('aligns numbers to the right and text to the left', () => {
    assert.deepEqual(
      table(
        ['a', 'n'],
        [
          ['x', 5],
          ['long', 1_200],
        ],
      ),
      ['a         n', 'x         5', 'long  1,200'],
    );
    assert.deepEqual(table(['a', 'n'], [['x', null]]), ['a  n', 'x  -']);
  });

  it('says durations and times as the page does', () => {
    assert.deepEqual([400, 42_000, 372_000, 7_800_000].map(duration), [
      '0.4 s',
      '42 s',
      '6 m 12 s',
      '2 h 10 m',
    ]);
    assert.equal(clock('2026-11-25T12:01:05.123Z'), '2026-11-25 12:01:05.123 UTC');
    assert.deepEqual(
      fields([
        ['a', 1],
        ['bb', null],
        ['ccc', 'x'],
      ]),
      ['a    1', 'ccc  x'],
    );
  });
});

describe('decide', () => {
  async function decided(state: TransactionView['state'], approvalMs: number | null) {
    const proposals: Proposal[] = [];
    const { terminal, text } = terminalOf();
    const code = await decideCommand(
      { id: 'T-1', action: 'complete', evidence: null, actor: 'ann', reason: 'seen' },
      {
        operations: {
          propose: async (proposal) => {
            proposals.push(proposal);
            return { sequence: 7, location: 'ATM-1', state, token: '9', ownerAlive: true };
          },
          outcome: async () => ({ outcome: 'applied' }),
        },
        read: { transaction: async () => ({ ...TRANSACTION, state }) },
        world: new FakeWorld().world,
        waitMs: 0,
        approvalMs,
      },
      terminal,
    );
    return { code, text: text(), asked: proposals[0]?.approvalMs ?? null };
  }

  it('asks for a second person where the configuration does, for what was held', async () => {
    const held = await decided('held', 60_000);
    assert.deepEqual([held.code, held.asked], [2, 60_000]);
    assert.match(held.text, /within 1 m 0 s: signalbox approve 7/);
    const doubt = await decided('in_doubt', 60_000);
    assert.deepEqual([doubt.code, doubt.asked], [0, null]);
    const alone = await decided('held', null);
    assert.deepEqual([alone.code, alone.asked], [0, null]);
  });
});
