/**
 * One route of the API: what it takes and answers as schemas, from which its checks and its part of the OpenAPI document
 * are made, so that the document cannot differ from the code.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import type { Door } from './guard.ts';
import type { Identity } from './identity.ts';

/** What a handler answers: as the schema says, but nobody changes it. */
type Answer<T> = T extends readonly (infer Item)[]
  ? readonly Answer<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Answer<T[Key]> }
    : T;

export interface RouteContext<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly identity: Identity;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface RouteOptions<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answered extends z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With :names of `params`. */
  readonly path: `/${string}`;
  readonly door: Door;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** The schema only documents the body: the handler checks its bytes. */
  readonly rawBody?: boolean;
  readonly answer: Answered;
  /** What the answer is written in; JSON unless it says otherwise. */
  readonly mediaType?: string;
  /** 200 unless it says otherwise. */
  readonly status?: number;
  /** Besides those that any route of its door can give. */
  readonly errors?: readonly ErrorCode[];
  handle(
    context: RouteContext<z.output<Params>, z.output<Query>, z.output<Body>>,
  ): Answer<z.output<Answered>> | Promise<Answer<z.output<Answered>>>;
}

/** A route whose schemas are checked, with its types forgotten. */
export interface Route {
  readonly method: RouteOptions<never, never, never, never>['method'];
  readonly path: `/${string}`;
  readonly door: Door;
  readonly summary: string;
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType;
  readonly mediaType: string;
  readonly status: number;
  readonly errors: readonly ErrorCode[];
  handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

const NOBODY: Identity = { name: 'nobody', role: 'viewer', locations: null };

export function route<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Answered extends z.ZodType = z.ZodType,
>(options: RouteOptions<Params, Query, Body, Answered>): Route {
  const { method, path, door, summary, params, query, body, answer, status = 200, errors = [] } = options;
  const { mediaType = 'application/json' } = options;
  const readBody = options.rawBody === true ? undefined : body;
  return {
    method,
    path,
    door,
    summary,
    params: params ?? null,
    query: query ?? null,
    body: body ?? null,
    answer,
    mediaType,
    status,
    errors,
    handle: async (request, reply) => {
      reply.code(status);
      return await options.handle({
        params: parsed(params, request.params) as z.output<Params>,
        query: parsed(query, request.query) as z.output<Query>,
        body: parsed(readBody, readBody === undefined ? undefined : jsonOf(request.body)) as z.output<Body>,
        identity: request.identity ?? NOBODY,
        request,
        reply,
      });
    },
  };
}

/** Methods that a path takes, HEAD with GET; none: there is no such path. */
export function methodsOf(path: string, routes: readonly Route[]): readonly string[] {
  const parts = path.split('/');
  const taken = routes.filter((each) => {
    const own = each.path.split('/');
    return own.length === parts.length && own.every((part, at) => part.startsWith(':') || part === parts[at]);
  });
  return taken.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

/** `checkAnswers`: each answer is compared with its schema, for tests; it costs more than the answer. */
export function register(api: FastifyInstance, routes: readonly Route[], checkAnswers: boolean): void {
  for (const { method, path, door, status, answer, handle } of routes) {
    api.route({
      method,
      url: path,
      config: { door },
      handler: async (request, reply) => {
        const answered = await handle(request, reply);
        if (checkAnswers && reply.statusCode === status) {
          const checked = answer.safeParse(JSON.parse(JSON.stringify(answered)));
          if (!checked.success)
            throw new Error(`${method} ${path} answers what it does not document: ${checked.error.message}`);
        }
        return answered;
      },
    });
  }
}

/** Throws SB-6002 naming field, what was found and what is allowed. */
function parsed(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.slice(0, 5).map((issue) => {
    const { path, message } = issue;
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, schema);
    const found = path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value);
    const text = (JSON.stringify(found) ?? 'nothing').slice(0, 80);
    return `${path.map(String).join('.') || 'request'}: found ${text}, allowed is ${message}`;
  });
  throw new SignalboxError('SB-6002', problems.join('; '));
}

function unknownKeys(keys: readonly string[], schema: z.ZodType): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const there = known.length === 0 ? '' : `; there are ${known.join(', ')}`;
  return `there is no ${keys.map((key) => key.slice(0, 80)).join(', ')}${there}`;
}

function jsonOf(body: unknown): unknown {
  if (!Buffer.isBuffer(body)) throw new SignalboxError('SB-6002', 'the body must be JSON');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new SignalboxError('SB-6002', 'the body must be JSON');
  }
}
