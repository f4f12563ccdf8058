/** Decisions of people and the audit, on a real Postgres, with the ledger that applies them. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { OwnedLedger } from '../../../test/fixtures/owned-ledger.ts';
import { COMMAND_ACTIONS, COMMAND_STATES } from '../../core/commands.ts';
import { STATES } from '../../core/states.ts';
import { NO_CHANGE } from '../../engine/ports-entries.ts';
import type { Change } from '../../engine/ports-ledger.ts';
import { PostgresOperations } from './operations.ts';

const WHO = { actor: 'ops', reason: 'looked at the machine' };
let owned: OwnedLedger;
let client: pg.Client;
let operations: PostgresOperations;

before(async () => {
  owned = await OwnedLedger.open();
  client = new pg.Client(owned.server);
  await client.connect();
  operations = new PostgresOperations({ connectionString: owned.connectionString, topic: 't' });
});

after(async () => {
  await operations.close();
  await client.end();
  await owned.close();
});

const change = (over: Partial<Change>): Change => ({
  ...NO_CHANGE,
  partition: 0,
  id: '',
  fromState: 'executing',
  fromToken: null,
  event: 'unknown',
  to: 'in_doubt',
  timeoutMs: 1_000,
  ...over,
});

/** A transaction in doubt; its token. */
async function inDoubt(id: string): Promise<string> {
  const token = await owned.begin(id);
  await owned.commit(change({ id, fromToken: token, code: 'SB-4101' }));
  return token;
}

test('a decision is applied in the commit that carries it out, or refused with what was found', async () => {
  const token = await inDoubt('a');
  const proposed = await operations.propose({ id: 'a', action: 'retry', evidence: null, ...WHO });
  const { sequence } = proposed;
  assert.deepEqual(proposed, { sequence, location: 'at-a', state: 'in_doubt', token, ownerAlive: false });
  assert.deepEqual(
    (await owned.ledger.commands([0])).map((command) => [
      command.sequence,
      command.action,
      command.expectedToken,
    ]),
    [[sequence, 'retry', token]],
  );
  assert.deepEqual(await operations.outcome(sequence), { outcome: 'waiting' });
  const retry = { id: 'a', fromState: 'in_doubt', event: 'decide', to: 'executing', newToken: true } as const;
  await owned.commit(change({ ...retry, fromToken: token, command: sequence, deadlineMs: 60_000 }));
  assert.deepEqual(await operations.outcome(sequence), { outcome: 'applied' });

  const late = await inDoubt('b');
  const wrong = await operations.propose({ id: 'b', action: 'ask', evidence: null, ...WHO });
  await owned.commit(
    change({ id: 'b', fromState: 'in_doubt', fromToken: late, event: 'done', to: 'completed' }),
  );
  const ask = { id: 'b', fromState: 'in_doubt', event: 'decide', newToken: true } as const;
  await owned.commit(change({ ...ask, fromToken: late, command: wrong.sequence }));
  const found = await operations.outcome(wrong.sequence);
  assert.deepEqual(found, { outcome: 'refused', found: `completed under token ${late}` });
  assert.deepEqual(await owned.ledger.commands([0]), []);
});

test('an id that the ledger does not hold, and a decision that makes no sense', async () => {
  const complete = { action: 'complete', evidence: null, ...WHO } as const;
  await assert.rejects(operations.propose({ id: 'nobody', ...complete }), { code: 'SB-6007' });
  await assert.rejects(operations.propose({ id: 'b', ...complete }), { code: 'SB-6008' });
});

test('the actions and their states are those of the core', async () => {
  for (const action of COMMAND_ACTIONS) {
    for (const state of STATES) {
      const insert = client.query(
        `insert into signalbox.commands (topic, partition, id, location, action, expected_state, reason, actor,
           applied_at) values ('other', 0, 'x', 'x', $1, $2, 'r', 'a', now())`,
        [action, state],
      );
      if (COMMAND_STATES[action].includes(state)) await insert;
      else await assert.rejects(insert, { code: '23514' }, `${action} ${state}`);
    }
  }
});

test('limits of locations and patterns reach the workers, and can be taken back', async () => {
  const { atMs } = await owned.ledger.limits(null);
  await operations.setLimit({ location: 'depot-*', concurrency: 4, ...WHO });
  await operations.setLimit({ location: 'depot-*', paused: true, ...WHO });
  await operations.setLimit({ location: 'atm-1', paused: true, ...WHO });
  await operations.setLimit({ location: 'atm-1', paused: false, ...WHO });
  const { limits } = await owned.ledger.limits(atMs);
  assert.deepEqual(limits, [
    { location: 'atm-1', concurrency: null, paused: false },
    { location: 'depot-*', concurrency: 4, paused: true },
  ]);
  await operations.setLimit({ location: 'depot-*', concurrency: null, ...WHO });
  const taken = (await owned.ledger.limits(atMs)).limits.find(({ location }) => location === 'depot-*');
  assert.deepEqual(taken, { location: 'depot-*', concurrency: null, paused: true });
});

test('records that are gone are given up: the watermark moves forward, and never back', async () => {
  const move = { partition: 0, ...WHO };
  await operations.moveWatermark({ ...move, offset: 500 });
  await assert.rejects(operations.moveWatermark({ ...move, offset: 500 }), { code: 'SB-6012' });
  await assert.rejects(operations.moveWatermark({ ...move, partition: 9, offset: 1 }), { code: 'SB-6012' });
  const { rows } = await client.query<{ watermark: string; detail: string }>(
    `select p.watermark, a.detail from signalbox.partitions p, signalbox.audit a
     where p.partition = 0 and a.action = 'move watermark'`,
  );
  assert.deepEqual(rows, [{ watermark: '500', detail: 'from the beginning to 500' }]);
});

test('what needs attention: held first', async () => {
  const token = await inDoubt('h');
  await inDoubt('d');
  const held = { id: 'h', fromState: 'in_doubt', event: 'give_up', to: 'held', code: 'SB-4205' } as const;
  await owned.commit(change({ ...held, fromToken: token }));
  const list = await operations.attention(10);
  assert.deepEqual(
    list.map(({ id, state, code }) => [id, state, code]),
    [
      ['h', 'held', 'SB-4205'],
      ['d', 'in_doubt', 'SB-4101'],
    ],
  );
});

test('acts of several people at once are one chain, over several pages', async () => {
  const { connectionString } = owned;
  const people = [0, 1, 2].map(() => new PostgresOperations({ connectionString, topic: 't' }));
  const each = async (person: PostgresOperations, index: number): Promise<void> => {
    for (let times = 0; times < 400; times += 1) {
      await person.setLimit({ location: `crowd-${index}`, paused: times % 2 === 0, ...WHO });
    }
  };
  await Promise.all(people.map(each));
  const { rows, brokenAt } = await operations.verifyAudit();
  assert.equal(brokenAt, null);
  assert.ok(rows > 1_200, `${rows} rows`);
  await Promise.all(people.map((person) => person.close()));
});

test('the audit holds every act, and a row that was changed or is missing is found', async () => {
  const { rows } = await client.query<{ action: string }>(
    "select action from signalbox.audit where target not like '%crowd%' order by sequence",
  );
  const { rows: total } = await operations.verifyAudit();
  const actions = [
    'retry proposed',
    'retry applied',
    'ask proposed',
    'ask refused',
    ...Array(5).fill('limit'),
    'move watermark',
  ];
  assert.deepEqual(
    rows.map(({ action }) => action),
    actions,
  );
  assert.deepEqual(await operations.verifyAudit(), { rows: total, brokenAt: null });
  await client.query('alter table signalbox.audit disable trigger audit_append_only');
  await client.query("update signalbox.audit set reason = 'nothing happened' where sequence = 3");
  assert.deepEqual(await operations.verifyAudit(), { rows: 2, brokenAt: 3 });
  await client.query('update signalbox.audit set reason = $1 where sequence = 3', [WHO.reason]);
  assert.deepEqual(await operations.verifyAudit(), { rows: total, brokenAt: null });
  await client.query('delete from signalbox.audit where sequence = $1', [total]);
  assert.deepEqual(await operations.verifyAudit(), { rows: total - 1, brokenAt: total });
  await client.query('delete from signalbox.audit where sequence = 5');
  assert.deepEqual(await operations.verifyAudit(), { rows: 4, brokenAt: 5 });
});
