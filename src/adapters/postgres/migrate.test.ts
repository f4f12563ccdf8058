import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type OwnPostgres, ownPostgres } from '../../../test/fixtures/postgres.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { PostgresLedger } from './ledger.ts';
import { migrate, schemaVersion } from './migrate.ts';

const IDENTITY = { topic: 'topic', topicId: 'id', group: 'group', worker: 'worker' };

function failsWith(code: string, final?: boolean): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof SignalboxError, String(error));
    assert.equal(error.code, code, error.message);
    if (final !== undefined) assert.equal(error.final, final);
    return true;
  };
}

describe('migrations', () => {
  let server: OwnPostgres;
  let admin: pg.Client;
  let databases = 0;

  before(async () => {
    server = await ownPostgres();
    admin = new pg.Client(server);
    await admin.connect();
  });

  after(async () => {
    await admin.end();
    await server.stop();
  });

  async function emptyDatabase(): Promise<string> {
    databases += 1;
    await admin.query(`create database empty_${databases}`);
    return urlOf({ database: `empty_${databases}` });
  }

  function urlOf(changes: {
    database?: string;
    username?: string;
    password?: string;
    port?: string;
  }): string {
    const url = new URL(server.connectionString);
    if (changes.database !== undefined) url.pathname = `/${changes.database}`;
    if (changes.username !== undefined) url.username = changes.username;
    if (changes.password !== undefined) url.password = changes.password;
    if (changes.port !== undefined) url.port = changes.port;
    return url.href;
  }

  function open(connectionString: string, allowMigrate: boolean): Promise<PostgresLedger> {
    return PostgresLedger.open({ connectionString, identity: IDENTITY, ledgerConnections: 1, allowMigrate });
  }

  async function query(connectionString: string, statement: string): Promise<void> {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }

  test('several workers start at once on an empty database', async () => {
    const connectionString = await emptyDatabase();
    const ledgers = await Promise.all([1, 2, 3, 4].map(() => open(connectionString, true)));
    const owned = await Promise.all(ledgers.map((ledger) => ledger.takeOver(0)));
    assert.deepEqual(owned.map((one) => one.outcome === 'owned' && one.epoch).sort(), [1, 2, 3, 4]);
    await Promise.all(ledgers.map((ledger) => ledger.close()));
    assert.deepEqual(await migrate({ connectionString }), { applied: [] }, 'nothing is left to do');
  });

  test('says what it applied', async () => {
    const connectionString = await emptyDatabase();
    const { applied } = await migrate({ connectionString });
    assert(applied.length >= 2);
    assert.equal(applied[0], '0001_schema');
  });

  test('an older ledger is migrated only where that is allowed', async () => {
    const connectionString = await emptyDatabase();
    await assert.rejects(open(connectionString, false), failsWith('SB-2003', true));
    await migrate({ connectionString });
    const last = '(select max(id) from signalbox.migrations)';
    await query(connectionString, `delete from signalbox.migrations where id = ${last}`);
    await assert.rejects(open(connectionString, false), failsWith('SB-2003', true));
  });

  test('a newer ledger is left alone', async () => {
    const connectionString = await emptyDatabase();
    await migrate({ connectionString });
    await query(
      connectionString,
      "insert into signalbox.migrations (name, run_on) values ('9999_later', now())",
    );
    await assert.rejects(open(connectionString, true), failsWith('SB-2004', true));
    await assert.rejects(migrate({ connectionString }), failsWith('SB-2004', true));
  });

  test('a user without rights is told so, and may use a ledger that others migrated', async () => {
    const connectionString = await emptyDatabase();
    const database = new URL(connectionString).pathname.slice(1);
    await admin.query("create role guest login password 'guest'");
    const guest = urlOf({ database, username: 'guest', password: 'guest' });
    await assert.rejects(migrate({ connectionString: guest }), failsWith('SB-2009'));
    await migrate({ connectionString });
    await query(
      connectionString,
      `grant usage on schema signalbox to guest;
       grant select, insert, update, delete on all tables in schema signalbox to guest;
       grant usage, select on all sequences in schema signalbox to guest`,
    );
    const ledger = await open(guest, true);
    const taken = await ledger.takeOver(0);
    assert(taken.outcome === 'owned');
    const { epoch, lastNumber } = taken;
    const head = {
      partition: 0,
      epoch,
      lastNumber,
      watermark: 1,
      published: 0,
      duplicates: 0,
      commits: null,
    };
    const { fenced } = await ledger.commit({ heads: [head], entries: [] });
    assert.deepEqual(fenced, []);
    await ledger.close();
  });

  test('each way of not getting in has its code', async () => {
    await assert.rejects(open(urlOf({ database: 'nowhere' }), true), failsWith('SB-2010'));
    await assert.rejects(open(urlOf({ password: 'wrong' }), true), failsWith('SB-2002'));
    await assert.rejects(open(urlOf({ username: 'nobody' }), true), failsWith('SB-2002'));
    await assert.rejects(open(urlOf({ port: '1' }), true), failsWith('SB-2001'));
    await assert.rejects(open(urlOf({}).replace('127.0.0.1', 'nowhere.invalid'), true), failsWith('SB-2001'));
  });

  test('the version of a database', async () => {
    const connectionString = await emptyDatabase();
    const client = new pg.Client({ connectionString });
    await client.connect();
    assert.deepEqual(await schemaVersion(client), { state: 'missing', last: null });
    await migrate({ connectionString });
    assert.equal((await schemaVersion(client)).state, 'current');
    await client.end();
  });
});
