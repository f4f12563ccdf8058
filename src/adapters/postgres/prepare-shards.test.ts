import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type OwnPostgres, ownPostgres } from '../../../test/fixtures/postgres.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { LedgerError } from '../../engine/ports-ledger.ts';
import { PostgresLedger } from './ledger.ts';
import { migrate } from './migrate.ts';
import { PostgresOperations } from './operations.ts';
import { checkAlone, prepareShards } from './prepare-shards.ts';
import { readTopicPartitions } from './topic-partitions.ts';

const IDENTITY = { topic: 'topic', topicId: 'id', group: 'group', worker: 'worker' };

type Server = { readonly connectionString: string };

function failsWith(code: string, detail: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof SignalboxError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.detail, detail);
    return true;
  };
}

describe('servers of one ledger', () => {
  let postgres: OwnPostgres;
  let admin: pg.Client;
  let databases = 0;

  before(async () => {
    postgres = await ownPostgres();
    admin = new pg.Client(postgres);
    await admin.connect();
  });

  after(async () => {
    await admin.end();
    await postgres.stop();
  });

  /** Databases of their own stand for servers. */
  async function servers(count: number): Promise<Server[]> {
    const made: Server[] = [];
    for (; made.length < count; databases += 1) {
      await admin.query(`create database empty_${databases}`);
      const url = new URL(postgres.connectionString);
      url.pathname = `/empty_${databases}`;
      made.push({ connectionString: url.href });
    }
    return made;
  }

  async function two(): Promise<[Server, Server]> {
    const [a, b] = await servers(2);
    assert(a !== undefined && b !== undefined);
    return [a, b];
  }

  function ledger({ connectionString }: Server): PostgresLedger {
    return new PostgresLedger({
      connectionString,
      identity: IDENTITY,
      ledgerConnections: 1,
      allowMigrate: false,
    });
  }

  test('are migrated and marked at the first start, and accepted at the next', async () => {
    const pair = await two();
    const { applied } = await prepareShards(pair, true);
    assert.equal(applied[0], 'shard 0: 0001_schema');
    assert(applied.includes('shard 1: 0008_shards'));
    assert.deepEqual(await prepareShards(pair, false), { applied: [] });
  });

  test('are marked once by several processes that start together', async () => {
    const three = await servers(3);
    await Promise.all(three.map(() => prepareShards(three, true)));
    assert.deepEqual(await prepareShards(three, false), { applied: [] });
  });

  test('are refused in another order, another number, and alone', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const [c] = await servers(1);
    assert(c !== undefined);
    await assert.rejects(prepareShards([b, a], true), failsWith('SB-2013', /server 0 is shard 1/));
    await assert.rejects(prepareShards([a, b, c], true), failsWith('SB-2013', /a shard of 2; 3 are named/));
    await assert.rejects(checkAlone(b), failsWith('SB-2013', /shard 1 of 2; only this one/));
    await prepareShards([a, b], false);
  });

  test('are refused with one of another ledger, or an empty one in the place of another', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const [c, d] = await two();
    await prepareShards([c, d], true);
    await assert.rejects(prepareShards([a, d], true), failsWith('SB-2013', /server 1 .* another ledger/));
    const [empty] = await servers(1);
    assert(empty !== undefined);
    await assert.rejects(prepareShards([a, empty], true), failsWith('SB-2013', /server 1 is empty/));
    await assert.rejects(prepareShards([empty, b], true), failsWith('SB-2013', /server 0 is empty/));
  });

  test('are marked only where that is allowed', async () => {
    const pair = await two();
    for (const server of pair) await migrate(server);
    await assert.rejects(prepareShards(pair, false), failsWith('SB-2003', /not marked/));
  });

  test('are not marked when one has been used as a ledger of its own', async () => {
    const pair = await two();
    await migrate(pair[1]);
    const used = ledger(pair[1]);
    assert.equal((await used.takeOver(3)).outcome, 'owned');
    await used.close();
    await assert.rejects(prepareShards(pair, true), failsWith('SB-2013', /server 1 has been used/));
    await checkAlone(pair[1]);
  });

  test('what was begun before a crash is finished: the first is marked, the other is not yet', async () => {
    const pair = await two();
    for (const server of pair) await migrate(server);
    const client = new pg.Client(pair[0]);
    await client.connect();
    await client.query('select signalbox.become_shard(gen_random_uuid(), 0, 2)');
    await client.end();
    await prepareShards(pair, true);
    await prepareShards(pair, false);
  });

  test('one that is away is waited for, after the others were compared', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const away = { connectionString: 'postgres://nobody@127.0.0.1:1/none' };
    await assert.rejects(prepareShards([a, away], true), failsWith('SB-2001', /^shard 1: /));
    await assert.rejects(prepareShards([b, away], true), failsWith('SB-2013', /server 0 is shard 1/));
  });

  test('SH2: a shard takes no partition of another, whatever the worker believes', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const wrong = ledger(b);
    await assert.rejects(wrong.takeOver(2), (error) => {
      assert(error instanceof LedgerError);
      assert.equal(error.failure, 'refused');
      assert.match(error.message, /partition 2 does not belong to shard 1 of 2/);
      return true;
    });
    assert.equal((await wrong.takeOver(3)).outcome, 'owned');
    await wrong.close();
  });

  test('a limit is set on the shard it was meant for, or on none', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const change = { location: 'x', paused: true, actor: 'me', reason: 'test' };
    const open = (server: Server, shard: number | null) =>
      new PostgresOperations({ ...server, topic: 'topic', shard });
    const [right, wrong, alone] = [open(b, 1), open(b, 0), open(b, null)];
    await right.setLimit(change);
    await assert.rejects(wrong.setLimit(change), failsWith('SB-2013', /nothing was set/));
    await assert.rejects(alone.setLimit(change), failsWith('SB-2013', /nothing was set/));
    assert.deepEqual(await right.verifyAudit(), { rows: 1, brokenAt: null });
    await Promise.all([right, wrong, alone].map((each) => each.close()));
  });

  test('the number of partitions of a topic is noted once, and read back', async () => {
    const [a, b] = await two();
    await prepareShards([a, b], true);
    const shard = ledger(b);
    assert.equal(await readTopicPartitions({ ...b, topic: 'topic' }), null);
    assert.equal(await shard.notePartitions(8), null);
    assert.equal(await shard.notePartitions(12), 8);
    assert.equal(await shard.notePartitions(12), 8);
    assert.equal(await readTopicPartitions({ ...b, topic: 'topic' }), 8);
    await shard.close();
  });

  test('the mark cannot be changed', async () => {
    const pair = await two();
    await prepareShards(pair, true);
    const client = new pg.Client(pair[0]);
    await client.connect();
    await assert.rejects(client.query('update signalbox.shard set number = 1'), /does not change/);
    await client.end();
  });
});
