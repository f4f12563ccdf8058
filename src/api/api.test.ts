import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { FakeWorld, FLEET, HEARTBEAT, OPEN_LOCATION, TRANSACTION } from '../../test/fixtures/api-fakes.ts';
import { PLAIN_DISPLAY } from '../core/display.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { createApi, listen } from './server.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** A transaction that is held. */
function heldRead() {
  const { read } = new FakeWorld();
  return { ...read, transaction: async () => ({ ...TRANSACTION, state: 'held' as const }) };
}

function setup(more = {}) {
  const fake = new FakeWorld();
  const api = createApi(fake.doors(more));
  const get = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await api.inject({ method: 'GET', url, headers });
    return { answer, status: answer.statusCode, body: answer.json() };
  };
  const post = async (payload: string, headers: Record<string, string> = JSON_TYPE) => {
    const answer = await api.inject({ method: 'POST', url: '/v1/transactions', headers, payload });
    return { answer, status: answer.statusCode, body: answer.json() };
  };
  return { fake, api, get, post };
}

const submission = (more = {}) =>
  JSON.stringify({ id: 'T-9', type: 'withdraw', location: 'ATM-9', data: {}, ...more });

describe('status', () => {
  it('answers the fleet, this process and the time', async () => {
    const { get } = setup();
    const { status, body, answer } = await get('/v1/status');
    assert.equal(status, 200);
    assert.equal(body.completed, FLEET.completed);
    assert.equal(body.ledger, 'reachable');
    assert.equal(body.since, null);
    assert.equal(body.time, '2026-11-25T12:00:00.000Z');
    assert.deepEqual(body.process.worker, JSON.parse(JSON.stringify(HEARTBEAT)));
    assert.equal(body.partitions.length, 2);
    assert.equal(answer.headers['signalbox-time'], '2026-11-25T12:00:00.000Z');
  });

  it('says what it last knew, and since when, while the ledger is away', async () => {
    const { fake, get } = setup();
    await get('/v1/status');
    fake.failure = new SignalboxError('SB-2001', 'db:5432');
    fake.pass(5_000);
    await get('/v1/status');
    fake.pass(60_000);
    const { status, body } = await get('/v1/status');
    assert.equal(status, 200);
    assert.equal(body.ledger, 'unreachable');
    assert.equal(body.completed, FLEET.completed);
    assert.equal(body.asOf, '2026-11-25T12:00:00.000Z');
    assert.equal(body.since, '2026-11-25T12:00:05.000Z');
    assert.equal(body.ledgerProblem.code, 'SB-2001');
    assert.equal(body.process.worker.waiting, 9);
    fake.failure = null;
    fake.pass(1_000);
    assert.equal((await get('/v1/status')).body.ledger, 'reachable');
  });

  it('knows no counts when the ledger never answered', async () => {
    const { fake, get } = setup();
    fake.failure = new SignalboxError('SB-2001');
    const { status, body } = await get('/v1/status');
    assert.equal(status, 200);
    assert.equal(body.completed, null);
    assert.equal(body.asOf, null);
    assert.deepEqual(body.workers, []);
  });

  it('does not wait longer than two seconds for a ledger that hangs', async () => {
    const { fake, get } = setup();
    fake.hanging = true;
    const asked = get('/v1/status');
    while (fake.timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    fake.pass(2_000);
    const { body } = await asked;
    assert.equal(body.ledger, 'unreachable');
    assert.match(body.ledgerProblem.detail, /no answer for 2 s/);
  });

  it('asks the ledger once for many readers', async () => {
    const { fake, get } = setup();
    await Promise.all([get('/v1/status'), get('/v1/status'), get('/v1/status')]);
    await get('/v1/status');
    assert.equal(fake.statusReads, 1);
    fake.pass(300);
    await get('/v1/status');
    assert.equal(fake.statusReads, 2);
  });
});

describe('doors for supervisors', () => {
  it('/healthz is alive whatever happens', async () => {
    const { fake, get } = setup();
    fake.failure = new SignalboxError('SB-2001');
    assert.equal((await get('/healthz')).status, 200);
  });

  it('/readyz is 503 with the causes, and while draining', async () => {
    const { fake, get } = setup();
    assert.deepEqual((await get('/readyz')).body, { ready: true, draining: false, problems: [] });
    fake.health = { ready: false, problems: [new SignalboxError('SB-3001', 'kafka:9092')] };
    const { status, body } = await get('/readyz');
    assert.equal(status, 503);
    assert.equal(body.problems[0].code, 'SB-3001');
    assert.equal(body.problems[0].detail, 'kafka:9092');
    assert.match(body.problems[0].remedy, /KAFKA_BROKERS/);
    fake.health = { ready: true, problems: [] };
    fake.heartbeat = { ...HEARTBEAT, draining: true };
    assert.equal((await get('/readyz')).status, 503);
  });

  it('/readyz of a process without a worker follows the ledger', async () => {
    const { fake, get } = setup({ worker: null });
    assert.equal((await get('/readyz')).status, 200);
    fake.failure = new SignalboxError('SB-2001');
    fake.pass(1_000);
    assert.equal((await get('/readyz')).status, 503);
  });

  it('/metrics is text for Prometheus', async () => {
    const { api } = setup();
    const answer = await api.inject('/metrics');
    assert.match(String(answer.headers['content-type']), /text\/plain/);
    assert.equal(answer.body, 'signalbox_ready 1\n');
  });

  it('the OpenAPI document names every route of the API and no other', async () => {
    const { api, get } = setup();
    const { body } = await get('/v1/openapi.json');
    assert.equal(body.openapi, '3.1.0');
    const documented = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
    for (const route of documented) {
      const [method, url] = route.split(' ') as ['GET', string];
      assert.ok(api.hasRoute({ method, url }), route);
    }
    await api.ready();
    const served = [...api.printRoutes({ commonPrefix: false }).matchAll(/\((GET|POST|PUT|DELETE)/g)].length;
    const live = 1;
    const page = [...api.printRoutes({ commonPrefix: false }).matchAll(/page/g)].length;
    assert.ok(documented.length > 25);
    assert.ok(served >= documented.length + live + page);
  });
});

describe('POST /v1/transactions', () => {
  it('produces the body under its location and answers 202', async () => {
    const { fake, post } = setup();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { answer, status, body } = await post(submission(), { ...JSON_TYPE, traceparent });
    assert.equal(status, 202);
    assert.deepEqual(body, { id: 'T-9', location: 'ATM-9', status: 'accepted' });
    assert.equal(answer.headers.location, '/v1/transactions/T-9');
    const [sent] = fake.sent;
    assert.equal(sent?.key, 'ATM-9');
    assert.equal(sent?.value?.toString(), submission());
    assert.deepEqual(sent?.headers, { traceparent });
  });

  it('takes the same again: the ledger drops duplicates by id', async () => {
    const { fake, post } = setup();
    await post(submission());
    assert.equal((await post(submission())).status, 202);
    assert.equal(fake.sent.length, 2);
  });

  const refused: [name: string, payload: string, status: number, code: string][] = [
    ['no JSON', '{', 422, 'SB-1106'],
    ['a list', '[]', 422, 'SB-1106'],
    ['no location', JSON.stringify({ id: 'a', type: 'b' }), 400, 'SB-6002'],
    ['an ill-formed location', submission({ location: 'a b' }), 422, 'SB-1102'],
    ['no id', submission({ id: undefined }), 422, 'SB-1110'],
    ['an unknown type', submission({ type: 'unknown' }), 422, 'SB-1114'],
    ['data that is no object', submission({ data: 1 }), 422, 'SB-1112'],
    ['a bad time', submission({ expiresAt: 'tomorrow' }), 422, 'SB-1113'],
    ['more than 256 KiB', submission({ data: { x: 'x'.repeat(257 * 1024) } }), 413, 'SB-1107'],
    ['more than 1 MiB', submission({ data: { x: 'x'.repeat(1025 * 1024) } }), 413, 'SB-6002'],
    ['an empty body', '', 422, 'SB-1106'],
  ];
  for (const [name, payload, status, code] of refused) {
    it(`refuses ${name} with ${code}`, async () => {
      const { fake, post } = setup();
      const result = await post(payload);
      assert.equal(result.status, status, result.answer.body);
      assert.equal(result.body.code, code);
      assert.match(String(result.answer.headers['content-type']), /^application\/problem\+json/);
      assert.equal(fake.sent.length, 0);
    });
  }

  it('refuses what a browser may send across sites', async () => {
    const { fake, post } = setup();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      assert.equal((await post(submission(), { 'content-type': type })).status, 415);
    }
    assert.equal(fake.sent.length, 0);
  });

  it('answers 503 with the code when the log is away', async () => {
    const { fake, post } = setup();
    fake.failure = new SignalboxError('SB-3001', 'kafka:9092');
    const { status, body } = await post(submission());
    assert.equal(status, 503);
    assert.equal(body.code, 'SB-3001');
  });
});

describe('reading', () => {
  it('shows a transaction, a location and dead letters', async () => {
    const { get } = setup();
    assert.equal((await get('/v1/transactions/T-1')).body.state, 'completed');
    assert.equal((await get('/v1/locations/ATM-1/why')).body.location, 'ATM-1');
    assert.equal((await get('/v1/locations')).body.locations[0].waiting, 4);
    assert.deepEqual((await get('/v1/dead-letters?limit=5')).body.deadLetters, []);
    assert.equal((await get('/v1/dead-letters/0/7')).body.value, '{');
  });

  it('a method that a path does not take is told which it takes', async () => {
    const { api } = setup();
    for (const [method, url, allow] of [
      ['DELETE', '/v1/status', 'GET, HEAD'],
      ['QUERY', '/v1/status', 'GET, HEAD'],
      ['PUT', '/v1/transactions/T-1/decisions?x=1', 'POST'],
      ['PATCH', '/v1/transactions', 'POST, GET, HEAD'],
    ] as const) {
      const { statusCode, headers, body } = await api.inject({ method, url });
      assert.deepEqual([statusCode, headers.allow, JSON.parse(body).code], [405, allow, 'SB-6018']);
    }
  });

  it('answers problem+json with our codes', async () => {
    const { get } = setup();
    const unknown = await get('/v1/transactions/T-2');
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.code, 'SB-6001');
    assert.equal(unknown.body.detail, 'transaction T-2');
    assert.equal((await get('/v1/transactions/a%20b')).body.code, 'SB-6002');
    const nowhere = await get('/v1/transaction');
    assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'SB-6001']);
    assert.equal((await get('/v1/locations?limit=0')).body.code, 'SB-6002');
    const misspelt = (await get('/v1/transactions?state=held')).body;
    assert.equal(misspelt.code, 'SB-6002');
    assert.match(misspelt.detail, /there is no state; there are states, location, type/);
    assert.equal((await get('/v1/nothing')).status, 404);
  });

  it('answers 503 while the ledger is away, and hides what is a defect', async () => {
    const { fake, get } = setup();
    fake.failure = new SignalboxError('SB-2001');
    assert.equal((await get('/v1/transactions/T-1')).status, 503);
    fake.failure = new TypeError('secret inner text') as unknown as SignalboxError;
    const { status, body } = await get('/v1/transactions/T-1');
    assert.equal(status, 500);
    assert.equal(body.code, 'SB-6005');
    assert.doesNotMatch(JSON.stringify(body), /secret/);
    assert.match(fake.defects[0]?.detail ?? '', /secret inner text/);
  });
});

describe('lists', () => {
  const answers: [path: string, check: (body: Record<string, never>) => unknown][] = [
    ['/v1/transactions?states=held,in_doubt&location=ATM-1&limit=5', (body) => body.transactions],
    ['/v1/series?range=1h', (body) => body.points],
    ['/v1/lines', (body) => body.lines],
    ['/v1/locations?sort=waiting&waiting=true', (body) => body.locations],
    ['/v1/locations/recent?locations=ATM-1,ATM-2', (body) => body.locations],
    ['/v1/attention', (body) => body.transactions],
    ['/v1/workers', (body) => body.workers],
    ['/v1/partitions', (body) => body.partitions],
    ['/v1/limits', (body) => body.limits],
    ['/v1/errors', (body) => body.errors],
  ];
  for (const [path, check] of answers) {
    it(`${path} answers as it is documented`, async () => {
      const { get } = setup();
      const { status, body } = await get(path);
      assert.equal(status, 200, JSON.stringify(body));
      assert.ok((check(body) as unknown[]).length > 0);
    });
  }

  it('reads amounts out of the data, and says what a person may do', async () => {
    const { get } = setup();
    const [item] = (await get('/v1/attention')).body.transactions;
    assert.deepEqual(item.money, { amount: 12_000, currency: 'EUR' });
    assert.equal(item.payload, undefined);
    assert.deepEqual(
      item.acts.filter(({ not }: { not: string | null }) => not === null).map(({ action }: never) => action),
      ['ask', 'complete', 'roll_back', 'retry'],
    );
  });

  it('hides what the configuration hides', async () => {
    const displayOf = () => ({ ...PLAIN_DISPLAY, redact: ['data.amount', 'evidence.apply.receipt'] });
    const { get } = setup({ displayOf });
    const { body } = await get('/v1/transactions/T-1');
    assert.equal(body.payload.data.amount, '[redacted]');
    assert.equal(body.evidence.apply.receipt, '[redacted]');
    assert.equal(body.redactedFields, 2);
  });

  it('filters, sorts and pages locations; the worst come first', async () => {
    const { fake, get } = setup();
    const names = async (query: string) =>
      (await get(`/v1/locations?${query}`)).body.locations.map(({ location }: never) => location);
    fake.open = [
      OPEN_LOCATION,
      { ...OPEN_LOCATION, location: 'KSK-1', state: 'held', waiting: 0, waitingSince: null },
      { ...OPEN_LOCATION, location: 'ATM-9', state: null, paused: true, waiting: 9 },
    ];
    assert.deepEqual(await names(''), ['KSK-1', 'ATM-1', 'ATM-9', 'ATM-2']);
    assert.deepEqual(await names('sort=waiting'), ['ATM-9', 'ATM-1', 'KSK-1', 'ATM-2']);
    assert.deepEqual(await names('sort=name&limit=2&offset=1'), ['ATM-2', 'ATM-9']);
    assert.deepEqual(await names('states=held,paused'), ['KSK-1', 'ATM-9']);
    assert.deepEqual(await names('q=ksk'), ['KSK-1']);
    assert.deepEqual(await names('waiting=true'), ['ATM-1', 'ATM-9']);
    assert.deepEqual(await names('from=ATM-2&to=ATM-9'), ['ATM-9', 'ATM-2']);
    const { body } = await get('/v1/locations?states=held&limit=1');
    assert.deepEqual([body.total, body.known, body.counts.held, body.waitingAt], [1, 4, 1, 2]);
  });
});

describe('acts', () => {
  const decide = async (doors: ReturnType<typeof setup>, body: object) => {
    const answer = await doors.api.inject({
      method: 'POST',
      url: '/v1/transactions/T-1/decisions',
      headers: JSON_TYPE,
      payload: JSON.stringify(body),
    });
    return { status: answer.statusCode, body: answer.json() };
  };

  it('a decision carries actor, reason and what was seen, and tells what became of it', async () => {
    const doors = setup();
    const seen = { state: 'held', token: '77' };
    const { status, body } = await decide(doors, { action: 'retry', reason: 'ticket 7', seen });
    assert.equal(status, 200);
    assert.equal(body.outcome, 'applied');
    assert.deepEqual(doors.fake.proposals, [
      { id: 'T-1', action: 'retry', actor: 'demo', reason: 'ticket 7', evidence: null, seen },
    ]);
  });

  it('a decision about a held one waits for a second person where the configuration says so', async () => {
    const doors = setup({ approvalMs: 60_000, read: heldRead() });
    const { body } = await decide(doors, { action: 'retry', reason: 'ticket 7' });
    assert.equal(body.outcome, 'proposed');
    assert.equal(doors.fake.proposals[0]?.approvalMs, 60_000);
  });

  for (const [name, body] of [
    ['no reason', { action: 'retry' }],
    ['an empty reason', { action: 'retry', reason: '  ' }],
    ['a reason with a line break', { action: 'retry', reason: 'a\nb' }],
    ['an unknown action', { action: 'explode', reason: 'why' }],
    ['an unknown field', { action: 'retry', reason: 'why', force: true }],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const doors = setup();
      const answer = await decide(doors, body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'SB-6002');
      assert.equal(doors.fake.proposals.length, 0);
    });
  }

  it('a limit of nothing is no limit', async () => {
    const { api } = setup();
    const put = async (body: object) =>
      (
        await api.inject({
          method: 'PUT',
          url: '/v1/limits/ATM-*',
          headers: JSON_TYPE,
          payload: JSON.stringify(body),
        })
      ).statusCode;
    assert.equal(await put({ reason: 'why' }), 400);
    assert.equal(await put({ reason: 'why', concurrency: 0 }), 400);
    assert.equal(await put({ reason: 'why', concurrency: null, paused: false }), 200);
  });

  it('a dead letter is replayed mended', async () => {
    const { fake, api } = setup();
    const answer = await api.inject({
      method: 'POST',
      url: '/v1/dead-letters/0/7/replay',
      headers: JSON_TYPE,
      payload: JSON.stringify({ reason: 'cut off', value: '{"id":"T-7"}' }),
    });
    assert.deepEqual(answer.json(), { id: 'T-7' });
    assert.deepEqual(fake.replays, [
      { partition: 0, offset: 7, actor: 'demo', reason: 'cut off', value: Buffer.from('{"id":"T-7"}') },
    ]);
  });
});

describe('live', () => {
  it('sends the status each second to all who watch, by one look at the ledger', async () => {
    const { fake, api } = setup();
    const url = await listen(api, { host: '127.0.0.1', port: 0 });
    const read = async () => {
      const answer = await fetch(`${url}/v1/live`);
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      while (!text.includes('\n\nevent: status'))
        text += Buffer.from((await reader.read()).value ?? []).toString();
      return { reader, text };
    };
    const [first] = await Promise.all([read(), read()]);
    const event = /data: (\{.*\})/.exec(first.text)?.[1] ?? '';
    assert.equal(JSON.parse(event).completed, FLEET.completed);
    assert.equal(fake.statusReads, 1);
    fake.pass(1_000);
    await first.reader.read();
    assert.equal(fake.statusReads, 2);
    await api.close();
    const last = Buffer.from((await first.reader.read()).value ?? []).toString();
    assert.match(last, /event: end/);
  });
});

describe('listen', () => {
  it('names the port that is taken (SB-5003)', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const { api } = setup();
    await assert.rejects(listen(api, { host: '127.0.0.1', port }), (error: unknown) => {
      assert.ok(error instanceof SignalboxError);
      assert.equal(error.code, 'SB-5003');
      assert.equal(error.detail, `127.0.0.1:${port}`);
      return error.final;
    });
    other.close();
  });

  it('answers at the URL it tells', async () => {
    const { api } = setup();
    const url = await listen(api, { host: '127.0.0.1', port: 0 });
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    await api.close();
  });
});
