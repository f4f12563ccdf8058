import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import { isFinal, isHolding, isLegalChange, STATES, type State } from '../../core/states.ts';
import { migrate } from './migrate.ts';

let server: TestPostgres;
let client: pg.Client;

before(async () => {
  server = await testPostgres();
  await migrate(server);
  client = new pg.Client(server);
  await client.connect();
});

after(async () => {
  await client.end();
  await server.stop();
});

test('the states of the ledger are those of the core, in order', async () => {
  const { rows } = await client.query<{ states: string[] }>(
    'select enum_range(null::signalbox.state)::text[] as states',
  );
  assert.deepEqual(rows[0]?.states, [...STATES]);
});

let next = 0;

/** Columns that the constraints ask for in this state. */
function columnsOf(state: State): unknown[] {
  next += 1;
  const begun = isHolding(state);
  return [state, begun ? 1 : null, begun ? next : null, isFinal(state) ? next : null];
}

async function insert(state: State): Promise<string> {
  const id = `row-${next + 1}`;
  await client.query(
    `insert into signalbox.transactions (id, topic, partition, "offset", location, state, slot, token, number,
         finished_at, step, type, plan, payload, attempts, takeovers, record_at, changed_at, worker, epoch)
       values ($1, 't', 0, 1, $1, $2, $3, $4, $5, case when $5::bigint is not null then now() end, 0, 't', 'p', '',
         1, 0, now(), now(), 'w', 1)`,
    [id, ...columnsOf(state)],
  );
  return id;
}

async function update(id: string, state: State): Promise<void> {
  await client.query(
    `update signalbox.transactions set state = $2, slot = $3, token = $4, number = $5,
         finished_at = case when $5::bigint is not null then now() end where id = $1`,
    [id, ...columnsOf(state)],
  );
}

/** Whether the ledger lets this happen; the row of `prepare` is made without its triggers. */
async function allowed(work: () => Promise<unknown>): Promise<boolean> {
  await client.query('savepoint attempt');
  try {
    await work();
    await client.query('release attempt');
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, '23514');
    assert.match(String(error), /cannot go from/);
    await client.query('rollback to attempt');
    return false;
  }
}

test('the ledger lets happen exactly the changes of TRANSITIONS', async () => {
  await client.query('begin');
  for (const to of STATES) {
    assert.equal(await allowed(() => insert(to)), isLegalChange('none', to), `none to ${to}`);
  }
  for (const from of STATES) {
    for (const to of STATES) {
      await client.query('alter table signalbox.transactions disable trigger user');
      const id = await insert(from);
      await client.query('alter table signalbox.transactions enable trigger user');
      assert.equal(await allowed(() => update(id, to)), isLegalChange(from, to), `${from} to ${to}`);
    }
  }
  await client.query('rollback');
});

test('a final row is immutable, in every column', async () => {
  await client.query('begin');
  const id = await insert('rolled_back');
  for (const change of ["reason = 'other'", 'number = 77', "evidence = '{}'", "worker = 'other'"]) {
    const attempt = () => client.query(`update signalbox.transactions set ${change} where id = $1`, [id]);
    assert.equal(await allowed(attempt), false, change);
  }
  await client.query('rollback');
});

test('one holder a slot, a number only for finals, a slot for every holder', async () => {
  const codeOf = async (statement: string): Promise<string | undefined> => {
    await client.query('begin');
    try {
      const id = await insert('executing');
      await client.query(statement, [id]);
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    } finally {
      await client.query('rollback');
    }
  };
  const copy = (columns: string) =>
    `insert into signalbox.transactions (id, location, slot, number, topic, partition, "offset", state, token, step,
       type, plan, payload, attempts, takeovers, record_at, changed_at, worker, epoch)
     select id || '-2', ${columns}, topic, partition, "offset", state, token, step, type, plan, payload, 1, 0,
       record_at, changed_at, worker, epoch from signalbox.transactions where id = $1`;
  assert.equal(await codeOf(copy('location, slot, null')), '23505');
  assert.equal(await codeOf(copy('location, slot + 1, null')), undefined);
  assert.equal(await codeOf(copy('location, slot + 1, 7')), '23514');
  assert.equal(await codeOf(copy('location, null, null')), '23514');
});

test('history and audit are append-only', async () => {
  await client.query('begin');
  await client.query(
    `insert into signalbox.audit (sequence, at, actor, action, target, reason, detail, previous_hash, hash)
       values (1, now(), 'a', 'b', 'c', 'd', '', '', '')`,
  );
  const statements = [
    "update signalbox.audit set actor = 'x'",
    'delete from signalbox.audit',
    'truncate signalbox.audit',
    "update signalbox.transitions set event = 'x'",
  ];
  for (const statement of statements) {
    await client.query('savepoint attempt');
    await assert.rejects(client.query(statement), { code: '23000' }, statement);
    await client.query('rollback to attempt');
  }
  await client.query('rollback');
});
