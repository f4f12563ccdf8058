/** The OpenAPI 3.1 document of the API, at /v1/openapi.json, made from its routes. */
import { z } from 'zod';
import { CATALOGUE, type ErrorCode } from '../core/errors/catalogue.ts';
import type { Door } from './guard.ts';
import { problemSchema } from './problem.ts';
import type { Route } from './route.ts';

/** What any route of a door may answer. */
const ERRORS_OF: Readonly<Record<Door, readonly ErrorCode[]>> = {
  health: [],
  open: ['SB-6003', 'SB-6006'],
  page: [],
  viewer: ['SB-2001', 'SB-6002', 'SB-6003', 'SB-6004', 'SB-6006', 'SB-6015'],
  operator: ['SB-2001', 'SB-6002', 'SB-6003', 'SB-6004', 'SB-6006', 'SB-6014', 'SB-6015'],
  admin: ['SB-2001', 'SB-6002', 'SB-6003', 'SB-6004', 'SB-6006', 'SB-6014', 'SB-6015'],
};

const BODY_STATUSES = [413, 415];

const PROBLEM = '#/components/schemas/Problem';

export function openApi(version: string, routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of routes) {
    const path = each.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operation(each) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'signalbox' },
      },
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
    },
  };
}

function operation(of: Route): object {
  const { door, summary, params, query, body, answer, mediaType, status } = of;
  const open = door === 'health' || door === 'page';
  return {
    summary,
    ...(open ? { security: [] } : {}),
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    ...(body === null
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(body, 'input') } },
          },
        }),
    responses: {
      [status]: {
        description: summary,
        content: { [mediaType]: { schema: jsonSchema(answer, 'output') } },
      },
      ...problems(of),
    },
  };
}

function parameters(schema: z.ZodType | null, place: 'path' | 'query'): object[] {
  if (schema === null) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, place === 'path' ? 'input' : 'output') as {
    properties?: Record<string, { description?: string; default?: unknown }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    // A parameter with a default is always there after reading, but need not be sent.
    required: place === 'path' || (required.includes(name) && property.default === undefined),
    schema: property,
  }));
}

/** By status: the codes that come with it. */
function problems({ door, body, errors }: Route): Record<string, object> {
  // A body that is too large, or of another type, is refused before its fields are looked at.
  const byStatus = new Map<number, ErrorCode[]>(
    body === null ? [] : BODY_STATUSES.map((status) => [status, ['SB-6002']]),
  );
  for (const code of new Set([...ERRORS_OF[door], ...errors])) {
    const { status } = CATALOGUE[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `${code}: ${CATALOGUE[code].cause}`).join(' '),
        content: { 'application/problem+json': { schema: { $ref: PROBLEM } } },
      },
    ]),
  );
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
