/**
 * Signalbox in processes of one's own, on a real broker and Postgres: one is killed in the middle, another stopped in
 * order, and each transaction has happened once.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { SignalboxError } from '../../src/core/errors/catalogue.ts';
import { BANK_TABLES, embeddedBank, REFUSED_EVERY } from '../fixtures/embedded-bank.ts';
import { testKafka, topicName } from '../fixtures/kafka.ts';
import { testPostgres } from '../fixtures/postgres.ts';
import { BrokerClient } from '../rig/broker-client.ts';
import { until } from '../rig/wait.ts';

const WORKER = join(import.meta.dirname, 'embedded-worker.ts');
const TRANSACTIONS = 240;
const LOCATIONS = 12;
const PARTITIONS = 4;
const SESSION_MS = 6_000;
const READY_MS = 60_000;
const FINISHED_MS = 90_000;

const kafka = await testKafka();

describe('embedded Signalbox', { skip: 'skip' in kafka ? kafka.skip : false }, () => {
  const brokers = 'skip' in kafka ? '' : kafka.bootstrap;
  const children: ChildProcess[] = [];
  let client: BrokerClient;
  let database: pg.Client;
  let connectionString = '';
  let stopPostgres: () => Promise<void>;
  let topic = '';
  let own: ReturnType<typeof embeddedBank>;

  before(async () => {
    if ('skip' in kafka) return;
    const postgres = await testPostgres();
    ({ connectionString } = postgres);
    stopPostgres = () => postgres.stop();
    database = new pg.Client({ connectionString });
    database.on('error', () => undefined);
    await database.connect();
    await database.query(BANK_TABLES);
    client = new BrokerClient(brokers);
    ({ name: topic } = await client.createTopic({ name: topicName(), partitions: PARTITIONS }));
    own = embeddedBank({ brokers, topic, connectionString, sessionTimeoutMs: SESSION_MS });
  });
  after(async () => {
    if ('skip' in kafka) return;
    for (const child of children) child.kill('SIGKILL');
    await own.signalbox.stop({ drainMs: 1_000 });
    await own.close();
    await client.close();
    await database.end();
    await stopPostgres();
    await kafka.stop();
  });

  interface Started {
    readonly child: ChildProcess;
    finished(): number;
    /** Whether the group gave it partitions. */
    owns(): boolean;
  }

  function start(): Started {
    const env = {
      ...process.env,
      BROKERS: brokers,
      TOPIC: topic,
      LEDGER: connectionString,
      SESSION_MS: `${SESSION_MS}`,
    };
    const child = spawn(process.execPath, [WORKER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let output = '';
    child.stdout.on('data', (text) => {
      output += String(text);
    });
    const lines = (word: string) => output.split('\n').filter((line) => line.startsWith(word)).length;
    return { child, finished: () => lines('finished'), owns: () => lines('taken-over') > 0 };
  }

  async function count(where: string): Promise<number> {
    const { rows } = await database.query<{ count: number }>(
      `select count(*)::integer as count from signalbox.transactions where ${where}`,
    );
    return rows[0]?.count ?? 0;
  }

  it('says what is wrong before it starts, and does nothing before and after', async () => {
    await assert.rejects(
      async () => await own.signalbox.transaction('x'),
      (error) => error instanceof SignalboxError && error.code === 'SB-7004',
    );
    assert.equal(own.signalbox.health().ready, false);
    const stopped = embeddedBank({ brokers, topic, connectionString, sessionTimeoutMs: SESSION_MS });
    const starting = stopped.signalbox.start();
    await stopped.signalbox.stop();
    await starting;
    await assert.rejects(stopped.signalbox.start(), /SB-7004/);
    await stopped.close();
  });

  it('a worker is killed in the middle, another is stopped: every transaction happens once', async () => {
    await own.signalbox.start();
    const ready = { what: 'ready', timeoutMs: READY_MS };
    await until(ready, () => own.signalbox.health().ready);
    const [killed, stopped] = [start(), start()];
    await until({ ...ready, what: 'all three own partitions' }, () => killed.owns() && stopped.owns());
    const withdrawals = Array.from({ length: TRANSACTIONS }, (_, index) => ({
      id: `w-${index}`,
      type: 'withdrawal' as const,
      location: `till-${index % LOCATIONS}`,
      data: { amount: index + 1 },
    }));
    await Promise.all(withdrawals.map((each) => own.signalbox.submit(each)));
    await until({ ...ready, what: 'both work' }, () => killed.finished() > 0 && stopped.finished() > 0);
    assert.ok(killed.child.kill('SIGKILL') && stopped.child.kill('SIGTERM'));
    assert.ok((await count(`state in ('completed', 'rolled_back')`)) < TRANSACTIONS / 2, 'in the middle');
    const all = { what: `${TRANSACTIONS} have ended`, timeoutMs: FINISHED_MS };
    await until(all, async () => (await count(`state in ('completed', 'rolled_back')`)) === TRANSACTIONS);
    await until({ what: 'stopped in order', timeoutMs: READY_MS }, () => stopped.child.exitCode !== null);
    assert.equal(stopped.child.exitCode, 0);
    const takenOver = `exists (select from signalbox.transitions t where t.id = transactions.id and t.event = 'takeover')`;
    assert.ok((await count(takenOver)) > 0, 'the kill met a step under way');

    const refused = Math.floor(TRANSACTIONS / REFUSED_EVERY);
    assert.equal(await count(`state = 'rolled_back'`), refused);
    const { rows } = await database.query<{ location: string; amount: number }>('select * from balances');
    const expected = new Map<string, number>();
    for (const { location, data } of withdrawals) {
      if (data.amount % REFUSED_EVERY === 0) continue;
      expected.set(location, (expected.get(location) ?? 0) + 3 * data.amount);
    }
    assert.deepEqual(new Map(rows.map(({ location, amount }) => [location, amount])), expected);
  });

  it('the same id again changes nothing; other content is a dead letter; unknown types are refused here', async () => {
    const letters: string[] = [];
    const events = own.signalbox.events();
    void (async () => {
      for await (const event of events) if (event.type === 'dead-letter') letters.push(event.code);
    })();
    const { signalbox } = own;
    await signalbox.submit({ id: 'w-0', type: 'withdrawal', location: 'till-0', data: { amount: 1 } });
    await signalbox.submit({ id: 'w-0', type: 'withdrawal', location: 'till-0', data: { amount: 999 } });
    await until({ what: 'the conflict is a dead letter', timeoutMs: FINISHED_MS }, () => letters.length > 0);
    assert.deepEqual(letters, ['SB-1116']);
    // @ts-expect-error there is no such type
    const submitted = signalbox.submit({ id: 'w-x', type: 'deposit', location: 'till-0' });
    await assert.rejects(
      submitted,
      (error) => error instanceof SignalboxError && error.code.startsWith('SB-11'),
    );
    const view = await signalbox.transaction('w-6');
    assert.deepEqual([view?.state, view?.reason], ['rolled_back', 'empty']);
  });

  it('a participant that declares nothing is tried once: a kill leaves the doubt to a person, and why says so', async () => {
    const { signalbox } = own;
    const { child, owns } = start();
    await until({ what: 'the new process owns partitions', timeoutMs: READY_MS }, owns);
    const locations = Array.from({ length: LOCATIONS }, (_, index) => `stamp-${index}`);
    for (const location of locations)
      await signalbox.submit({ id: `of-${location}`, type: 'stamp', location });
    const begun = { what: 'every step has begun', timeoutMs: FINISHED_MS };
    await until(begun, async () => (await stamps()).length === LOCATIONS);
    child.kill('SIGKILL');
    const held = { what: 'what the killed one had begun is held', timeoutMs: FINISHED_MS };
    await until(held, async () => (await count(`state = 'held'`)) > 0);
    const views = await Promise.all(locations.map((location) => signalbox.transaction(`of-${location}`)));
    const [first] = views.filter((view) => view?.state === 'held');
    assert.ok(first !== undefined && first !== null);
    assert.equal(first.code, 'SB-4205');
    const why = await signalbox.why(first.location);
    assert.match(why.exit, /person|decide/i);
    assert.deepEqual(new Set(await stamps()), new Set([1]), 'each was tried once');
  });

  async function stamps(): Promise<number[]> {
    const { rows } = await database.query<{ amount: number }>(
      `select amount from balances where location like 'stamp-%'`,
    );
    return rows.map(({ amount }) => amount);
  }
});
