/**
 * Signing in at an OpenID provider: authorization code with PKCE, state and nonce, by openid-client, which is certified.
 * O1 What the provider says of itself is read at the first use and kept; a failure is told and asked again next time.
 * O2 The role comes from one claim of the ID token alone: the highest one that any of its values gives.
 */
import * as openId from 'openid-client';
import { SignalboxError } from '../../core/errors/catalogue.ts';

export interface OpenIdOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  readonly claim: string;
  /** Values of the claim by role. */
  readonly roles: Readonly<Record<'viewer' | 'operator' | 'admin', readonly string[]>>;
}

type Role = keyof OpenIdOptions['roles'];
const HIGHEST_FIRST: readonly Role[] = ['admin', 'operator', 'viewer'];
const SECONDS_MAX = 10;

interface SignInState {
  readonly state: string;
  readonly verifier: string;
  readonly nonce: string;
}

export class OpenIdSignIn {
  readonly #config: OpenIdOptions;
  readonly #insecure: boolean;
  #provider: Promise<openId.Configuration> | null = null;

  /** `insecure` allows http, for a provider on this machine. */
  constructor(config: OpenIdOptions, { insecure }: { readonly insecure: boolean }) {
    this.#config = config;
    this.#insecure = insecure;
  }

  async begin(redirectUrl: string): Promise<{ readonly url: string; readonly remember: SignInState }> {
    const provider = await this.#discovered();
    const remember = {
      state: openId.randomState(),
      verifier: openId.randomPKCECodeVerifier(),
      nonce: openId.randomNonce(),
    };
    const url = openId.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUrl,
      scope: 'openid profile email',
      code_challenge: await openId.calculatePKCECodeChallenge(remember.verifier),
      code_challenge_method: 'S256',
      state: remember.state,
      nonce: remember.nonce,
    });
    return { url: url.href, remember };
  }

  async finish(url: URL, { state, verifier, nonce }: SignInState) {
    const provider = await this.#discovered();
    const answered = await openId
      .authorizationCodeGrant(provider, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      .catch((error: unknown) => {
        throw refusal(error);
      });
    const claims = answered.claims() ?? {};
    const name = nameIn(claims);
    const role = this.#roleOf(Reflect.get(claims, this.#config.claim));
    if (role === null) {
      throw new SignalboxError(
        'SB-6004',
        `${name}: no value of the claim ${this.#config.claim} gives a role`,
      );
    }
    return { name, role, locations: null };
  }

  #roleOf(claim: unknown): Role | null {
    const values = Array.isArray(claim) ? claim : [claim];
    const { roles } = this.#config;
    return HIGHEST_FIRST.find((role) => roles[role].some((value) => values.includes(value))) ?? null;
  }

  /** O1 */
  async #discovered(): Promise<openId.Configuration> {
    const { issuer, clientId, clientSecret } = this.#config;
    this.#provider ??= openId
      .discovery(new URL(issuer), clientId, clientSecret ?? undefined, undefined, {
        timeout: SECONDS_MAX,
        ...(this.#insecure ? { execute: [openId.allowInsecureRequests] } : {}),
      })
      .catch((error: unknown) => {
        this.#provider = null;
        throw new SignalboxError('SB-6017', `${issuer}: ${messageOf(error)}`, { cause: error });
      });
    return await this.#provider;
  }
}

/** What the provider refuses is the caller's; anything else is the provider's. */
function refusal(error: unknown): SignalboxError {
  const ours =
    error instanceof openId.AuthorizationResponseError || error instanceof openId.ResponseBodyError;
  const code = ours || error instanceof openId.ClientError ? 'SB-6003' : 'SB-6017';
  return new SignalboxError(code, messageOf(error), { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the audit names, in characters that it and a log may hold. */
function nameIn(claims: object): string {
  const [found = 'unknown'] = ['email', 'preferred_username', 'sub'].flatMap((claim) => {
    const value: unknown = Reflect.get(claims, claim);
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  return found.replaceAll(/[^A-Za-z0-9._~@+-]/g, '-').slice(0, 64);
}
