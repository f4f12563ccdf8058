import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import type { CallKind, JsonObject } from '../core/answer.ts';
import { type JournalLine, parseLine } from './journal.ts';
import { Site, type SiteOptions } from './site.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-site-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function start(t: TestContext, over: Partial<SiteOptions> = {}): Promise<Site> {
  const site = await Site.start({ port: 0, directory, seed: '1', delayMs: [0, 0], ...over });
  t.after(() => site.stop());
  return site;
}

interface Sent {
  readonly status: number;
  readonly body: JsonObject;
}

interface Parts {
  readonly token?: number;
  readonly location?: string;
  readonly type?: string;
  readonly data?: JsonObject;
  readonly path?: string;
  readonly headers?: Record<string, string | null>;
  readonly body?: string;
}

/** A well-formed request for `a:apply`-like keys; `parts` puts something else in. Rejects when no answer comes. */
async function send(site: Site, kind: CallKind, id: string, parts: Parts = {}): Promise<Sent> {
  const { token = 1, location = 'x', type = 'withdraw', data = { amount: 5_000, currency: 'EUR' } } = parts;
  const headers: Record<string, string | null> = {
    'idempotency-key': `${id}:apply`,
    'signalbox-location': location,
    'signalbox-slot': '1',
    'signalbox-token': String(token),
    ...parts.headers,
  };
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null);
  const content = { transaction: id, type, step: 'apply', location, data, evidence: {} };
  const response = await fetch(`${site.url}${parts.path ?? `/v1/steps/${id}:apply/${kind}`}`, {
    method: 'POST',
    headers: Object.fromEntries(given),
    body: parts.body ?? JSON.stringify(content),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

async function journalOf(site: Site, from = 0): Promise<JournalLine[]> {
  const response = await fetch(`${site.url}/site/journal?from=${from}`);
  assert.equal(response.status, 200);
  return (await response.text()).split('\n').filter(Boolean).map(parseLine);
}

async function post(site: Site, change: unknown): Promise<Sent> {
  const response = await fetch(`${site.url}/site/faults`, { method: 'POST', body: JSON.stringify(change) });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, what);
    await pass(5);
  }
}

describe('Site: the machines', () => {
  it('dispenses notes, writes what it does, and repeats the receipt', async (t) => {
    const site = await start(t);
    const { body } = await send(site, 'execute', 'a', { data: { amount: 7_500, currency: 'EUR' } });
    const evidence = body.evidence as JsonObject;
    assert.equal(body.outcome, 'done');
    assert.deepEqual(evidence.notes, { '500': 1, '2000': 1, '5000': 1 });
    assert.match(String(evidence.receipt), /^[0-9a-f]{12}$/);
    assert.deepEqual((await send(site, 'execute', 'a', { token: 2 })).body, body);
    const lines = await journalOf(site);
    assert.deepEqual(
      lines.map(({ event, key, token, outcome }) => [event, key, token, outcome]),
      [
        ['call', 'a:apply', '1', undefined],
        ['started', 'a:apply', '1', undefined],
        ['ended', 'a:apply', '1', 'done'],
        ['answer', 'a:apply', '1', 'done'],
        ['call', 'a:apply', '2', undefined],
        ['answer', 'a:apply', '2', 'done'],
      ],
    );
    assert.deepEqual(lines[2]?.evidence, evidence);
    assert.deepEqual(await journalOf(site, 4), lines.slice(4));
    assert.equal(site.counters().paid, 7_500);
  });

  it('refuses a withdrawal that its cassettes cannot pay, and takes notes back when it is undone', async (t) => {
    const site = await start(t, { dispenser: { denominations: [5_000], notesPerCassette: 1 } });
    assert.equal((await send(site, 'execute', 'a', { token: 1 })).body.outcome, 'done');
    const refused = await send(site, 'execute', 'b', { token: 2 });
    assert.deepEqual(refused.body, { outcome: 'refused', reason: 'not enough notes' });
    assert.deepEqual((await send(site, 'reverse', 'a', { token: 3 })).body, { outcome: 'reversed' });
    assert.equal((await send(site, 'execute', 'c', { token: 4 })).body.outcome, 'done');
    assert.equal(site.counters().paid, 5_000);
  });

  it('carries out every other type, without notes', async (t) => {
    const site = await start(t);
    const { body } = await send(site, 'execute', 'a', { type: 'open-door', data: {} });
    assert.deepEqual(Object.keys(body.evidence as JsonObject), ['receipt', 'at']);
  });

  it('counts effects at one location at once above its concurrency', async (t) => {
    const site = await start(t, { concurrencyAt: { two: 2 } });
    site.change({ jam: ['*'] });
    const both = (location: string) => [
      send(site, 'execute', `${location}-a`, { location, headers: { 'signalbox-slot': '1' } }),
      send(site, 'execute', `${location}-b`, { location, headers: { 'signalbox-slot': '2' } }),
    ];
    const two = both('two');
    await until('both started', () => site.counters().open === 2);
    assert.equal(site.counters().overlaps, 0);
    const one = both('one');
    await until('all started', () => site.counters().open === 4);
    assert.equal(site.counters().overlaps, 1);
    site.change({ release: ['*'] });
    await Promise.all([...one, ...two]);
    assert.equal(site.counters().open, 0);
    assert.equal(site.counters().doubled, 0);
  });

  it('knows only its locations where they are listed', async (t) => {
    const site = await start(t, { locations: ['x'] });
    assert.equal((await send(site, 'execute', 'a')).status, 200);
    assert.equal((await send(site, 'execute', 'b', { location: 'y' })).status, 404);
  });
});

describe('Site: a request that breaks the contract', () => {
  it('is answered 400 with problem+json and changes nothing', async (t) => {
    const site = await start(t);
    const broken: readonly Parts[] = [
      { headers: { 'idempotency-key': 'b:apply' } },
      { headers: { 'idempotency-key': null } },
      { headers: { 'signalbox-location': 'y' } },
      { headers: { 'signalbox-location': 'x/y' } },
      { headers: { 'signalbox-slot': '0' } },
      { headers: { 'signalbox-slot': null } },
      { headers: { 'signalbox-token': '-1' } },
      { headers: { 'signalbox-token': String(2n ** 63n) } },
      { headers: { 'signalbox-token': '1e3' } },
      { headers: { 'signalbox-not-after': 'soon' } },
      { headers: { 'signalbox-not-after': '2026-11-25 09:30' } },
      { body: 'no JSON' },
      { body: '[]' },
      {
        body: JSON.stringify({
          transaction: 'b',
          type: 't',
          step: 'apply',
          location: 'x',
          data: {},
          evidence: {},
        }),
      },
      { body: JSON.stringify({ transaction: 'a', step: 'apply', location: 'x', data: {}, evidence: {} }) },
      {
        body: JSON.stringify({
          transaction: 'a',
          type: 't',
          step: 'apply',
          location: 'x',
          data: [],
          evidence: {},
        }),
      },
      { body: JSON.stringify({ transaction: 'a', type: 't', step: 'apply', location: 'x', data: {} }) },
      { path: '/v1/steps/a/execute', headers: { 'idempotency-key': 'a' } },
    ];
    for (const parts of broken) {
      const { status, body } = await send(site, 'execute', 'a', parts);
      assert.equal(status, 400, JSON.stringify(parts));
      assert.equal(body.title, 'Bad Request');
      assert.equal(typeof body.detail, 'string');
    }
    assert.equal(site.counters().calls, 0);
    assert.deepEqual((await send(site, 'status', 'a', { token: 0 })).body, { outcome: 'never' });
  });

  it('is answered 404, 405 and 413 where path, method or size are wrong', async (t) => {
    const site = await start(t);
    assert.equal((await send(site, 'execute', 'a', { path: '/v1/steps/a:apply/explode' })).status, 404);
    assert.equal((await fetch(`${site.url}/v1/steps/a:apply/execute`)).status, 405);
    assert.equal((await send(site, 'execute', 'a', { body: 'x'.repeat(1024 * 1024 + 1) })).status, 413);
  });

  it('but an encoded colon does not break it', async (t) => {
    const site = await start(t);
    for (const [token, colon] of ['%3A', '%3a'].entries()) {
      const { body } = await send(site, 'execute', 'a', { token, path: `/v1/steps/a${colon}apply/execute` });
      assert.equal(body.outcome, 'done');
    }
    assert.equal(site.counters().effects, 1);
  });
});

describe('Site: misbehaviour', () => {
  const first: readonly (readonly [name: keyof SiteOptions, sent: Partial<Sent> | null, status: string])[] = [
    ['lostAnswerRate', null, 'done'],
    ['lostRequestRate', null, 'never'],
    ['errorRate', { status: 500 }, 'never'],
    ['retryRate', { body: { outcome: 'retry', reason: 'the machine is warming up' } }, 'never'],
    ['pendingRate', { body: { outcome: 'pending' } }, 'done'],
  ];
  for (const [rate, expected, last] of first) {
    it(`${rate} meets the first execute of a key, which is "${last}" after it`, async (t) => {
      const site = await start(t, { [rate]: 1 });
      const sent = send(site, 'execute', 'a');
      if (expected === null) await assert.rejects(sent);
      else if (expected.body !== undefined) assert.deepEqual((await sent).body, expected.body);
      else assert.equal((await sent).status, expected.status);
      await until('through', () => site.counters().open === 0);
      const { body } = await send(site, 'status', 'a', { token: 2 });
      assert.equal(body.outcome, last);
      assert.equal((await send(site, 'execute', 'a', { token: 3 })).body.outcome, 'done');
      assert.equal(site.counters().doubled, 0);
    });
  }

  it('refusalRate refuses and records it', async (t) => {
    const site = await start(t, { refusalRate: 1 });
    const { body } = await send(site, 'execute', 'a');
    assert.equal(body.outcome, 'refused');
    site.change({ refusalRate: 0 });
    assert.deepEqual((await send(site, 'execute', 'a', { token: 2 })).body, body);
  });

  it('garbageRate has the effect and answers no word of the contract', async (t) => {
    const site = await start(t, { garbageRate: 1 });
    for (let n = 0; n < 12; n++) {
      const answer = await send(site, 'execute', `a${n}`, { token: 1, location: `l${n}` }).catch(() => null);
      const evidence = answer?.body.evidence;
      const whole = answer?.body.outcome === 'done' && !Array.isArray(evidence);
      assert.ok(!whole, JSON.stringify(answer));
    }
    assert.equal(site.counters().effects, 12);
  });

  it('a late request meets the fence that went up meanwhile', async (t) => {
    const site = await start(t, { lateRate: 1, slowMs: [1_500, 1_500] });
    const late = send(site, 'execute', 'a', { token: 1 });
    const { body } = await send(site, 'status', 'b', { token: 2 });
    assert.equal(body.outcome, 'never');
    assert.deepEqual((await late).body, { outcome: 'stale', mark: '2' });
    assert.equal(site.counters().effects, 0);
    assert.equal(site.counters().fenced, 1);
  });

  it('askLostRate loses the first answer to status and reverse, not what they did', async (t) => {
    const site = await start(t, { askLostRate: 1 });
    await assert.rejects(send(site, 'reverse', 'a', { token: 1 }));
    assert.equal((await send(site, 'execute', 'a', { token: 2 })).body.outcome, 'reversed');
    await assert.rejects(send(site, 'status', 'a', { token: 3 }));
    assert.equal((await send(site, 'status', 'a', { token: 4 })).body.outcome, 'reversed');
  });

  it('refuseReverseRate leaves the step done', async (t) => {
    const site = await start(t, { refuseReverseRate: 1 });
    await send(site, 'execute', 'a', { token: 1 });
    assert.equal((await send(site, 'reverse', 'a', { token: 2 })).body.outcome, 'refused');
    assert.equal((await send(site, 'status', 'a', { token: 3 })).body.outcome, 'done');
  });
});

describe('Site: control', () => {
  it('changes faults at run time and says what is in force', async (t) => {
    const site = await start(t);
    const { body } = await post(site, { slowRate: 0.5, jam: ['x'], unreachable: ['y'], loseNext: ['z'] });
    assert.equal(body.slowRate, 0.5);
    assert.deepEqual([body.jammed, body.unreachable, body.loseNext], [['x'], ['y'], ['z']]);
    const read = await fetch(`${site.url}/site/faults`);
    assert.deepEqual(await read.json(), body);
  });

  it('applies a change whole or not at all', async (t) => {
    const site = await start(t);
    for (const change of [
      { jam: ['x'], slowRate: 2 },
      { jam: 'x' },
      { jam: [1] },
      { unheard: 1 },
      'x',
      null,
    ]) {
      assert.equal((await post(site, change)).status, 400, JSON.stringify(change));
    }
    assert.deepEqual(site.faults().jammed, []);
  });

  it('cuts a location off, and loses one answer at another', async (t) => {
    const site = await start(t);
    await post(site, { unreachable: ['x'], loseNext: ['y'] });
    await assert.rejects(send(site, 'status', 'a', { location: 'x' }));
    await assert.rejects(send(site, 'execute', 'b', { location: 'y' }));
    assert.equal((await send(site, 'status', 'b', { location: 'y', token: 2 })).body.outcome, 'done');
    await post(site, { reachable: ['x'] });
    assert.equal((await send(site, 'status', 'a', { location: 'x', token: 1 })).body.outcome, 'never');
  });

  it('shows counters, and 404 or 400 for what it does not know', async (t) => {
    const site = await start(t);
    await send(site, 'execute', 'a');
    const counters = await fetch(`${site.url}/site/counters`);
    assert.deepEqual(await counters.json(), site.counters());
    assert.equal((await fetch(`${site.url}/site/nothing`)).status, 404);
    assert.equal((await fetch(`${site.url}/site/journal?from=-1`)).status, 400);
  });
});

describe('Site: start', () => {
  it('says SB-5003 when the port is taken, and leaves the journal alone', async (t) => {
    const site = await start(t);
    site.change({ jam: ['x'] });
    const jammed = send(site, 'execute', 'a').catch(() => null);
    while ((await journalOf(site)).length < 2) await pass(5);
    const second = Site.start({ port: site.port, directory, seed: '1' });
    await assert.rejects(second, { code: 'SB-5003' });
    assert.deepEqual(
      (await journalOf(site)).map(({ event }) => event),
      ['call', 'started'],
    );
    site.change({ release: ['x'] });
    assert.equal((await jammed)?.body.outcome, 'done');
  });

  it('goes on after a stop: marks, records and first behaviours are those of before', async (t) => {
    const before = await start(t, { lostRequestRate: 1 });
    await assert.rejects(send(before, 'execute', 'a', { token: 5 }));
    await send(before, 'execute', 'a', { token: 6 });
    await send(before, 'reverse', 'b', { token: 9 });
    await before.stop();
    const site = await start(t, { lostRequestRate: 1 });
    assert.deepEqual((await send(site, 'status', 'a', { token: 8 })).body, { outcome: 'stale', mark: '9' });
    assert.equal((await send(site, 'execute', 'a', { token: 10 })).body.outcome, 'done');
    assert.equal(
      (await send(site, 'execute', 'b', { token: 11 }).catch(() => null))?.body.outcome,
      undefined,
    );
    assert.equal((await send(site, 'execute', 'b', { token: 12 })).body.outcome, 'reversed');
    assert.equal(site.counters().effects, 1);
  });
});
