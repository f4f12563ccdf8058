/** The OpenAPI 3.1 document of the API, at /v1/openapi.json. A test keeps it equal to the routes. */
import { STATES } from '../core/states.ts';

const NAME = { type: 'string', pattern: '^[A-Za-z0-9._~-]{1,128}$' };
const COUNT = { type: ['integer', 'null'], minimum: 0 };
const TIME = { type: 'string', format: 'date-time' };
const TIME_OR_NULL = { type: ['string', 'null'], format: 'date-time' };

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
});
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});
const get = (summary: string, ok: object, more: object = {}, parameters: object[] = []) => ({
  get: { summary, parameters, responses: { 200: ok, ...more } },
});
const inPath = (name: string) => ({ name, in: 'path', required: true, schema: NAME });
const limit = (max: number) => ({
  name: 'limit',
  in: 'query',
  schema: { type: 'integer', minimum: 1, maximum: max },
});

const PROTECTED = {
  400: problem('SB-6002'),
  401: problem('SB-6003: a token is needed'),
  403: problem('SB-6004: the role does not allow it'),
  503: problem('SB-2001: the ledger cannot be reached'),
};

export function openApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, {}],
    paths: paths(),
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: schemas() },
  };
}

function paths(): object {
  return {
    '/healthz': get('The process is alive', json('Alive', { type: 'object' })),
    '/readyz': get('The worker takes part', json('Ready', ref('Readiness')), {
      503: json('Not ready, with the causes', ref('Readiness')),
    }),
    '/metrics': get('Metrics for Prometheus', { description: 'Text format', content: { 'text/plain': {} } }),
    '/v1/status': get(
      'The whole fleet. While the ledger is away: the last known counts, "ledger": "unreachable" and since when',
      json('Status', ref('Status')),
    ),
    '/v1/openapi.json': get('This document', json('OpenAPI 3.1', { type: 'object' })),
    '/v1/transactions': { post: submitOperation() },
    '/v1/transactions/{id}': get(
      'One transaction with its history',
      json('Transaction', ref('Transaction')),
      { ...PROTECTED, 404: problem('SB-6001: unknown, or not accounted yet') },
      [inPath('id')],
    ),
    '/v1/locations': get(
      'Locations with open transactions first, then those seen last',
      json('Locations', listOf('locations', { type: 'object' })),
      PROTECTED,
      [limit(1_000)],
    ),
    '/v1/locations/{location}/why': get(
      'Why a location waits: cause, what happens next, what would free it',
      json('Why', ref('Why')),
      PROTECTED,
      [inPath('location')],
    ),
    '/v1/dead-letters': get(
      'Records that could not become a transaction, newest first',
      json('Dead letters', listOf('deadLetters', { type: 'object' })),
      PROTECTED,
      [limit(1_000)],
    ),
  };
}

function submitOperation(): object {
  return {
    summary: 'Submits one transaction: produced to the topic. Idempotent by id',
    requestBody: { required: true, content: { 'application/json': { schema: ref('Submission') } } },
    responses: {
      202: json('On the topic, acknowledged by all replicas', {
        type: 'object',
        properties: { id: NAME, location: NAME, status: { const: 'accepted' } },
      }),
      ...PROTECTED,
      413: problem('SB-1107: larger than 256 KiB'),
      415: problem('SB-6002: not JSON'),
      422: problem('SB-11xx: it would become a dead letter'),
      503: problem('SB-3001: the log cannot be reached; send the same again'),
    },
  };
}

function listOf(name: string, items: object): object {
  return { type: 'object', properties: { asOf: TIME, [name]: { type: 'array', items } } };
}

function object(properties: Record<string, object>, required: readonly string[] = []): object {
  return { type: 'object', properties, required };
}

function schemas(): object {
  const counts = [
    'completed',
    'rolledBack',
    'deadLetters',
    'duplicates',
    'executing',
    'inDoubt',
    'reversing',
    'held',
    'parked',
    'waiting',
  ];
  return {
    Problem: object(
      {
        type: { type: 'string' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string' },
        code: { type: 'string', pattern: '^SB-\\d{4}$' },
        remedy: { type: 'string' },
      },
      ['type', 'title', 'status', 'detail', 'code', 'remedy'],
    ),
    Readiness: object({
      ready: { type: 'boolean' },
      draining: { type: 'boolean' },
      problems: { type: 'array', items: { type: 'object' } },
    }),
    Status: object(
      {
        topic: { type: 'string' },
        group: { type: 'string' },
        asOf: TIME_OR_NULL,
        ...Object.fromEntries(counts.map((name) => [name, COUNT])),
        workers: { type: 'array', items: { type: 'object' } },
        partitions: { type: 'array', items: { type: 'object' } },
        ledger: { enum: ['reachable', 'unreachable'] },
        since: TIME_OR_NULL,
        time: TIME,
        process: { type: 'object' },
      },
      ['topic', 'group', 'asOf', ...counts, 'workers', 'partitions', 'ledger', 'time', 'process'],
    ),
    Submission: object(
      {
        id: NAME,
        type: { type: 'string', pattern: '^[A-Za-z0-9._~-]{1,64}$' },
        location: NAME,
        data: { type: 'object' },
        expiresAt: TIME,
      },
      ['id', 'type', 'location'],
    ),
    Transaction: object({ id: NAME, location: NAME, state: { enum: STATES } }, ['id', 'location', 'state']),
    Why: object({
      location: NAME,
      cause: { type: 'string' },
      next: { type: 'string' },
      exit: { type: 'string' },
    }),
  };
}
