/** Routes for signing in to the page: by token, or at an OpenID provider; and who one is. */
import { z } from 'zod';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { slowDown, WRONG_TOKENS_MAX } from './guard.ts';
import { ROLES } from './identity.ts';
import { type Route, route } from './route.ts';
import type { SignInState } from './sign-in.ts';
import { Throttle } from './throttle.ts';
import { bearerOf } from './tokens.ts';

/** Signing in at the provider takes as long as a person takes. */
const SIGN_IN_SECONDS = 600;
const SIGN_IN_COOKIE = 'signalbox_sign_in';

export const meSchema = z.object({
  /** Null: nobody has signed in. */
  name: z.nullable(z.string()),
  role: z.nullable(z.enum(ROLES)),
  locations: z.nullable(z.array(z.string())),
  /** Without signing in. */
  demo: z.boolean(),
  lab: z.boolean(),
  /** An OpenID provider can be used. */
  openId: z.boolean(),
  /** A second person has to approve decisions about held transactions. */
  approval: z.boolean(),
  version: z.string(),
  process: z.string(),
  topic: z.string(),
  group: z.string(),
});

export function sessionRoutes(doors: ApiDoors): Route[] {
  const me = meRoute(doors);
  if (doors.access.kind === 'demo') return [me];
  return [me, openRoute(doors, doors.access), closeRoute(doors.access), ...openIdRoutes(doors, doors.access)];
}

type Guarded = Extract<ApiDoors['access'], { kind: 'tokens' }>;

function meRoute(doors: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/me',
    door: 'page',
    summary: 'Who asks, and what this process offers',
    answer: meSchema,
    handle: ({ request }) => ({
      name: request.identity?.name ?? null,
      role: request.identity?.role ?? null,
      locations: request.identity?.locations ?? null,
      demo: doors.access.kind === 'demo',
      lab: doors.lab !== null,
      openId: doors.signIn !== null,
      approval: doors.approvalMs !== null,
      version: doors.version,
      process: doors.name,
      topic: doors.topic,
      group: doors.group,
    }),
  });
}

function openRoute({ world }: ApiDoors, { sessions, tokens }: Guarded): Route {
  const wrong = new Throttle(WRONG_TOKENS_MAX, () => world.monotonic());
  return route({
    method: 'POST',
    path: '/v1/session',
    door: 'page',
    summary: 'Opens a session with a token: a cookie, for the page',
    body: z.strictObject({ token: z.string().max(1_024) }),
    errors: ['SB-6002', 'SB-6003', 'SB-6014', 'SB-6015'],
    answer: z.object({ name: z.string(), role: z.enum(ROLES) }),
    handle: ({ body, request, reply }) => {
      slowDown(wrong, request.ip);
      const nowMs = world.now();
      const found = bearerOf(body.token, tokens, nowMs);
      if (found === null) {
        wrong.note(request.ip);
        throw new SignalboxError('SB-6003', 'the token is not known, or has expired');
      }
      reply.header('set-cookie', sessions.open(found, found.sha256, nowMs));
      return { name: found.name, role: found.role };
    },
  });
}

function closeRoute({ sessions }: Guarded): Route {
  return route({
    method: 'DELETE',
    path: '/v1/session',
    door: 'page',
    summary: 'Ends the session of the page',
    errors: ['SB-6014'],
    answer: z.object({ closed: z.literal(true) }),
    handle: ({ reply }) => {
      reply.header('set-cookie', sessions.close());
      return { closed: true as const };
    },
  });
}

function openIdRoutes({ signIn, world }: ApiDoors, { sessions, loopback }: Guarded): Route[] {
  if (signIn === null) return [];
  const secure = loopback ? '' : '; Secure';
  const cookie = (value: string, seconds: number) =>
    `${SIGN_IN_COOKIE}=${value}; Path=/v1/session; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
  const ownUrl = (host: string | undefined, path: string) =>
    `http${loopback ? '' : 's'}://${host ?? ''}${path}`;
  return [
    route({
      method: 'GET',
      path: '/v1/session/begin',
      door: 'page',
      summary: 'Sends the browser to the OpenID provider',
      status: 302,
      errors: ['SB-6017'],
      answer: z.object({}),
      handle: async ({ request, reply }) => {
        const { url, remember } = await signIn.begin(ownUrl(request.headers.host, '/v1/session/finish'));
        const kept = Buffer.from(JSON.stringify(remember)).toString('base64url');
        reply.header('set-cookie', cookie(kept, SIGN_IN_SECONDS)).header('location', url);
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/session/finish',
      door: 'page',
      summary: 'Where the OpenID provider sends the browser back to',
      status: 302,
      errors: ['SB-6003', 'SB-6004', 'SB-6017'],
      answer: z.object({}),
      handle: async ({ request, reply }) => {
        const remembered = rememberedIn(request.headers.cookie);
        const identity = await signIn.finish(new URL(ownUrl(request.headers.host, request.url)), remembered);
        reply
          .header('set-cookie', [cookie('', 0), sessions.open(identity, null, world.now())])
          .header('location', '/');
        return {};
      },
    }),
  ];
}

const rememberedSchema = z.strictObject({ state: z.string(), verifier: z.string(), nonce: z.string() });

/** Throws SB-6003 when the browser did not begin here. */
function rememberedIn(cookies: string | undefined): SignInState {
  const value = new RegExp(`(?:^|; *)${SIGN_IN_COOKIE}=([A-Za-z0-9_-]+)`).exec(cookies ?? '')?.[1] ?? '';
  try {
    return rememberedSchema.parse(JSON.parse(Buffer.from(value, 'base64url').toString('utf8')));
  } catch {
    throw new SignalboxError('SB-6003', 'signing in was not begun in this browser, or took too long');
  }
}
