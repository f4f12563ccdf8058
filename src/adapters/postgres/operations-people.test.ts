/** A second person, what was seen, and what was denied: on a real Postgres, with the ledger that applies decisions. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { OwnedLedger } from '../../../test/fixtures/owned-ledger.ts';
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

test('a decision that needs a second person reaches the owner when another one has approved it', async () => {
  const token = await inDoubt('second');
  const retry = { id: 'second', action: 'retry', evidence: null, ...WHO } as const;
  const { sequence } = await operations.propose({ ...retry, approvalMs: 60_000 });
  assert.deepEqual(await owned.ledger.commands([0]), []);
  const approval = { sequence, reason: 'checked the journal' };
  await assert.rejects(operations.approve({ ...approval, actor: 'ops' }), {
    code: 'SB-6013',
    detail: `command ${sequence} was proposed by the same person`,
  });
  assert.equal(await operations.commandLocation(sequence), 'at-second');
  await operations.approve({ ...approval, actor: 'ann' });
  assert.deepEqual(
    (await owned.ledger.commands([0])).map((command) => command.sequence),
    [sequence],
  );
  await assert.rejects(operations.approve({ ...approval, actor: 'bob' }), /was approved by ann/);
  const late = await operations.propose({ ...retry, approvalMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assert.rejects(
    operations.approve({ ...approval, sequence: late.sequence, actor: 'ann' }),
    /has expired/,
  );
  const plain = await operations.propose(retry);
  await assert.rejects(
    operations.approve({ ...approval, sequence: plain.sequence, actor: 'ann' }),
    /needs no approval/,
  );
  await assert.rejects(operations.approve({ ...approval, sequence: 999_999, actor: 'ann' }), {
    code: 'SB-6001',
  });
  const { rows } = await client.query(
    "select actor, action from signalbox.audit where target = 'transaction second' order by sequence",
  );
  assert.deepEqual(rows.slice(0, 2), [
    { actor: 'ops', action: 'retry proposed' },
    { actor: 'ann', action: 'retry approved' },
  ]);
  const done = {
    id: 'second',
    fromState: 'in_doubt',
    event: 'decide',
    to: 'executing',
    newToken: true,
  } as const;
  await owned.commit(change({ ...done, fromToken: token, command: sequence, deadlineMs: 60_000 }));
  const ask = { id: 'second', fromState: 'in_doubt', event: 'decide', newToken: true } as const;
  await owned.commit(change({ ...ask, fromToken: token, command: plain.sequence }));
});

test('a decision on what is not there any more is refused before it is proposed', async () => {
  const token = await inDoubt('seen');
  const ask = { id: 'seen', action: 'ask', evidence: null, ...WHO } as const;
  await assert.rejects(operations.propose({ ...ask, seen: { state: 'held', token } }), { code: 'SB-6008' });
  await assert.rejects(operations.propose({ ...ask, seen: { state: 'in_doubt', token: '1' } }), {
    code: 'SB-6008',
  });
  const { sequence } = await operations.propose({ ...ask, seen: { state: 'in_doubt', token } });
  await owned.commit(
    change({
      id: 'seen',
      fromState: 'in_doubt',
      fromToken: token,
      event: 'decide',
      newToken: true,
      command: sequence,
    }),
  );
});

test('a denied act is in the audit, in its chain', async () => {
  await operations.deny({ actor: 'eve', action: 'PUT', target: '/v1/limits/x', detail: 'SB-6004' });
  const { rows } = await client.query("select action, detail from signalbox.audit where actor = 'eve'");
  assert.deepEqual(rows, [{ action: 'PUT denied', detail: 'SB-6004' }]);
  assert.equal((await operations.verifyAudit()).brokenAt, null);
});
