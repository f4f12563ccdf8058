/**
 * Alerts as webhooks, on a real ledger and a real receiver that checks each signature with the library of Standard
 * Webhooks. Two workers watch at the same time, as in a fleet.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { realWorld } from '../../src/adapters/node/world.ts';
import { PostgresAlertBook } from '../../src/adapters/postgres/alert-book.ts';
import { PostgresLists } from '../../src/adapters/postgres/lists.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { PostgresReadModel } from '../../src/adapters/postgres/read-model.ts';
import { WebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import type { SignalboxError } from '../../src/core/errors/catalogue.ts';
import { AlertWatch } from '../../src/engine/alert-watch.ts';
import { ALERT_KINDS } from '../../src/engine/ports-alerts.ts';
import { GROUP, LedgerRows, TOPIC } from '../fixtures/ledger-rows.ts';
import { type TestPostgres, testPostgres } from '../fixtures/postgres.ts';
import { type ReceivedAlert, WebhookReceiver } from '../fixtures/webhook-receiver.ts';
import { Link } from '../rig/link.ts';
import { until } from '../rig/wait.ts';

const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString('base64')}`;
const PATH = '/hooks/path-secret';
const PHASE_MS = 30_000;
/** A minute of waiting is three seconds here: only the watch's own clock, not that of Postgres. */
const FASTER = 20;
const world = { ...realWorld(), monotonic: () => performance.now() * FASTER };

interface Watching {
  readonly watch: AlertWatch;
  close(): Promise<void>;
}

let postgres: TestPostgres;
let rows: LedgerRows;
let link: Link;
let beat: NodeJS.Timeout;
const receiver = new WebhookReceiver(SECRET);
const elsewhere = new WebhookReceiver(SECRET);
const problems: SignalboxError[] = [];
const watches: Watching[] = [];

before(async () => {
  postgres = await testPostgres();
  await migrate(postgres);
  rows = await LedgerRows.connect(postgres.connectionString);
  await rows.partition(0, { worker: 'worker-1' });
  await rows.worker('worker-1', 0, { partitions: [0] });
  await receiver.start();
  await elsewhere.start();
  link = await Link.start(Number(new URL(postgres.connectionString).port));
  beat = setInterval(() => void keepAlive('worker-1'), 1_000);
  for (const worker of ['worker-1', 'worker-2']) watches.push(watching(worker));
  for (const { watch } of watches) watch.start();
});

after(async () => {
  clearInterval(beat);
  for (const { close } of watches) await close();
  await receiver.stop();
  await elsewhere.stop();
  await rows.end();
  await link.close();
  await postgres.stop();
});

function watching(worker: string): Watching {
  const through = new URL(postgres.connectionString);
  through.port = String(link.port);
  const connectionString = through.href;
  const read = new PostgresReadModel({ connectionString, topic: TOPIC, group: GROUP });
  const lists = new PostgresLists({ connectionString, topic: TOPIC, group: GROUP });
  const book = new PostgresAlertBook({ connectionString, topic: TOPIC });
  const sender = new WebhookSender(new Map([['desk', { url: `${receiver.url}${PATH}`, key: KEY }]]), world);
  const watch = new AlertWatch({
    world,
    book,
    sender,
    read,
    lists,
    receivers: [{ name: 'desk', kinds: ALERT_KINDS }],
    inDoubtMs: 60_000,
    topic: TOPIC,
    worker,
    observer: { problem: (error) => void problems.push(error) },
  });
  const close = async () => {
    await watch.stop();
    await Promise.all([read, lists, book, sender].map((each) => each.close()));
  };
  return { watch, close };
}

/** The one that was taken; there must be no other, under this id or another. */
async function told(type: ReceivedAlert['type'], alert: string): Promise<ReceivedAlert> {
  await until(
    { what: `${type} ${alert} is told`, timeoutMs: PHASE_MS },
    () => receiver.taken(type, alert).length > 0,
  );
  const [first] = receiver.taken(type, alert);
  assert.ok(first !== undefined);
  return first;
}

async function keepAlive(worker: string): Promise<void> {
  await rows.database.query('update signalbox.workers set heartbeat_at = now() where worker = $1', [worker]);
}

describe('alerts', () => {
  it('tell a held location with what to do, and that it is over', async () => {
    await rows.transaction({ id: 'T-held', state: 'held', location: 'ATM-1', code: 'SB-4205' });
    const opened = await told('alert.opened', 'location.held/ATM-1');
    assert.equal(opened.data.transaction, 'T-held');
    assert.equal(opened.data.code, 'SB-4205');
    assert.match(
      String(opened.data.text),
      /^ATM-1 is held: T-held waits for a person's decision \(SB-4205\)\.$/,
    );
    assert.match(String(opened.data.remedy), /signalbox why ATM-1/);
    await rows.database.query("update signalbox.transactions set state = 'executing' where id = 'T-held'");
    const resolved = await told('alert.resolved', 'location.held/ATM-1');
    assert.notEqual(resolved.id, opened.id);
    assert.deepEqual(receiver.forged, []);
  });

  it('are sent again under the same id until they are taken: after an error, and after a restart of the receiver', async () => {
    receiver.answers.push({ status: 500 });
    const before = receiver.attempts.length;
    await rows.transaction({ id: 'T-retry', state: 'held', location: 'ATM-2', offset: 2 });
    await until(
      { what: 'the error was answered', timeoutMs: PHASE_MS },
      () => receiver.attempts.length > before,
    );
    await receiver.stop();
    const refused = () => problems.filter(({ detail }) => detail.includes('ECONNREFUSED'));
    await until(
      { what: 'it is tried while nobody listens', timeoutMs: PHASE_MS },
      () => refused().length > 0,
    );
    await receiver.start();
    const opened = await told('alert.opened', 'location.held/ATM-2');
    const attempts = receiver.attempts.filter(({ data }) => data.alert === 'location.held/ATM-2');
    assert.deepEqual(
      attempts.map(({ id, status }) => [id, status]),
      [
        [opened.id, 500],
        [opened.id, 204],
      ],
    );
    assert.match(
      problems.map(({ code, detail }) => `${code} ${detail}`).join('\n'),
      /SB-5012 webhook desk: status 500/,
    );
  });

  it('tell what is over only after it was told that it began', async () => {
    receiver.answers.push({ status: 503 }, { status: 503 });
    await rows.insert('dead_letters', {
      topic_id: 'id',
      partition: 0,
      offset: 9,
      topic: TOPIC,
      code: 'SB-1112',
      detail: '',
      at: new Date(),
      record_at: new Date(),
      state: 'open',
      worker: 'worker-1',
      epoch: 1,
    });
    await until({ what: 'it was refused', timeoutMs: PHASE_MS }, () =>
      receiver.attempts.some(({ data, status }) => data.kind === 'dead_letter.open' && status === 503),
    );
    await rows.database.query("update signalbox.dead_letters set state = 'discarded'");
    await told('alert.resolved', 'dead_letter.open/SB-1112');
    const types = receiver.attempts
      .filter(({ data }) => data.kind === 'dead_letter.open')
      .map(({ type }) => type);
    assert.deepEqual(types.at(-1), 'alert.resolved');
    assert.equal(types.lastIndexOf('alert.opened'), types.length - 2);
  });

  it('tell doubts that last, lost workers and partitions without one, but none that drained', async () => {
    const old = new Date(Date.now() - 120_000);
    await rows.transaction({
      id: 'T-doubt',
      state: 'in_doubt',
      location: 'ATM-3',
      offset: 3,
      changed_at: old,
    });
    await rows.transaction({
      id: 'T-young',
      state: 'in_doubt',
      location: 'ATM-4',
      offset: 4,
      changed_at: new Date(),
    });
    await rows.worker('worker-gone', 90_000, { partitions: [1] });
    await rows.worker('worker-drained', 90_000, { partitions: [], draining: true });
    await rows.partition(1, { worker: 'worker-gone' });
    await told('alert.opened', 'transaction.in_doubt/T-doubt');
    await told('alert.opened', 'worker.lost/worker-gone');
    const unowned = await told('alert.opened', 'partition.unowned/1');
    assert.equal(unowned.data.lastOwner, 'worker-gone');
    await rows.database.query(
      "update signalbox.workers set partitions = '{0,1}', heartbeat_at = now() where worker = 'worker-1'",
    );
    await told('alert.resolved', 'partition.unowned/1');
    const alerts = new Set(receiver.attempts.map(({ data }) => data.alert));
    for (const never of ['worker.lost/worker-drained', 'transaction.in_doubt/T-young', 'partition.unowned/0'])
      assert.ok(!alerts.has(never), never);
  });

  it('tell that the ledger is away, each worker for itself, and that it is back', async () => {
    const { port } = link;
    await link.close();
    const [one, two] = await Promise.all([
      told('alert.opened', 'ledger.away/worker-1'),
      told('alert.opened', 'ledger.away/worker-2'),
    ]);
    assert.notEqual(one.id, two.id);
    link = await Link.start(Number(new URL(postgres.connectionString).port), port);
    for (const worker of ['worker-1', 'worker-2']) await told('alert.resolved', `ledger.away/${worker}`);
  });

  it('go to the configured URL only, whatever it answers', async () => {
    receiver.answers.push({ status: 307, headers: { location: `${elsewhere.url}/stolen` } });
    const before = receiver.attempts.length;
    await rows.transaction({ id: 'T-moved', state: 'held', location: 'ATM-5', offset: 5 });
    await told('alert.opened', 'location.held/ATM-5');
    assert.equal(receiver.attempts[before]?.status, 307);
    assert.deepEqual([elsewhere.attempts, elsewhere.forged], [[], []]);
    assert.match(
      problems.map(({ detail }) => detail).join('\n'),
      /status 307, and redirects are not followed/,
    );
  });

  it('tell nobody twice under one id, and each thing under one', () => {
    const taken = receiver.attempts.filter(({ status }) => status < 300);
    assert.ok(taken.length >= 10);
    assert.equal(new Set(taken.map(({ id }) => id)).size, taken.length);
    const things = taken.map(({ type, data }) => `${type} ${data.alert}`);
    assert.deepEqual(things.toSorted(), [...new Set(things)].toSorted());
    assert.deepEqual(receiver.forged, []);
  });

  it('keep secret and path of a webhook out of what is told of failures', () => {
    assert.ok(problems.length > 3);
    const text = problems
      .map((error) => `${error.message} ${JSON.stringify(error)} ${error.stack}`)
      .join('\n');
    for (const secret of [SECRET, KEY.toString('base64'), PATH]) assert.ok(!text.includes(secret));
  });
});
