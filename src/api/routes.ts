/** The routes under /v1 and those for supervisors, over the doors of the API. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { openApi } from './openapi.ts';
import { causeOf } from './problem.ts';
import { StatusBoard } from './status-board.ts';
import { submit } from './submit.ts';

const NAME = /^[A-Za-z0-9._~-]{1,128}$/;
const LOCATIONS_MAX = 1_000;
const DEAD_LETTERS_MAX = 1_000;

export function processRoutes(api: FastifyInstance, doors: ApiDoors): void {
  const board = new StatusBoard(doors.read, doors.world);

  api.get('/healthz', { config: { door: 'health' } }, async () => ({ status: 'ok', version: doors.version }));

  api.get('/readyz', { config: { door: 'health' } }, async (_request, reply) => {
    const state = doors.worker === null ? await boardReadiness(board) : workerReadiness(doors.worker);
    reply.code(state.ready ? 200 : 503);
    return state;
  });

  api.get('/metrics', { config: { door: 'open' } }, async (_request, reply) => {
    reply.header('content-type', doors.metrics.contentType);
    return await doors.metrics.text();
  });

  api.get('/v1/status', { config: { door: 'open' } }, async () => await statusOf(board, doors));

  api.get('/v1/openapi.json', { config: { door: 'open' } }, async () => openApi(doors.version));
}

export function transactionRoutes(api: FastifyInstance, doors: ApiDoors): void {
  api.post('/v1/transactions', { config: { door: 'operator' } }, async (request, reply) => {
    const { traceparent } = request.headers;
    const trace = typeof traceparent === 'string' ? traceparent : null;
    if (!Buffer.isBuffer(request.body)) throw new SignalboxError('SB-6002', 'the body must be JSON');
    const { id, location } = await submit(request.body, trace, doors);
    reply.code(202).header('location', `/v1/transactions/${id}`);
    return { id, location, status: 'accepted' };
  });

  api.get('/v1/transactions/:id', { config: { door: 'viewer' } }, async (request) => {
    const id = nameIn(request, 'id');
    const view = await doors.read.transaction(id);
    if (view === null) throw new SignalboxError('SB-6001', `transaction ${id}`);
    return view;
  });

  api.get('/v1/locations', { config: { door: 'viewer' } }, async (request) => ({
    asOf: new Date(doors.world.now()).toISOString(),
    locations: await doors.read.locations(limitIn(request, 200, LOCATIONS_MAX)),
  }));

  api.get('/v1/locations/:location/why', { config: { door: 'viewer' } }, async (request) => {
    return await doors.read.why(nameIn(request, 'location'));
  });

  api.get('/v1/dead-letters', { config: { door: 'viewer' } }, async (request) => ({
    asOf: new Date(doors.world.now()).toISOString(),
    deadLetters: await doors.read.deadLetters({
      unresolved: false,
      code: null,
      limit: limitIn(request, 100, DEAD_LETTERS_MAX),
    }),
  }));
}

async function statusOf(board: StatusBoard, doors: ApiDoors) {
  const { fleet, reachable, awaySinceMs, problem } = await board.now();
  const unknown = {
    topic: doors.topic,
    group: doors.group,
    asOf: null,
    ...NOTHING_KNOWN,
    workers: [],
    partitions: [],
  };
  return {
    ...(fleet ?? unknown),
    ledger: reachable ? 'reachable' : 'unreachable',
    ...(problem === null ? {} : { ledgerProblem: causeOf(problem) }),
    since: awaySinceMs === null ? null : new Date(awaySinceMs).toISOString(),
    time: new Date(doors.world.now()).toISOString(),
    process: processOf(doors),
    ...doors.more(),
  };
}

const NOTHING_KNOWN = {
  completed: null,
  rolledBack: null,
  deadLetters: null,
  duplicates: null,
  executing: null,
  inDoubt: null,
  reversing: null,
  held: null,
  parked: null,
  waiting: null,
} as const;

/** What this process knows itself, with or without the ledger. */
function processOf({ worker, name, version }: ApiDoors) {
  if (worker === null) return { name, version, worker: null };
  const { ready, problems } = worker.health();
  return { name, version, ready, problems: problems.map(causeOf), worker: worker.snapshot() };
}

function workerReadiness(worker: NonNullable<ApiDoors['worker']>) {
  const { ready, problems } = worker.health();
  const { draining } = worker.snapshot();
  return { ready: ready && !draining, draining, problems: problems.map(causeOf) };
}

async function boardReadiness(board: StatusBoard) {
  const { reachable, problem } = await board.now();
  return { ready: reachable, draining: false, problems: problem === null ? [] : [causeOf(problem)] };
}

function nameIn(request: FastifyRequest, field: 'id' | 'location'): string {
  const name: unknown = Reflect.get(request.params as object, field);
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new SignalboxError(
    'SB-6002',
    `${field}: found ${JSON.stringify(name)?.slice(0, 80)}, allowed is 1 to 128 of A-Z a-z 0-9 . _ ~ -`,
  );
}

function limitIn(request: FastifyRequest, otherwise: number, max: number): number {
  const text: unknown = Reflect.get(request.query as object, 'limit');
  if (text === undefined) return otherwise;
  const limit = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= max) return limit;
  throw new SignalboxError('SB-6002', `limit: allowed is a whole number from 1 to ${max}`);
}
