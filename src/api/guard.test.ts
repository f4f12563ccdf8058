import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeWorld } from '../../test/fixtures/api-fakes.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { createApi } from './server.ts';
import { hashOf, readTokens, Tokens } from './tokens.ts';

const tokens = new Tokens([
  { name: 'eye', role: 'viewer', sha256: hashOf('see') },
  { name: 'hand', role: 'operator', sha256: hashOf('do') },
]);

function setup(loopback: boolean) {
  const fake = new FakeWorld();
  const api = createApi(fake.doors({ access: { kind: 'tokens', tokens, loopback } }));
  const ask = async (url: string, token?: string, method: 'GET' | 'POST' = 'GET') => {
    const headers = {
      host: loopback ? 'localhost:7070' : 'signalbox.example',
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const payload = JSON.stringify({ id: 'a', type: 'b', location: 'c' });
    const answer = await api.inject({ method, url, headers, ...(method === 'POST' ? { payload } : {}) });
    return answer.statusCode;
  };
  return { api, ask };
}

const OPEN = ['/metrics', '/v1/status', '/v1/openapi.json'];
const READING = ['/v1/transactions/T-1', '/v1/locations', '/v1/locations/A/why', '/v1/dead-letters'];

describe('doors with tokens', () => {
  it('on loopback leaves open what contract 13 names, and nothing else', async () => {
    const { ask } = setup(true);
    for (const path of ['/healthz', '/readyz', ...OPEN]) assert.equal(await ask(path), 200, path);
    for (const path of READING) assert.equal(await ask(path), 401, path);
    assert.equal(await ask('/v1/transactions', undefined, 'POST'), 401);
  });

  it('beyond loopback leaves only health open', async () => {
    const { ask } = setup(false);
    for (const path of ['/healthz', '/readyz']) assert.equal(await ask(path), 200, path);
    for (const path of [...OPEN, ...READING]) {
      assert.equal(await ask(path), 401, path);
      assert.equal(await ask(path, 'see'), 200, path);
    }
  });

  it('lets a viewer read and an operator submit', async () => {
    const { ask } = setup(true);
    for (const path of READING) assert.equal(await ask(path, 'see'), 200, path);
    assert.equal(await ask('/v1/transactions', 'see', 'POST'), 403);
    assert.equal(await ask('/v1/transactions', 'do', 'POST'), 202);
    assert.equal(await ask('/v1/locations', 'wrong'), 401);
    assert.equal(await ask('/v1/locations', ''), 401);
  });

  it('says how to log in', async () => {
    const { api } = setup(true);
    const answer = await api.inject({ url: '/v1/locations', headers: { host: '127.0.0.1' } });
    assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
    assert.equal(answer.json().code, 'SB-6003');
  });

  it('on loopback refuses another Host: DNS rebinding', async () => {
    const { api } = setup(true);
    for (const host of ['evil.example', 'evil.example:7070', '127.0.0.1.evil.example', 'localhost.evil']) {
      const answer = await api.inject({ url: '/v1/status', headers: { host } });
      assert.equal(answer.statusCode, 403, host);
      assert.equal(answer.json().code, 'SB-6006');
    }
    for (const host of ['localhost', '127.0.0.1:1', '[::1]:7070', 'LOCALHOST:80']) {
      assert.equal((await api.inject({ url: '/v1/status', headers: { host } })).statusCode, 200, host);
    }
  });
});

describe('readTokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tokens-'));
  const path = join(folder, 'tokens.json');
  const read = (content: string) => {
    writeFileSync(path, content);
    return readTokens(path);
  };

  it('reads names, roles and hashes', () => {
    const sha256 = hashOf('secret').toUpperCase();
    const read1 = read(JSON.stringify({ tokens: [{ name: 'n', role: 'admin', sha256 }] }));
    assert.deepEqual(read1.bearerOf('Bearer secret'), { name: 'n', role: 'admin' });
    assert.equal(read1.bearerOf('Basic secret'), null);
    assert.equal(read1.bearerOf(undefined), null);
    assert.equal(read1.bearerOf(`Bearer ${'x'.repeat(2_000)}`), null);
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
