/** Signing in at a real OpenID provider (oidc-provider, from npm), from the page's redirect to the session's role. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import Provider from 'oidc-provider';
import { FakeWorld } from '../../../test/fixtures/api-fakes.ts';
import { accessWith } from '../../../test/fixtures/api-tokens.ts';
import { createApi, listen } from '../../api/server.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { OpenIdSignIn } from './open-id-sign-in.ts';

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ann: ['cash-operators', 'staff'],
  bob: ['staff'],
  eve: ['visitors'],
};

let provider: Server;
let issuer: string;
let api: ReturnType<typeof createApi>;
let url: string;

before(async () => {
  provider = createServer();
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const { port } = provider.address() as { port: number };
  issuer = `http://127.0.0.1:${port}`;
  const fake = new FakeWorld();
  fake.nowMs = Date.now();
  const signIn = new OpenIdSignIn(optionsOf(issuer), { insecure: true });
  api = createApi(fake.doors({ access: accessWith([], true), signIn }));
  url = await listen(api, { host: '127.0.0.1', port: 0 });
  provider.on('request', newProvider(`${url}/v1/session/finish`).callback());
});

after(async () => {
  await api?.close();
  provider?.closeAllConnections();
  provider?.close();
});

function optionsOf(at: string) {
  return {
    issuer: at,
    clientId: 'signalbox',
    clientSecret: 'a secret of the client that is long enough',
    claim: 'groups',
    roles: { viewer: ['staff'], operator: ['cash-operators'], admin: ['cash-admins'] },
  };
}

function newProvider(redirect: string): Provider {
  const { clientId, clientSecret } = optionsOf(issuer);
  const made = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirect],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { openid: ['sub', 'groups', 'email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, groups: [...(GROUPS[id] ?? [])], email: `${id}@bank.example` }),
    }),
    features: { devInteractions: { enabled: true } },
  });
  made.on('server_error', (_context, error) => console.error(error));
  return made;
}

/** A browser without scripts: follows redirects with its cookies, and fills the provider's forms. */
class Visitor {
  readonly #cookies = new Map<string, string>();

  async go(at: string, form?: Record<string, string>): Promise<Response> {
    let next = at;
    let body = form;
    for (let hops = 0; hops < 20; hops += 1) {
      const answer = await fetch(next, {
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === undefined ? {} : { method: 'POST', body: new URLSearchParams(body) }),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';');
        const at = pair.indexOf('=');
        if (pair.slice(at + 1) === '') this.#cookies.delete(pair.slice(0, at));
        else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const location = answer.headers.get('location');
      if (location === null) return answer;
      next = new URL(location, next).href;
      body = undefined;
    }
    throw new Error('redirected for ever');
  }

  /** The answer of the page after signing in as somebody, and agreeing. */
  async signIn(name: string): Promise<Response> {
    const login = await this.go(`${url}/v1/session/begin`);
    const consent = await this.go(login.url, { prompt: 'login', login: name, password: 'any' });
    return await this.go(consent.url, { prompt: 'consent' });
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }
}

describe('signing in at an OpenID provider', () => {
  it('gives the highest role that the claim gives, and the name that the audit shows', async () => {
    const ann = new Visitor();
    await ann.signIn('ann');
    const me = (await (await ann.go(`${url}/v1/me`)).json()) as { name: string; role: string };
    assert.deepEqual([me.name, me.role], ['ann@bank.example', 'operator']);
    const bob = new Visitor();
    await bob.signIn('bob');
    assert.equal(((await (await bob.go(`${url}/v1/me`)).json()) as { role: string }).role, 'viewer');
    assert.equal((await bob.go(`${url}/v1/locations`)).status, 200);
    assert.equal(bob.cookie('signalbox_sign_in'), undefined, 'what was remembered is forgotten');
  });

  it('refuses who has no role, with a code', async () => {
    const answer = await new Visitor().signIn('eve');
    assert.equal(answer.status, 403);
    const body = (await answer.json()) as { code: string; detail: string };
    assert.equal(body.code, 'SB-6004');
    assert.match(body.detail, /eve@bank.example: no value of the claim groups/);
  });

  it('refuses an answer that this browser did not ask for, a second use, and a changed state', async () => {
    const stranger = new Visitor();
    const finish = `${url}/v1/session/finish?code=stolen&state=x`;
    assert.equal((await stranger.go(finish)).status, 401, 'nothing was begun');
    await stranger.go(`${url}/v1/session/begin`);
    const forged = await stranger.go(finish);
    assert.equal(forged.status, 401);
    assert.equal(((await forged.json()) as { code: string }).code, 'SB-6003');
  });

  it('says when the provider does not answer, and asks again next time', async () => {
    let up = false;
    const { port } = provider.address() as { port: number };
    const late = createServer((request, response) => {
      if (!up) return response.destroy();
      return void fetch(`http://127.0.0.1:${port}${request.url}`).then(async (answer) => {
        response.setHeader('content-type', 'application/json');
        response.end((await answer.text()).replaceAll(issuer, lateUrl));
      });
    });
    await new Promise<void>((resolve) => late.listen(0, '127.0.0.1', resolve));
    const lateUrl = `http://127.0.0.1:${(late.address() as { port: number }).port}`;
    const signIn = new OpenIdSignIn(optionsOf(lateUrl), { insecure: true });
    await assert.rejects(signIn.begin('http://127.0.0.1/x'), (error: unknown) => {
      assert.ok(error instanceof SignalboxError);
      assert.equal(error.code, 'SB-6017');
      return true;
    });
    up = true;
    const { url: begun, remember } = await signIn.begin('http://127.0.0.1/x');
    assert.match(begun, /code_challenge_method=S256/);
    assert.ok(begun.includes(remember.state) && !begun.includes(remember.verifier));
    late.closeAllConnections();
    late.close();
  });
});
