import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { participantConformance } from '../../conformance/participant.ts';
import type { Misbehaving, Misbehaviour, ParticipantFixture } from '../../conformance/participant-fixture.ts';
import type { StepCall } from '../../engine/ports.ts';
import { parseLine } from '../../site/journal.ts';
import { Site } from '../../site/site.ts';
import { realWorld } from '../node/world.ts';
import { HttpParticipant, type HttpParticipantOptions } from './http-participant.ts';

const SECRET = 'Bearer s3cret-of-the-site';

function participantFor(endpoint: string, over: Partial<HttpParticipantOptions> = {}): HttpParticipant {
  return new HttpParticipant(realWorld(), { endpoint, ...over });
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers every step with `answer`, read to the end of the request first. */
async function openServer(answer: RequestListener): Promise<Misbehaving & { readonly url: string }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => void answer(request, response));
  });
  const url = await listen(server);
  const participant = participantFor(url);
  const close = async () => {
    await participant.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, participant, requests: () => requests, close };
}

/** The same for one test. */
async function serve(
  t: TestContext,
  answer: RequestListener,
): Promise<Misbehaving & { readonly url: string }> {
  const server = await openServer(answer);
  t.after(server.close);
  return server;
}

function misbehaviour(what: string, code: Misbehaviour['code'], answer: RequestListener): Misbehaviour {
  return { what, code, requests: 1, open: () => openServer(answer) };
}

function body(text: string | Buffer, status = 200, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text);
  };
}

/** Answers for ever: only the cap ends it. */
const endless: RequestListener = (_request, response) => {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(16_384, ' ')));
  };
  response.on('drain', more);
  more();
};

const cut: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"outcome":"done"', () => response.destroy());
};

const neverEnds: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"outcome":');
};

async function nobodyListens(): Promise<Misbehaving> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const participant = participantFor(url);
  return { participant, requests: () => 0, close: () => participant.close() };
}

async function notHttp(): Promise<Misbehaving> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      requests += 1;
      socket.end('220 mail.example ESMTP\r\n');
    });
  });
  const participant = participantFor(await listen(server));
  const close = async () => {
    await participant.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { participant, requests: () => requests, close };
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  misbehaviour('not JSON', 'SB-4104', body('<html></html>')),
  misbehaviour('cut JSON', 'SB-4104', body('{"outcome":"do')),
  misbehaviour('an empty body', 'SB-4104', body('')),
  misbehaviour(
    'not UTF-8',
    'SB-4104',
    body(Buffer.from('{"outcome":"done","evidence":{"a":"\xe9"}}', 'latin1')),
  ),
  misbehaviour('a word of its own', 'SB-4104', body('{"outcome":"perhaps"}')),
  misbehaviour('status 201 with a good body', 'SB-4103', body('{"outcome":"done"}', 201)),
  misbehaviour('status 204', 'SB-4103', (_request, response) => response.writeHead(204).end()),
  misbehaviour('status 500', 'SB-4103', body('{"outcome":"done"}', 500)),
  misbehaviour('a redirect', 'SB-4103', (request, response) =>
    response.writeHead(307, { location: request.url ?? '' }).end(),
  ),
  misbehaviour('one byte above 64 KiB', 'SB-4105', body(Buffer.alloc(64 * 1024 + 1, ' '))),
  misbehaviour('status 500 with a large body', 'SB-4105', body(Buffer.alloc(80 * 1024, ' '), 500)),
  misbehaviour('a body that never ends', 'SB-4105', endless),
  misbehaviour('a connection cut before the answer', 'SB-4102', (_request, response) => response.destroy()),
  misbehaviour('a connection cut in the body', 'SB-4102', cut),
  misbehaviour('silence', 'SB-4101', () => undefined),
  misbehaviour('silence in the body', 'SB-4101', neverEnds),
  { what: 'nobody listens', code: 'SB-4102', requests: 0, open: nobodyListens },
  { what: 'something that is not HTTP', code: 'SB-4102', requests: 1, open: notHttp },
];

async function makeFixture(): Promise<ParticipantFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-site-'));
  const site = await Site.start({ port: 0, directory, seed: '1', delayMs: [0, 2] });
  const participant = participantFor(site.url);
  return {
    participant,
    type: 'withdraw',
    data: { amount: 5_000, currency: 'EUR' },
    hold: async (location) => site.change({ jam: [location] }),
    release: async (location) => site.change({ release: [location] }),
    answerWith: async (what) =>
      site.change({ refusalRate: what === 'refused' ? 1 : 0, retryRate: what === 'retry' ? 1 : 0 }),
    effects: (key) => effectsOf(site, key),
    misbehaviours: MISBEHAVIOURS,
    close: async () => {
      assert.equal(site.counters().doubled, 0);
      await participant.close();
      await site.stop();
      await rm(directory, { recursive: true });
    },
  };
}

async function effectsOf(site: Site, key: string): Promise<number> {
  const journal = await (await fetch(`${site.url}/site/journal`)).text();
  const lines = journal.trimEnd().split('\n').filter(Boolean).map(parseLine);
  return lines.filter((line) => line.event === 'started' && line.kind === 'execute' && line.key === key)
    .length;
}

participantConformance('HTTP against the simulated site', makeFixture);

function callWith(over: Partial<StepCall> = {}): StepCall {
  return {
    key: 'order-1:apply',
    transaction: 'order-1',
    type: 'withdraw',
    step: 'apply',
    location: 'oslo-7',
    slot: 2,
    token: '9007199254740993',
    data: { amount: 5_000 },
    evidence: { reserve: { receipt: 'r' } },
    notAfterMs: Date.UTC(2026, 10, 25, 9, 30, 0, 7),
    timeoutMs: 5_000,
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    signal: new AbortController().signal,
    ...over,
  };
}

describe('HttpParticipant: the request', () => {
  let seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.end('{"outcome":"pending"}');
    });
  });
  let url = '';
  before(async () => {
    url = await listen(server);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function sent(
    kind: 'execute' | 'status' | 'reverse',
    endpoint: string,
    over: Partial<StepCall> = {},
  ) {
    seen = [];
    const participant = participantFor(endpoint, { headers: { authorization: SECRET } });
    const answer = await participant[kind](callWith(over));
    await participant.close();
    assert.deepEqual(answer, { outcome: 'pending' });
    assert.equal(seen.length, 1);
    const [first] = seen;
    assert.ok(first !== undefined);
    return first;
  }

  it('is that of the contract, the colon of the key raw in the path', async () => {
    const { method, url: path, headers, body: text } = await sent('execute', `${url}/gateway/`);
    assert.equal(method, 'POST');
    assert.equal(path, '/gateway/v1/steps/order-1:apply/execute');
    const { 'content-length': _length, connection, host, ...rest } = headers;
    assert.deepEqual(rest, {
      accept: 'application/json',
      authorization: SECRET,
      'content-type': 'application/json',
      'idempotency-key': 'order-1:apply',
      'signalbox-location': 'oslo-7',
      'signalbox-not-after': '2026-11-25T09:30:00.007Z',
      'signalbox-slot': '2',
      'signalbox-token': '9007199254740993',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    assert.deepEqual(JSON.parse(text), {
      transaction: 'order-1',
      type: 'withdraw',
      step: 'apply',
      location: 'oslo-7',
      data: { amount: 5_000 },
      evidence: { reserve: { receipt: 'r' } },
    });
  });

  it('names no not-after with status and reverse, and no traceparent where there is none', async () => {
    for (const kind of ['status', 'reverse'] as const) {
      const { url: path, headers } = await sent(kind, url, { traceparent: null });
      assert.equal(path, `/v1/steps/order-1:apply/${kind}`);
      assert.equal(headers['signalbox-not-after'], undefined);
      assert.equal(headers.traceparent, undefined);
    }
  });

  it('writes a not-after beyond RFC 3339 as its last instant', async () => {
    const { headers } = await sent('execute', url, { notAfterMs: Number.MAX_SAFE_INTEGER });
    assert.equal(headers['signalbox-not-after'], '9999-12-31T23:59:59.999Z');
  });

  it('puts the location into a template, dots never as a path segment', async () => {
    assert.equal(
      (await sent('status', `${url}/at/{location}`)).url,
      '/at/oslo-7/v1/steps/order-1:apply/status',
    );
    const dots = await sent('status', `${url}/at/{location}`, { location: '..' });
    assert.equal(dots.url, '/at/%2E%2E/v1/steps/order-1:apply/status');
  });
});

describe('HttpParticipant: settings', () => {
  const refuses = (options: HttpParticipantOptions) =>
    assert.throws(() => new HttpParticipant(realWorld(), options), { code: 'SB-5002' });

  it('refuses endpoints that are no fixed http address', () => {
    for (const endpoint of [
      'dispenser',
      'ftp://x',
      'http://user:secret@x',
      'http://x/?a=b',
      'http://x/#a',
      'http://x?',
      'http://{location}',
      'http://{location}:8080/x',
      'http://a.{location}.b',
      'http://{location}.{location}.b',
      'http://{location}.',
      'http://x:{location}',
    ]) {
      refuses({ endpoint });
    }
  });

  it('takes a host per location below a fixed domain', async () => {
    const participant = participantFor('http://{location}.dispensers.invalid:8080');
    const answer = await participant.status(callWith({ timeoutMs: 2_000 }));
    assert.equal(answer.outcome, 'unknown');
    await participant.close();
  });

  it('refuses headers that are the contract’s, or that are no headers', () => {
    const endpoint = 'http://x';
    refuses({ endpoint, headers: { 'Signalbox-Token': '1' } });
    refuses({ endpoint, headers: { 'Content-Length': '1' } });
    refuses({ endpoint, headers: { 'a b': '1' } });
    refuses({ endpoint, headers: { a: 'x\r\nsignalbox-token: 1' } });
  });
});

describe('HttpParticipant: what it tells and how it waits', () => {
  it('shows the problem of the participant, without a configured header value', async (t) => {
    const problem = JSON.stringify({
      title: 'Unauthorized',
      detail: `not ${SECRET}, nor s3cret-of-the-site`,
    });
    const { url } = await serve(t, body(problem, 401));
    const participant = participantFor(url, { headers: { authorization: SECRET } });
    const answer = await participant.execute(callWith());
    assert.deepEqual(answer, {
      outcome: 'unknown',
      code: 'SB-4103',
      detail: 'status 401: Unauthorized, not ***, nor ***',
    });
    await participant.close();
  });

  it('counts the wait for a connection into the deadline, and never sends what is given up', async (t) => {
    const arrived = new Map(['a1', 'a2', 'a3'].map((id) => [id, Promise.withResolvers<void>()]));
    const { url, requests } = await serve(t, ({ headers }) => {
      arrived.get(String(headers['idempotency-key']).split(':')[0] ?? '')?.resolve();
    });
    const participant = participantFor(url, { connectionsMax: 1 });
    t.after(() => participant.close());
    const first = new AbortController();
    const holds = participant.execute(callWith({ key: 'a1:apply', timeoutMs: 60_000, signal: first.signal }));
    await arrived.get('a1')?.promise;
    const waits = await participant.execute(callWith({ key: 'a2:apply', timeoutMs: 50 }));
    assert.equal(waits.outcome === 'unknown' && waits.code, 'SB-4101');
    first.abort();
    assert.equal((await holds).outcome, 'unknown');
    const last = participant.execute(callWith({ key: 'a3:apply', timeoutMs: 60_000 }));
    await arrived.get('a3')?.promise;
    assert.equal(requests(), 2, 'the second one was never sent');
    await participant.close();
    assert.equal((await last).outcome, 'unknown');
  });

  it('uses connections again', async (t) => {
    const ports = new Set<number | undefined>();
    const { url } = await serve(t, (request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{"outcome":"pending"}');
    });
    const participant = participantFor(url);
    for (let n = 0; n < 10; n++) await participant.status(callWith());
    // The one of the last answer is not always free again when the next call comes.
    assert.ok(ports.size <= 2);
    await participant.close();
  });

  it('ends calls under way when it is closed, and later ones at once', async (t) => {
    const arrived = Promise.withResolvers<void>();
    const { url } = await serve(t, () => arrived.resolve());
    const participant = participantFor(url);
    const call = participant.execute(callWith({ timeoutMs: 60_000 }));
    await arrived.promise;
    await participant.close();
    assert.equal((await call).outcome, 'unknown');
    assert.equal((await participant.execute(callWith())).outcome, 'unknown');
    assert.equal(await participant.capabilities('atm-1'), 'away');
  });
});

describe('HttpParticipant: capabilities', () => {
  const G3 = {
    contract: 1,
    grade: 'G3',
    replay: true,
    fence: true,
    status: true,
    reverse: true,
    retentionSeconds: 3_024_000,
  };

  /** A participant whose clock is `clock.ms`, before a server that answers `answers.next`. */
  async function open(t: TestContext, first: RequestListener) {
    const clock = { ms: 0 };
    const answers = { next: first };
    const { url, requests } = await serve(t, (request, response) => answers.next(request, response));
    const world = { ...realWorld(), monotonic: () => clock.ms };
    const participant = new HttpParticipant(world, { endpoint: url });
    t.after(() => participant.close());
    return { clock, answers, participant, requests };
  }

  it('are asked once a minute, once for all who ask at the same time', async (t) => {
    const { clock, participant, requests } = await open(t, body(JSON.stringify(G3)));
    const both = await Promise.all([participant.capabilities('atm-1'), participant.capabilities('atm-1')]);
    assert.deepEqual(both, [G3, G3]);
    clock.ms = 59_999;
    await participant.capabilities('atm-1');
    assert.equal(requests(), 1);
    clock.ms = 60_000;
    await participant.capabilities('atm-1');
    assert.equal(requests(), 2);
  });

  it('stay what they were while the participant is out of reach', async (t) => {
    const { clock, answers, participant } = await open(t, body(JSON.stringify(G3)));
    await participant.capabilities('atm-1');
    clock.ms = 60_000;
    answers.next = (_request, response) => response.destroy();
    assert.deepEqual(await participant.capabilities('atm-1'), G3);
    answers.next = body('{}', 503);
    assert.deepEqual(await participant.capabilities('atm-1'), G3);
  });

  it('are none without an answer of the contract, and away without any', async (t) => {
    const bad = [
      {},
      { ...G3, contract: 2 },
      { ...G3, grade: 'G4' },
      { ...G3, fence: false },
      { ...G3, replay: 1 },
    ];
    for (const answer of [...bad, [], null]) {
      const { participant } = await open(t, body(JSON.stringify(answer)));
      assert.equal(await participant.capabilities('atm-1'), 'none', JSON.stringify(answer));
    }
    const { participant } = await open(t, body('{}', 404));
    assert.equal(await participant.capabilities('atm-1'), 'none');
    const away = await open(t, (_request, response) => response.destroy());
    assert.equal(await away.participant.capabilities('atm-1'), 'away');
  });

  it('are those of the endpoint of the location', async (t) => {
    const { url } = await serve(t, (request, response) => {
      const grade = request.url === '/at/old/v1/capabilities' ? 'G1' : 'G3';
      response.end(JSON.stringify({ ...G3, grade }));
    });
    const participant = participantFor(`${url}/at/{location}`);
    const grades = await Promise.all(['old', 'new'].map((location) => participant.capabilities(location)));
    assert.deepEqual(
      grades.map((found) => (typeof found === 'string' ? found : found.grade)),
      ['G1', 'G3'],
    );
    await participant.close();
  });
});
