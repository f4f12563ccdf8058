/** What the read model says when the ledger is away, slow, empty or closed, and that it comes back by itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type OwnPostgres, ownPostgres } from '../../../test/fixtures/postgres.ts';
import { until } from '../../../test/rig/wait.ts';
import { type ErrorCode, SignalboxError } from '../../core/errors/catalogue.ts';
import { migrate } from './migrate.ts';
import { PostgresReadModel } from './read-model.ts';
import { READ_SESSION } from './read-pool.ts';

/** The longest a read may take: the server's limit for a statement, or the one for a connection, and some. */
/** Orphaned backends end themselves within moments. */
const GONE_MS = 10_000;
const READ_MAX_MS = 8_000;

let postgres: OwnPostgres;

before(async () => {
  postgres = await ownPostgres();
  await migrate({ connectionString: postgres.connectionString });
});

after(async () => {
  await postgres?.stop();
});

function modelOf(connectionString: string): PostgresReadModel {
  return new PostgresReadModel({ connectionString, topic: 'transactions', group: 'signalbox' });
}

async function failsWith(connectionString: string, code: ErrorCode): Promise<SignalboxError> {
  const model = modelOf(connectionString);
  try {
    let found: unknown;
    await model.status().catch((error: unknown) => {
      found = error;
    });
    assert.ok(found instanceof SignalboxError, String(found));
    assert.equal(found.code, code, found.message);
    return found;
  } finally {
    await model.close();
  }
}

async function withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: postgres.connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function changed(change: (url: URL) => void): string {
  const url = new URL(postgres.connectionString);
  change(url);
  return url.href;
}

describe('a read that fails has the code of its cause', () => {
  test('wrong password: SB-2002, and the password is not in the message', async () => {
    const error = await failsWith(
      changed((url) => {
        url.password = 'wrong-secret';
      }),
      'SB-2002',
    );
    assert.ok(!error.message.includes('wrong-secret'));
  });

  test('no such database: SB-2010', async () => {
    await failsWith(
      changed((url) => {
        url.pathname = '/nowhere';
      }),
      'SB-2010',
    );
  });

  test('a database without the ledger: SB-2003', async () => {
    await failsWith(
      changed((url) => {
        url.pathname = '/postgres';
      }),
      'SB-2003',
    );
  });

  test('a user who may not read it: SB-2009', async () => {
    await withClient((client) => client.query("CREATE ROLE stranger LOGIN PASSWORD 'stranger'"));
    await failsWith(
      changed((url) => {
        url.username = 'stranger';
        url.password = 'stranger';
      }),
      'SB-2009',
    );
  });

  test('a server that takes the connection and says nothing: SB-2001, in bounded time', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    try {
      const address = mute.address();
      assert.ok(typeof address === 'object' && address !== null);
      const beganAt = performance.now();
      await failsWith(
        changed((url) => {
          url.port = String(address.port);
        }),
        'SB-2001',
      );
      assert.ok(performance.now() - beganAt < READ_MAX_MS);
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
    }
  });

  test('a statement that is blocked: SB-2001, in bounded time', async () => {
    await withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE signalbox.transactions IN ACCESS EXCLUSIVE MODE');
      const beganAt = performance.now();
      const error = await failsWith(postgres.connectionString, 'SB-2001');
      assert.match(error.detail, /statement timeout/);
      assert.ok(performance.now() - beganAt < READ_MAX_MS);
      await client.query('ROLLBACK');
    });
  });
});

test('a session of the read model cannot write (V1)', async () => {
  await withClient(async (client) => {
    await client.query(READ_SESSION);
    await assert.rejects(client.query('DELETE FROM signalbox.workers'), { code: '25006' });
  });
});

test('comes back by itself when the database does (V3)', async () => {
  const model = modelOf(postgres.connectionString);
  try {
    // Several connections, so that those left idle have to be replaced too.
    await Promise.all([model.status(), model.status(), model.why('atm-7'), model.locations(10)]);
    await postgres.kill();
    // A backend may answer once more before it notices that its server is gone.
    const error = await until({ what: 'a read fails', timeoutMs: GONE_MS }, () =>
      model.status().then(
        () => null,
        (reason: unknown) => reason,
      ),
    );
    assert.ok(error instanceof SignalboxError && error.code === 'SB-2001' && !error.final, String(error));
    await postgres.restart();
    assert.equal((await model.status()).completed, 0);
    await Promise.all([model.status(), model.status(), model.why('atm-7'), model.locations(10)]);
  } finally {
    await model.close();
  }
});
