/** Who gets in, and who tries to. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { FakeWorld } from '../../test/fixtures/api-fakes.ts';
import { accessWith, entryOf } from '../../test/fixtures/api-tokens.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { createApi, listen } from './server.ts';
import { bearerOf, hashOf, readTokens, type TokenEntry, TokensFile } from './tokens.ts';

const TOKENS = [
  entryOf({ name: 'eye', role: 'viewer', token: 'see' }),
  entryOf({ name: 'hand', role: 'operator', token: 'do' }),
  entryOf({ name: 'head', role: 'admin', token: 'all' }),
  entryOf({ name: 'north', role: 'operator', token: 'north', locations: ['NORTH-*'] }),
];

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Asked {
  readonly method?: Method;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly payload?: string;
}

function setup(loopback: boolean, entries: readonly TokenEntry[] = TOKENS) {
  const fake = new FakeWorld();
  const api = createApi(fake.doors({ access: accessWith(entries, loopback) }));
  const host = loopback ? 'localhost:7070' : 'signalbox.example';
  const send = async (url: string, { method = 'GET', token, headers = {}, payload }: Asked = {}) => {
    const sent = {
      host,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    };
    return await api.inject({ method, url, headers: sent, ...(payload === undefined ? {} : { payload }) });
  };
  const ask = async (url: string, token?: string, method: Method = 'GET') => {
    const payload = JSON.stringify({ id: 'a', type: 'b', location: 'c' });
    const asked = { method, ...(token === undefined ? {} : { token }) };
    return (await send(url, method === 'GET' ? asked : { ...asked, payload })).statusCode;
  };
  return { api, ask, send, fake, host };
}

const OPEN = ['/metrics', '/v1/status', '/v1/openapi.json'];
const READING = [
  '/v1/transactions',
  '/v1/transactions/T-1',
  '/v1/locations',
  '/v1/locations/A',
  '/v1/locations/A/why',
  '/v1/locations/recent?locations=A',
  '/v1/lines',
  '/v1/series',
  '/v1/workers',
  '/v1/partitions',
  '/v1/attention',
  '/v1/dead-letters',
  '/v1/commands',
  '/v1/audit',
  '/v1/limits',
];
const reason = JSON.stringify({ reason: 'why' });
const ACTS: [Method, string, string][] = [
  ['POST', '/v1/transactions', JSON.stringify({ id: 'a', type: 'b', location: 'ATM-1' })],
  ['POST', '/v1/transactions/T-1/decisions', JSON.stringify({ action: 'retry', reason: 'why' })],
  ['PUT', '/v1/limits/ATM-1', JSON.stringify({ paused: true, reason: 'why' })],
  ['POST', '/v1/dead-letters/0/7/replay', reason],
  ['POST', '/v1/dead-letters/0/7/discard', reason],
  ['POST', '/v1/commands/1/approve', reason],
];
const ADMIN: [Method, string, string][] = [
  ['POST', '/v1/partitions/0/watermark', JSON.stringify({ offset: 9, reason: 'why' })],
  ['POST', '/v1/audit/verify', '{}'],
];

describe('doors with tokens', () => {
  it('on loopback leaves open what contract 13 names, and nothing else', async () => {
    const { ask } = setup(true);
    for (const path of ['/healthz', '/readyz', ...OPEN]) assert.equal(await ask(path), 200, path);
    for (const path of READING) assert.equal(await ask(path), 401, path);
    for (const [method, path] of [...ACTS, ...ADMIN]) assert.equal(await ask(path, undefined, method), 401);
  });

  it('beyond loopback leaves only health open', async () => {
    const { ask } = setup(false);
    for (const path of ['/healthz', '/readyz']) assert.equal(await ask(path), 200, path);
    for (const path of [...OPEN, ...READING]) {
      assert.equal(await ask(path), 401, path);
      assert.equal(await ask(path, 'see'), 200, path);
    }
    assert.equal(await ask('/v1/live'), 401);
  });

  it('lets each role do what it may, and no more', async () => {
    const { send } = setup(true);
    const status = async (method: Method, path: string, payload: string, token: string) =>
      (await send(path, { method, payload, token })).statusCode;
    for (const [method, path, payload] of ACTS) {
      assert.equal(await status(method, path, payload, 'see'), 403, path);
      assert.ok((await status(method, path, payload, 'do')) < 300, path);
    }
    for (const [method, path, payload] of ADMIN) {
      assert.equal(await status(method, path, payload, 'do'), 403, path);
      assert.ok((await status(method, path, payload, 'all')) < 300, path);
    }
  });

  it('lets an identity act and look at its own locations only', async () => {
    const { send, fake } = setup(true);
    const asked = async (method: Method, path: string, payload?: string) =>
      await send(path, { method, token: 'north', ...(payload === undefined ? {} : { payload }) });
    for (const [method, path, payload] of ACTS) {
      const answer = await asked(method, path, payload);
      assert.equal(answer.statusCode, 403, path);
      assert.match(answer.body, /counts for NORTH-\*, not for ATM-1/);
    }
    for (const path of [
      '/v1/transactions/T-1',
      '/v1/locations/ATM-1',
      '/v1/locations/ATM-1/why',
      '/v1/audit',
    ]) {
      assert.equal((await asked('GET', path)).statusCode, 403, path);
    }
    assert.deepEqual((await asked('GET', '/v1/locations')).json().locations, []);
    assert.deepEqual((await asked('GET', '/v1/transactions')).json().transactions, []);
    assert.deepEqual((await asked('GET', '/v1/attention')).json().transactions, []);
    assert.deepEqual((await asked('GET', '/v1/dead-letters')).json().deadLetters, []);
    assert.deepEqual((await asked('GET', '/v1/limits')).json().limits, []);
    const set = (location: string) =>
      asked('PUT', `/v1/limits/${location}`, JSON.stringify({ paused: true, reason: 'why' }));
    assert.equal((await set('NORTH-7')).statusCode, 200);
    assert.equal((await set('NORTH-*')).statusCode, 200);
    assert.equal((await set('NORTH-*7')).statusCode, 403, 'another pattern may reach further');
    assert.equal((await set('*')).statusCode, 403);
    assert.equal(fake.limitsSet.length, 2);
  });

  it('says how to log in', async () => {
    const { send } = setup(true);
    const answer = await send('/v1/locations');
    assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
    assert.equal(answer.json().code, 'SB-6003');
  });

  it('on loopback refuses another Host: DNS rebinding', async () => {
    const { send } = setup(true);
    for (const host of ['evil.example', 'evil.example:7070', '127.0.0.1.evil.example', 'localhost.evil']) {
      const answer = await send('/v1/status', { headers: { host } });
      assert.equal(answer.statusCode, 403, host);
      assert.equal(answer.json().code, 'SB-6006');
    }
    for (const host of ['localhost', '127.0.0.1:1', '[::1]:7070', 'LOCALHOST:80']) {
      assert.equal((await send('/v1/status', { headers: { host } })).statusCode, 200, host);
    }
  });
});

describe('sessions of the page', () => {
  const signIn = async ({ send }: ReturnType<typeof setup>, token: string) =>
    await send('/v1/session', { method: 'POST', payload: JSON.stringify({ token }) });
  const cookieOf = (answer: { headers: Record<string, unknown> }) =>
    String(answer.headers['set-cookie']).split(';')[0] ?? '';

  it('opens with a token, counts as it, and ends', async () => {
    const doors = setup(false);
    const opened = await signIn(doors, 'see');
    assert.equal(opened.statusCode, 200);
    const attributes = String(opened.headers['set-cookie']);
    for (const part of ['__Host-signalbox=', 'HttpOnly', 'SameSite=Strict', 'Secure', 'Path=/'])
      assert.ok(attributes.includes(part), attributes);
    assert.doesNotMatch(attributes, new RegExp(`see|${hashOf('see')}`));
    const cookie = cookieOf(opened);
    const headers = { cookie };
    assert.equal((await doors.send('/v1/locations', { headers })).statusCode, 200);
    assert.equal((await doors.send('/v1/me', { headers })).json().name, 'eye');
    const [method, path, payload] = ACTS[2] ?? ACTS[0] ?? ['PUT', '', ''];
    assert.equal((await doors.send(path, { method, payload, headers })).statusCode, 403, 'a viewer');
    const closed = await doors.send('/v1/session', { method: 'DELETE', headers });
    assert.match(String(closed.headers['set-cookie']), /Max-Age=0/);
  });

  it('counts for nothing when it was changed, is too old, or its token is gone', async () => {
    const entries = [...TOKENS];
    const doors = setup(true, entries);
    const cookie = cookieOf(await signIn(doors, 'do'));
    const status = async (value: string) =>
      (await doors.send('/v1/locations', { headers: { cookie: value } })).statusCode;
    assert.equal(await status(cookie), 200);
    const [name = '', signed = ''] = cookie.split('=');
    const [payload = '', signature = ''] = signed.split('.');
    const better = Buffer.from(
      Buffer.from(payload, 'base64url').toString().replace('operator', 'admin'),
    ).toString('base64url');
    assert.equal(await status(`${name}=${better}.${signature}`), 401);
    assert.equal(await status(`${name}=${payload}.${signature.slice(1)}`), 401);
    assert.equal(await status(`${name}=${payload}`), 401);
    doors.fake.pass(13 * 3_600_000);
    assert.equal(await status(cookie), 401, 'half a day');
    doors.fake.nowMs -= 13 * 3_600_000;
    entries.splice(1, 1);
    assert.equal(await status(cookie), 401, 'the token was taken out of the file');
  });

  it('refuses what a page of another site sends with it: CSRF', async () => {
    const doors = setup(false);
    const cookie = cookieOf(await signIn(doors, 'do'));
    const [method, path, payload] = ACTS[2] ?? ['PUT', '', ''];
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `https://${doors.host}.evil.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[];
    for (const headers of foreign) {
      const answer = await doors.send(path, { method, payload, headers: { cookie, ...headers } });
      assert.equal(answer.statusCode, 403, JSON.stringify(headers));
      assert.equal(answer.json().code, 'SB-6014');
    }
    assert.equal(doors.fake.limitsSet.length, 0);
    assert.equal(doors.fake.denied.length, foreign.length);
    const own = { origin: `https://${doors.host}`, 'sec-fetch-site': 'same-origin' };
    assert.equal((await doors.send(path, { method, payload, headers: { cookie, ...own } })).statusCode, 200);
  });

  it('slows down who tries tokens, at both doors', async () => {
    const doors = setup(true);
    for (let tries = 0; tries < 10; tries += 1)
      assert.equal((await signIn(doors, `no-${tries}`)).statusCode, 401);
    const slowed = await signIn(doors, 'see');
    assert.equal(slowed.statusCode, 429);
    assert.equal(slowed.json().code, 'SB-6015');
    assert.ok(Number(slowed.headers['retry-after']) > 0);
    for (let tries = 0; tries < 10; tries += 1)
      assert.equal(await doors.ask('/v1/locations', `no-${tries}`), 401);
    assert.equal(await doors.ask('/v1/locations', 'see'), 429);
    doors.fake.pass(60_000);
    assert.equal((await signIn(doors, 'see')).statusCode, 200);
    assert.equal(await doors.ask('/v1/locations', 'see'), 200);
  });
});

describe('who tries to get in', () => {
  it('is named in the audit with what was tried, a bounded number of times', async () => {
    const { send, fake } = setup(true);
    const [method, path, payload] = ACTS[2] ?? ['PUT', '', ''];
    await send(path, { method, payload, token: 'see' });
    await send(path, { method, payload });
    assert.deepEqual(
      fake.denied.map(({ actor, action, target }) => [actor, action, target]),
      [
        ['eye', 'PUT', path],
        ['nobody at 127.0.0.1', 'PUT', path],
      ],
    );
    assert.match(fake.denied[0]?.detail ?? '', /SB-6004/);
    for (let tries = 0; tries < 100; tries += 1) await send(path, { method, payload });
    assert.equal(fake.denied.length, 60);
  });

  it('finds no way by paths, methods or headers', async () => {
    const { api, send, host } = setup(true);
    for (const url of [
      '/../etc/passwd',
      '/assets/../../package.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/v1/../v1/locations',
      '//v1/locations',
      '/V1/LOCATIONS',
      '/v1/locations/',
      '/v1/locations%00',
      '/v1/locations/..%2f..%2flimits',
      '/%',
    ]) {
      const answer = await send(url);
      assert.ok([400, 401, 404].includes(answer.statusCode), `${url}: ${answer.statusCode}`);
      assert.doesNotMatch(answer.body, /"signalbox"|root:/);
    }
    for (const method of ['PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'] as never[]) {
      const answer = await api.inject({ method, url: '/v1/locations', headers: { host } }).catch(() => null);
      assert.ok(answer === null || answer.statusCode >= 400, String(method));
    }
    const overridden = await send('/v1/limits/A', { headers: { 'x-http-method-override': 'PUT' } });
    assert.equal(overridden.statusCode, 405, 'it is still a GET');
    for (const name of ['x-forwarded-for', 'x-real-ip', 'x-original-url', 'x-rewrite-url'])
      assert.equal(
        (await send('/v1/locations', { headers: { [name]: '/v1/status' } })).statusCode,
        401,
        name,
      );
  });

  it('puts nothing of the request into headers or markup of the answer', async () => {
    const { send } = setup(true);
    const answer = await send('/v1/nothing%0d%0aset-cookie:%20a=b<script>');
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  });

  it('cannot send too much, nor too slowly', async () => {
    const fake = new FakeWorld();
    const api = createApi(fake.doors({ access: accessWith(TOKENS, true) }));
    const url = await listen(api, { host: '127.0.0.1', port: 0 });
    after(() => api.close());
    const big = await fetch(`${url}/v1/transactions`, {
      method: 'POST',
      headers: { authorization: 'Bearer do', 'content-type': 'application/json' },
      body: 'x'.repeat(2 * 1024 * 1024),
    });
    assert.equal(big.status, 413);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answered = '';
    socket.on('data', (bytes) => {
      answered += String(bytes);
    });
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.match(answered, /^HTTP\/1\.1 431/);
    assert.ok(api.server.requestTimeout > 0 && api.server.requestTimeout <= 30_000);
    assert.ok(api.server.headersTimeout > 0 && api.server.headersTimeout <= 30_000);
  });
});

describe('readTokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tokens-'));
  const path = join(folder, 'tokens.json');
  const read = (content: string) => {
    writeFileSync(path, content);
    return readTokens(path);
  };

  it('reads names, roles, hashes, locations and expiry', () => {
    const sha256 = hashOf('secret').toUpperCase();
    const entries = read(
      JSON.stringify({
        tokens: [
          { name: 'n', role: 'admin', sha256 },
          {
            name: 'm',
            role: 'viewer',
            sha256: hashOf('other'),
            locations: ['ATM-*'],
            expires: '2026-11-25T12:00:00Z',
          },
        ],
      }),
    );
    const source = { entries: () => entries };
    assert.equal(bearerOf('secret', source, 0)?.name, 'n');
    assert.deepEqual(bearerOf('other', source, 0)?.locations, ['ATM-*']);
    assert.equal(bearerOf('other', source, Date.parse('2026-11-25T12:00:00Z')), null);
    assert.equal(bearerOf('', source, 0), null);
    assert.equal(bearerOf('x'.repeat(2_000), source, 0), null);
  });

  it('takes a changed file without a restart, and keeps what was good when it has become wrong', () => {
    const content = (token: string) =>
      JSON.stringify({ tokens: [{ name: 'n', role: 'admin', sha256: hashOf(token) }] });
    writeFileSync(path, content('old'));
    let nowMs = 0;
    const problems: SignalboxError[] = [];
    const file = new TokensFile(
      path,
      () => nowMs,
      (error) => problems.push(error),
    );
    writeFileSync(path, content('a newer one'));
    utimesSync(path, 2, 2);
    assert.equal(bearerOf('old', file, 0)?.name, 'n', 'looked at once a second');
    nowMs += 1_000;
    assert.equal(bearerOf('old', file, 0), null);
    assert.equal(bearerOf('a newer one', file, 0)?.name, 'n');
    writeFileSync(path, 'x');
    nowMs += 1_000;
    assert.equal(bearerOf('a newer one', file, 0)?.name, 'n');
    nowMs += 1_000;
    file.entries();
    assert.equal(problems.length, 1);
    assert.match(String(problems[0]), /found no JSON/);
  });

  it('names the field of a bad file (SB-5002)', () => {
    const bad = (content: string, pattern: RegExp) =>
      assert.throws(
        () => read(content),
        (error: unknown) => {
          assert.ok(error instanceof SignalboxError && error.code === 'SB-5002' && error.final);
          assert.match(error.detail, pattern);
          return true;
        },
      );
    bad('x', /found no JSON/);
    bad('{"tokens":[]}', /tokens: allowed is at least one token/);
    bad(
      '{"tokens":[{"name":"n","role":"king","sha256":"0"}]}',
      /tokens\.0\.role: allowed is one of: viewer.*tokens\.0\.sha256: allowed is 64/,
    );
    rmSync(folder, { recursive: true });
    assert.throws(() => readTokens(path), /ENOENT/);
  });
});
