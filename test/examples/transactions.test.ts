/** The examples that embed transactions are run as they are, on a real Postgres with the topic in it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../fixtures/postgres.ts';
import { until } from '../rig/wait.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const DONE_MS = 90_000;

describe('examples with transactions', () => {
  const children: ChildProcess[] = [];
  let postgres: TestPostgres;

  before(async () => {
    postgres = await testPostgres();
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await postgres.stop();
  });

  function start(name: string, env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [join(EXAMPLES, name, 'main.ts')], {
      env: { ...process.env, KAFKA_BROKERS: undefined, DATABASE_URL: postgres.connectionString, ...env },
    });
    children.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output += String(text);
      });
    return { child, output: () => output };
  }

  it('04-withdrawal: killed at its first movement and started again, each step has happened once', async () => {
    const database = new pg.Client({ connectionString: postgres.connectionString });
    await database.connect();
    const first = start('04-withdrawal');
    const moved = { what: 'the first movement', timeoutMs: DONE_MS, pollMs: 2 };
    await until(moved, () =>
      database.query('select from movements').then(
        ({ rowCount }) => rowCount !== 0,
        () => false,
      ),
    );
    first.child.kill('SIGKILL');
    const { child, output } = start('04-withdrawal');
    await until(
      { what: 'it has ended', timeoutMs: DONE_MS },
      () => child.exitCode !== null || child.signalCode !== null,
    );
    assert.equal(child.exitCode, 0, output());
    assert.match(output(), /^w-1 completed $/m);
    assert.match(output(), /^w-2 rolled_back there are only notes of 20$/m);
    assert.match(output(), /^in the till: 96000$/m);
    const tables = await database.query("select schemaname from pg_tables where tablename = 'movements'");
    assert.deepEqual(tables.rows, [{ schemaname: 'public' }], 'both starts moved money in one table');
    await database.end();
  });

  it('10-fastify: a gate is opened once for each ticket, and the worker stops with the service', async () => {
    const { child, output } = start('10-fastify', { PORT: '0' });
    const url = await until(
      { what: 'it listens', timeoutMs: DONE_MS },
      () => /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0] ?? null,
    );
    const answer = async (path: string, method = 'GET') => {
      const response = await fetch(`${url}${path}`, { method });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    await until({ what: 'ready', timeoutMs: DONE_MS }, async () => (await answer('/readyz')).status === 200);
    assert.equal((await answer('/gates/north/openings/ticket-1', 'PUT')).status, 202);
    assert.equal((await answer('/gates/north/openings/ticket-1', 'PUT')).status, 202);
    const refused = await answer('/gates/north/openings/not%20a%20ticket', 'PUT');
    assert.deepEqual([refused.status, refused.body.code], [422, 'SB-1110']);
    await until(
      { what: 'the gate is open', timeoutMs: DONE_MS },
      async () => (await answer('/openings/ticket-1')).body.state === 'completed',
    );
    assert.deepEqual((await answer('/openings/ticket-1')).body.evidence, { open: { gate: 'north' } });
    assert.match(String((await answer('/gates/north')).body.cause), /\w/);
    child.kill('SIGTERM');
    await until(
      { what: 'it has ended', timeoutMs: DONE_MS },
      () => child.exitCode !== null || child.signalCode !== null,
    );
    assert.equal(child.exitCode, 0, output());
  });
});
